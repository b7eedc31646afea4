package mobilesync

import (
	"errors"

	"russet/mobilesync/keybag"
)

// What can be the matter with a backup folder; ask with errors.Is.
var (
	// ErrLegacy: made by iOS 9 or older, with an index of another kind.
	ErrLegacy = errors.New("backup made by iOS 9 or older, which is not supported")
	// ErrUnfinished: the device did not finish this backup, or is at it.
	ErrUnfinished = errors.New("backup is not finished")
	// ErrNoManifest: Manifest.plist or Manifest.db is missing; perhaps the
	// folder is no backup at all.
	ErrNoManifest = errors.New("not a whole backup folder")
	// ErrDamaged: a file without which the backup cannot be read is broken.
	ErrDamaged = errors.New("backup is damaged")
	// ErrEncrypted: the backup is encrypted and no password was given.
	ErrEncrypted = errors.New("backup is encrypted and needs its password")
	// ErrPassword: the password given is not this backup's.
	ErrPassword = keybag.ErrPassword
	// ErrUndecryptable: no key of the backup opens this file.
	ErrUndecryptable = errors.New("file cannot be decrypted with this backup's keys")
)
