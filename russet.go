// Package russet holds the nouns of russet: what a device, a backup, a store,
// a draft and a run are, and the things that can go wrong in a way a person
// can do something about. It does nothing by itself.
//
// A device writes a folder; a store keeps it; a backup is what the store kept
// and never changes; people read it as an fs.FS. The libraries below this
// package (device, mobilesync) know nothing of it; the packages above it in
// internal do the work. docs/words.md explains the words.
package russet

import "strings"

// Version is the release; "dev" when built from a checkout.
const Version = "0.1.0-dev"

// UDID names a device: 40 hexadecimal digits, or 25 characters with a dash
// since the A12 chip.
type UDID string

// Valid reports whether u has one of the two shapes Apple uses. Names that
// are not valid never become part of a path.
func (u UDID) Valid() bool {
	s := string(u)
	switch len(s) {
	case 40:
		return isHex(s)
	case 25:
		return s[8] == '-' && isHex(s[:8]) && isHex(s[9:])
	default:
		return false
	}
}

func isHex(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'f') && (r < 'A' || r > 'F')
	}) < 0
}

// BackupID names a backup for life: 32 lower-case hexadecimal digits. People
// type a unique prefix of it.
type BackupID string
