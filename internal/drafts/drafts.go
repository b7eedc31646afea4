// Package drafts keeps the books of a store's unfinished backups on one
// computer, alike for every kind of store: who works with which device and which
// backup, what drafts say of themselves, and how often a device stumbled over
// what it was offered.
package drafts

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"russet"
	"russet/internal/durable"
	"russet/internal/facts"
)

// The folders of the books.
const (
	draftsDir  = "drafts"  // one a device: its UDID
	asideDir   = "aside"   // those that are never offered again: their IDs
	devicesDir = "devices" // what is known of devices: UDID.json
	locksDir   = "locks"
)

// NoteFile is what a draft remembers of itself, in its folder.
const NoteFile = "draft.json"

// Step says how far a draft has come; stores have more of them.
type Step string

// The steps of every draft.
const (
	Receiving Step = ""         // from the device
	Finished  Step = "finished" // the device said so: from here nothing needs the phone
)

// Note is what every draft remembers of itself.
type Note struct {
	ID      string          `json:"id"`
	Device  russet.UDID     `json:"device"`
	Started time.Time       `json:"started"`
	Full    bool            `json:"full"`
	Base    russet.BackupID `json:"base,omitempty"`
	// BaseFingerprint is that of the base when it was offered.
	BaseFingerprint string `json:"base_fingerprint,omitempty"`
	Step            Step   `json:"step,omitempty"`
	// Journal is how long the journal was when the device finished.
	Journal int64 `json:"journal,omitempty"`
	// Added is how many bytes earlier runs sent to the store.
	Added int64 `json:"added,omitempty"`
	// Aside says why it must not be offered again.
	Aside string `json:"aside,omitempty"`

	folder string // it was read in
}

// Books are those of one store.
type Books struct {
	Folder *durable.Dir
	In     string // the folder within that in which they are; "" for itself
}

// maxNote bounds a note and what is known of a device, in bytes. The note of a
// draft that is being put in its place may list thousands of files.
const maxNote = 16 << 20

// Folders are the folders of the books, which the store makes.
func (b Books) Folders() []string {
	return []string{b.path(draftsDir), b.path(asideDir), b.path(devicesDir), b.path(locksDir)}
}

func (b Books) path(names ...string) string { return path.Join(b.In, path.Join(names...)) }

// Draft is the folder of the draft that a device is offered.
func (b Books) Draft(device russet.UDID) string { return b.path(draftsDir, string(device)) }

// Aside is the folder of a draft that was set aside.
func (b Books) Aside(id string) string { return b.path(asideDir, id) }

// LockFile is the file of a lock.
func (b Books) LockFile(name string) string { return b.path(locksDir, name) }

// Lock takes a lock of the store; one that is held by another is an error of
// kind Busy that says what.
func (b Books) Lock(name string, shared bool, doing, what string) (*durable.Lock, error) {
	l, err := b.Folder.Lock(b.LockFile(name), shared)
	if errors.Is(err, durable.ErrLocked) {
		return nil, &russet.Error{
			Kind: russet.Busy, Doing: doing, What: what, Err: err,
			Hint: "wait until it is done, or stop it first",
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return l, nil
}

// LockDevice keeps others from a device's drafts and from its strikes.
func (b Books) LockDevice(device russet.UDID, doing string) (*durable.Lock, error) {
	return b.Lock("device-"+string(device), false, doing, "another run of russet works with this device's backups")
}

// LockBackup keeps others from removing a backup, or from using one that is not
// shared.
func (b Books) LockBackup(id russet.BackupID, shared bool, doing string) (*durable.Lock, error) {
	return b.Lock("backup-"+string(id), shared, doing, "this backup is in use")
}

// Offered reads the notes of the drafts that devices are offered.
func (b Books) Offered() ([]Note, error) { return b.notes(draftsDir) }

// All reads the notes of all drafts.
func (b Books) All() ([]Note, error) {
	offered, err := b.notes(draftsDir)
	aside, err2 := b.notes(asideDir)
	return append(offered, aside...), errors.Join(err, err2)
}

func (b Books) notes(dir string) ([]Note, error) {
	entries, err := b.Folder.ReadDir(b.path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var notes []Note
	for _, e := range entries {
		var n Note
		if err := b.Folder.ReadJSON(b.path(dir, e.Name(), NoteFile), maxNote, &n); err != nil || !facts.IsID(n.ID) || !n.Device.Valid() {
			continue // of a run that did not come to write it, or is just being made
		}
		n.folder = b.path(dir, e.Name())
		notes = append(notes, n)
	}
	return notes, err
}

// Each visits the devices with a draft on which nobody works, under their locks.
func (b Books) Each(doing string, visit func(russet.UDID) error) error {
	entries, err := b.Folder.ReadDir(b.path(draftsDir))
	for _, e := range entries {
		device := russet.UDID(e.Name())
		if !device.Valid() {
			continue
		}
		lock, e := b.LockDevice(device, doing)
		if russet.KindOf(e) == russet.Busy {
			continue
		}
		if e == nil {
			e = errors.Join(visit(device), lock.Unlock())
		}
		err = errors.Join(err, e)
	}
	return err
}

// List describes the drafts of a device, or of all for "". measure adds what is
// in the draft of a folder, which may be gone by then.
func (b Books) List(device russet.UDID, store string, measure func(folder string, into *russet.Backup) error) ([]russet.Backup, error) {
	notes, err := b.All()
	if err != nil {
		return nil, err
	}
	list := []russet.Backup{}
	for _, n := range notes {
		if device != "" && n.Device != device {
			continue
		}
		draft := russet.Backup{
			ID: russet.BackupID(n.ID), Device: n.Device, Time: n.Started, Store: store, Draft: true, Problem: n.Aside, Added: n.Added,
		}
		if err := measure(n.folder, &draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		list = append(list, draft)
	}
	return list, nil
}

// Delete has drop remove the draft of that ID; false if there is none. One that
// the device has finished stays.
func (b Books) Delete(id russet.BackupID, doing string, drop func(folder, id string) error) (bool, error) {
	notes, err := b.All()
	if err != nil {
		return false, fmt.Errorf("%s: %w", doing, err)
	}
	i := slices.IndexFunc(notes, func(n Note) bool { return n.ID == string(id) })
	if i < 0 {
		return false, nil
	}
	n := notes[i]
	lock, err := b.LockDevice(n.Device, doing)
	if err != nil {
		return false, err
	}
	if n.Step != Receiving && n.Aside == "" {
		err = &russet.Error{
			Kind: russet.Busy, Doing: doing, What: "the device has finished it, it only has to be put in its place",
			Hint: "russet repair does that",
		}
	} else {
		err = drop(n.folder, n.ID)
	}
	return true, errors.Join(err, lock.Unlock())
}

// DropAside has drop remove the drafts of a device that were set aside.
func (b Books) DropAside(device russet.UDID, drop func(folder, id string) error) error {
	notes, err := b.notes(asideDir)
	for _, n := range notes {
		if n.Device == device {
			err = errors.Join(err, drop(n.folder, n.ID))
		}
	}
	return err
}
