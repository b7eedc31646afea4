// Package agent is the backup agent of a virtual iPhone: the device's side of
// DeviceLink and mobilebackup2. It backs a disk up to a host, restores it from
// one, and changes the backup password.
//
// It shares no code with the host side of russet, so that each can judge the
// other: keybag, file cryptography, MBFile archives and Manifest.db are its own.
//
// Real phones were not at hand. Where behaviour is known only from others'
// decompilations it is marked [D], where it was seen in logs of real devices
// [T], where it is a guess [I].
package agent

import (
	"context"
	"errors"
	"log/slog"

	"russet/vphone/disk"
)

// ErrLocked is what AskPasscode returns when nobody typed the passcode.
var ErrLocked = errors.New("device locked")

// Identity is what the agent tells about the phone in Manifest.plist, and what
// it compares backups with.
type Identity struct {
	UDID           string // as in the folder name, with the dash
	DeviceName     string
	DeviceClass    string // "iPhone", "iPad"
	ProductType    string // "iPhone17,1"
	ProductVersion string // "18.6"
	BuildVersion   string // "22G86"
	SerialNumber   string
	PasscodeSet    bool // becomes WasPasscodeSet
}

// Names of the conditions a phone can be asked for with [Phone.Condition].
const (
	FindMy             = "find-my"             // restores are refused with 211
	ManagedOff         = "managed-off"         // backups and restores are refused with 22
	SetupUnfinished    = "setup-unfinished"    // backups are refused with 212
	RequiresEncryption = "requires-encryption" // backups without a password are refused with 207
	ICloudRestore      = "icloud-restore"      // backups and restores are refused with 25
)

// Phone is what the agent needs of the phone it runs on. Its methods are safe
// for concurrent use.
type Phone interface {
	Identity() Identity
	Disk() disk.Disk
	// CacheDir is a folder of the agent's own that survives between runs.
	CacheDir() string
	// BackupPassword is empty while encryption is off.
	BackupPassword() string
	SetBackupPassword(pw string) error
	// AskPasscode shows the passcode sheet if the phone has a passcode, and
	// returns nil, ErrLocked, or the context's error.
	AskPasscode(ctx context.Context, reason string) error
	// Condition says whether one of the named conditions holds.
	Condition(name string) bool
	PostNotification(name string)
	Reboot()
	Faults() *Faults
	Logger() *slog.Logger
}
