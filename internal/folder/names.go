package folder

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"russet"
)

// parseName takes the name of a backup's folder apart: the device, and the
// stamp "YYYYMMDD-HHMMSS" of an archived one.
func parseName(name string) (device russet.UDID, stamp string, ok bool) {
	device = russet.UDID(name)
	if n := len(name) - len("-20060102-150405"); n > 0 && isStamp(name[n:]) {
		device, stamp = russet.UDID(name[:n]), name[n+1:]
	}
	return device, stamp, device.Valid()
}

// isStamp reports whether s is "-YYYYMMDD-HHMMSS".
func isStamp(s string) bool {
	if len(s) != len("-20060102-150405") || s[0] != '-' || s[9] != '-' {
		return false
	}
	return strings.Trim(s[1:9]+s[10:], "0123456789") == ""
}

// isPayload reports whether name is that of a payload: ab/ab… with 40 digits.
func isPayload(name string) bool {
	return len(name) == 43 && name[2] == '/' && name[:2] == name[3:5] && isLowerHex(name[3:])
}

func isLowerHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// The files of a backup beside its payloads (format.md 2).
const (
	infoPlist     = "Info.plist"
	statusPlist   = "Status.plist"
	manifestPlist = "Manifest.plist"
	manifestDB    = "Manifest.db"
)

// isForeign reports whether an entry at the top of a backup is none of the
// device's: other programs keep things there, which are not ours to delete.
func isForeign(name string) bool {
	switch name {
	case infoPlist, statusPlist, manifestPlist, manifestDB, "Snapshot", "Manifest.mbdb", "Manifest.mbdx":
		return false
	}
	return len(name) != 2 || !isLowerHex(name)
}

// newID makes an identity that no other thing has.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

func isID(s string) bool { return len(s) == 32 && isLowerHex(s) }
