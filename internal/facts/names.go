package facts

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"russet"
)

// ParseName takes the name of a backup's folder apart: the device, and the
// stamp "YYYYMMDD-HHMMSS" of an archived one.
func ParseName(name string) (device russet.UDID, stamp string, ok bool) {
	device = russet.UDID(name)
	if n := len(name) - len("-20060102-150405"); n > 0 && IsStamp(name[n:]) {
		device, stamp = russet.UDID(name[:n]), name[n+1:]
	}
	return device, stamp, device.Valid()
}

// IsStamp reports whether s is "-YYYYMMDD-HHMMSS".
func IsStamp(s string) bool {
	if len(s) != len("-20060102-150405") || s[0] != '-' || s[9] != '-' {
		return false
	}
	return strings.Trim(s[1:9]+s[10:], "0123456789") == ""
}

// IsPayload reports whether name is that of a payload: ab/ab… with 40 digits.
func IsPayload(name string) bool {
	return len(name) == 43 && name[2] == '/' && name[:2] == name[3:5] && isLowerHex(name[3:])
}

func isLowerHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// The files of a backup beside its payloads.
const (
	InfoPlist     = "Info.plist"
	StatusPlist   = "Status.plist"
	ManifestPlist = "Manifest.plist"
	ManifestDB    = "Manifest.db"
)

// IsForeign reports whether an entry at the top of a backup is none of the
// device's: other programs keep things there, which are not ours to delete.
func IsForeign(name string) bool {
	switch name {
	case InfoPlist, StatusPlist, ManifestPlist, ManifestDB, "Snapshot", "Manifest.mbdb", "Manifest.mbdx":
		return false
	}
	return len(name) != 2 || !isLowerHex(name)
}

// NewID makes an identity that no other thing has.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

func IsID(s string) bool { return len(s) == 32 && isLowerHex(s) }

// MayName is the error of a name that a device may not use in its draft. It may
// use those in its own folder, and in the sibling that a device moves an old one
// to, which never leaves the draft.
func MayName(device russet.UDID, op, name string) error {
	switch top, _, _ := strings.Cut(name, "/"); {
	case !fs.ValidPath(name):
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	case top == string(device):
		return nil
	case strings.HasPrefix(top, string(device)) && IsStamp(top[len(device):]):
		return nil
	default:
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrPermission}
	}
}

// NoBackup is the error of asking for a backup that a store does not have.
func NoBackup(id russet.BackupID, doing string) error {
	return &russet.Error{
		Kind: russet.Usage, Doing: doing, Err: fs.ErrNotExist,
		What: fmt.Sprintf("there is no backup %q in this store", id), Hint: "russet backups lists them",
	}
}
