package host

import (
	"context"
	"fmt"

	"russet"
	"russet/internal/engine"
	"russet/internal/reach"
)

// EncryptionChange is a wish to set, change or remove the backup password of a
// device. Empty strings mean none.
type EncryptionChange struct {
	Device   string // as a person named it; "" for the only one
	Old, New string
	Progress func(russet.Event)
}

// Encryption tells of the connected devices, or of one, whether a backup
// password is set.
func (h *Host) Encryption(ctx context.Context, words []string) ([]russet.Device, error) {
	chosen, left, err := h.Connected(ctx, words)
	return append(chosen, left...), err
}

// ChangePassword sets, changes or removes the backup password of a device, and
// remembers it. The phone asks for its passcode.
func (h *Host) ChangePassword(ctx context.Context, c EncryptionChange) (russet.Device, error) {
	s, doing, err := h.forPassword(ctx, c)
	if err != nil {
		return s.Device, err
	}
	release, err := h.devices.Lock(s.Device, doing)
	if err != nil {
		return s.Device, err
	}
	defer release()
	guarded, dev, end, err := h.devices.Contact(ctx, s, doing, reach.PlugIn)
	if err != nil {
		return s.Device, err
	}
	defer end()
	err = engine.ChangePassword(guarded, dev, c.Old, c.New, engine.PasswordOptions{UDID: s.UDID, Events: c.Progress, Log: h.log})
	if err != nil {
		return s.Device, err
	}
	s.Encrypted = c.New != ""
	if err := h.changedEncryption(s.UDID); err != nil {
		h.log.Warn("the service may tell of a change that russet made", "error", err)
	}
	if c.New == "" {
		return s.Device, h.setUnproven(s.UDID, false)
	}
	if err := h.remember(s.UDID, c.New); err != nil {
		return s.Device, &russet.Error{
			Kind: russet.KindOf(err), Doing: "remember the new password, which is set on the phone now",
			What: err.Error(), Hint: "write it down; russet will ask for it", Err: err,
		}
	}
	return s.Device, h.setUnproven(s.UDID, true)
}

// forPassword finds the device whose password is to change, and looks whether
// the change makes sense.
func (h *Host) forPassword(ctx context.Context, c EncryptionChange) (s reach.Sighting, doing string, err error) {
	s, err = h.devices.Pick(ctx, c.Device)
	if err != nil {
		return s, "", err
	}
	doing = fmt.Sprintf("change the backup password of %q", s.Name)
	switch {
	case !s.Paired:
		return s, doing, h.devices.Unusable(s, doing)
	case c.Old == "" && s.Encrypted:
		return s, doing, &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("backups of %q are encrypted already", s.Name),
			Hint: `change the password with "russet encryption change"`,
		}
	case c.Old != "" && !s.Encrypted:
		return s, doing, &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("backups of %q are not encrypted", s.Name),
			Hint: `switch encryption on with "russet encryption on"`,
		}
	}
	return s, doing, nil
}

// PresentPassword is the backup password that is remembered for a connected
// device, "" if none.
func (h *Host) PresentPassword(ctx context.Context, word string) (string, error) {
	s, err := h.devices.Pick(ctx, word)
	if err != nil {
		return "", err
	}
	return h.passwords(ctx, s.UDID)
}
