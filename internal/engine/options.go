package engine

import (
	"cmp"
	"log/slog"

	"russet"
)

// BackupOptions says what to back up, and who is told.
type BackupOptions struct {
	UDID russet.UDID
	// Events is told of every step and, a few times a second, of progress.
	// Calls come one at a time. It may be nil.
	Events func(russet.Event)
	Log    *slog.Logger // nil is silence
}

func (o BackupOptions) withDefaults() BackupOptions {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

// BackupResult is what a run of the device brought, whether it ended well or
// not.
type BackupResult struct {
	Received  int64            // bytes from the device, everything counted
	Sent      int64            // bytes to the device
	Files     int              // files received whole
	Unread    []russet.Problem // files the phone could not read; the backup is finished without them
	Encrypted bool             // a backup password is set on the device
	Notes     []string         // what a person should know of it
	// Contacted is whether the device has seen anything of the draft.
	Contacted bool
}

// RestoreOptions says what to restore, and how. The switches are those of the
// device, sent explicitly; a full restore as Finder makes it has System,
// RemoveNotRestored and Reboot set.
type RestoreOptions struct {
	Source            russet.UDID // the device the backup came from: the name of its folder
	Target            russet.UDID // the device to restore onto
	Password          string      // of an encrypted backup
	System            bool        // system domains and settings too
	PreserveSettings  bool        // keep the device's present settings
	RemoveNotRestored bool        // remove what the backup does not hold
	Reboot            bool
	SkipApps          bool // do not have the App Store's apps downloaded again
	Events            func(russet.Event)
	Log               *slog.Logger // nil is silence
}

func (o RestoreOptions) withDefaults() RestoreOptions {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

// RestoreResult is what a restore moved.
type RestoreResult struct {
	Sent     int64 // bytes to the device
	Received int64 // bytes from the device
	// Missing are files of the backup that the device asked for in vain.
	Missing []russet.Problem
	// Damaged are files of the backup that were sent although they are not what
	// the device they came from had sent.
	Damaged []russet.Problem
}

// PasswordOptions says whose backup password to change, and who is told.
type PasswordOptions struct {
	UDID russet.UDID
	// Asking is called once, before the device is asked; an error ends it there.
	// After it only the device's own answer tells what it has. It may be nil.
	Asking func() error
	Events func(russet.Event)
	Log    *slog.Logger // nil is silence
}
