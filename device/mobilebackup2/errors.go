package mobilebackup2

import "fmt"

// Code is a number of Apple's MBErrorDomain.
type Code int

// The codes that devices were seen to end with, or that public decompilations
// of BackupAgent2 know.
const (
	CodeGeneric           Code = 1
	CodeMultiple          Code = 2
	CodeExists            Code = 3 // "Failed to create snapshot: File exists"
	CodeNotFound          Code = 4
	CodeNotDirectory      Code = 5
	CodeIsDirectory       Code = 6
	CodeLoop              Code = 7
	CodeNoAttribute       Code = 8
	CodeFileChanged       Code = 9
	CodeDecode            Code = 11
	CodeMalformed         Code = 12
	CodeBusy              Code = 14
	CodeManaged           Code = 22 // disabled by management
	CodeNameRefused       Code = 24 // after a host refused a name (idevice #104)
	CodeCloudRestore      Code = 25 // an iCloud restore is in progress
	CodeCrossDevice       Code = 26
	CodeIO                Code = 100
	CodeDeviceRead        Code = 101
	CodeDeviceWrite       Code = 102
	CodeHostRead          Code = 103
	CodeHostWrite         Code = 104
	CodeHostFull          Code = 105
	CodeDeviceFull        Code = 106
	CodeCancelled         Code = 202
	CodeVersion           Code = 203
	CodeNoBackup          Code = 204
	CodeDamaged           Code = 205
	CodePassword          Code = 207
	CodeLocked            Code = 208
	CodeUnknown209        Code = 209
	CodeNoAccount         Code = 210
	CodeFindMy            Code = 211
	CodeSetup             Code = 212
	CodeCancelledFirst    Code = 217 // 217 to 224: cancelled, for several reasons
	CodeCancelledLast     Code = 224
	CodeCloudNetworkFirst Code = 300 // 300 to 307: network errors of iCloud backups
	CodeCloudNetworkLast  Code = 307
)

// An Error is a device's last word on a command that failed.
type Error struct {
	Code Code
	Text string // the device's own, for logs
}

func (e *Error) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("the device answered with error %d", int(e.Code))
	}
	return fmt.Sprintf("the device answered with error %d: %q", int(e.Code), e.Text)
}
