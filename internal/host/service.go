package host

import (
	"errors"
	"time"

	"russet"
	"russet/internal/durable"
	"russet/internal/home"
)

// automationDir is where the service keeps what it must not forget.
const automationDir = "automation"

// Home is where russet keeps its own things here.
func (h *Host) Home() home.Place { return h.home.Place }

// LockService makes the caller the one service of this home, until release is
// called or its process ends. Busy for a second one.
func (h *Host) LockService() (release func(), err error) {
	dir, err := h.home.Make()
	if err != nil {
		return nil, err
	}
	l, err := dir.Lock(serveLock, false)
	if errors.Is(err, durable.ErrLocked) {
		return nil, &russet.Error{
			Kind: russet.Busy, Doing: "serve", What: "another russet serves here already",
			Hint: `"russet status" asks it; stop it first to start another`,
		}
	}
	if err != nil {
		return nil, home.Error(err)
	}
	return func() {
		if err := l.Unlock(); err != nil {
			h.log.Warn("the lock of the service could not be let go", "error", err)
		}
	}, nil
}

// FindAutomation opens the folder of the service for reading; fs.ErrNotExist
// when no service ever ran here.
func (h *Host) FindAutomation() (*durable.Dir, error) {
	dir, err := h.home.Open()
	if err != nil {
		return nil, err
	}
	sub, err := dir.Sub(automationDir)
	if err != nil {
		return nil, home.Error(err)
	}
	return sub, nil
}

// Automation opens the folder of the service. It is made when absent.
func (h *Host) Automation() (*durable.Dir, error) {
	dir, err := h.home.Make()
	if err != nil {
		return nil, err
	}
	sub, err := dir.MakeSub(automationDir, 0o700)
	if err != nil {
		return nil, home.Error(err)
	}
	return sub, nil
}

// ownChange is when russet itself changed the encryption of a device.
type ownChange struct {
	At time.Time `json:"at"`
}

func ownChangeFile(udid russet.UDID) string { return string(udid) + ".encryption" }

// changedEncryption notes that russet itself changed the encryption of a device:
// nobody has to be told of that.
func (h *Host) changedEncryption(udid russet.UDID) error {
	dir, err := h.Automation()
	if err != nil {
		return err
	}
	err = dir.ReplaceJSON(ownChangeFile(udid), ownChange{h.now().UTC()}, 0o600)
	return errors.Join(err, dir.Close())
}

// EncryptionChanged is when russet itself last changed the encryption of a
// device; the zero time if never.
func (h *Host) EncryptionChanged(udid russet.UDID) time.Time {
	dir, err := h.FindAutomation()
	if err != nil {
		return time.Time{}
	}
	defer dir.Close()
	var c ownChange
	if err := dir.ReadJSON(ownChangeFile(udid), 1<<10, &c); err != nil {
		return time.Time{}
	}
	return c.At
}

// NoteLost adds a run to the history that was killed before it could leave word
// of itself.
func (h *Host) NoteLost(d russet.Device, store, by string, at time.Time, passcode bool) error {
	return h.addRun(*lost(russet.Run{
		ID: newRunID(), Device: d.UDID, Name: d.Name, Store: store, Start: at.UTC(),
		Unread: []russet.Problem{}, By: by, Passcode: passcode,
	}))
}
