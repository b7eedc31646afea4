package host

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// doing says what is wished.
func (c EncryptionChange) doing() string {
	switch "" {
	case c.Old:
		return "set a backup password on"
	case c.New:
		return "remove the backup password of"
	}
	return "change the backup password of"
}

// Encryption tells of the connected devices, or of one, whether a backup
// password is set.
func (h *Host) Encryption(ctx context.Context, words []string) ([]russet.Device, error) {
	chosen, left, err := h.Connected(ctx, words)
	return append(chosen, left...), err
}

// ChangePassword sets, changes or removes the backup password of a device, and
// remembers it. The phone asks for its passcode. When it ends without the
// phone's answer, both passwords are known here, and the next backup tells
// which one the phone has.
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
	before := passwordsBefore{host: h, udid: s.UDID}
	err = engine.ChangePassword(guarded, dev, c.Old, c.New, engine.PasswordOptions{
		UDID: s.UDID, Events: c.Progress, Log: h.log,
		Asking: func() error { return before.keep(c) },
	})
	if err != nil {
		return s.Device, before.afterFailure(c, err)
	}
	s.Encrypted = c.New != ""
	// The old one is proven now, and earlier backups may need it.
	for _, p := range []string{c.Old, c.New} {
		if p == "" {
			continue
		}
		if err := h.remember(s.UDID, p); err != nil {
			return s.Device, &russet.Error{
				Kind: russet.KindOf(err), Doing: "remember the backup password of a phone that has just changed it",
				What: err.Error(), Hint: "write it down; russet will ask for it", Err: err,
			}
		}
	}
	return s.Device, h.setUnproven(s.UDID, c.New != "")
}

// passwordsBefore is what was known of a device's passwords before it was asked
// to change them.
type passwordsBefore struct {
	host     *Host
	udid     russet.UDID
	asked    bool // the device was
	list     []string
	unproven bool
}

// keep makes both passwords known here before the device is asked: whatever
// becomes of this process and of the connection, the one that the device has
// afterwards is among them.
func (b *passwordsBefore) keep(c EncryptionChange) (err error) {
	b.unproven = b.host.unproven(b.udid)
	if b.list, err = b.host.remembered(b.udid); err != nil {
		return err
	}
	list := slices.Clone(b.list)
	for i, p := range []string{c.Old, c.New} {
		if p != "" && !slices.Contains(list, p) {
			list = slices.Insert(list, min(i+1, len(list)), p) // behind the likeliest
		}
	}
	if err := b.host.setRemembered(b.udid, list); err != nil {
		return err
	}
	b.asked = true
	if err := b.host.changedEncryption(b.udid); err != nil {
		b.host.log.Warn("the service may tell of a change that russet made", "error", err)
	}
	return b.host.setUnproven(b.udid, c.New != "" || b.unproven)
}

// afterFailure forgets the new password again where the device's answer tells
// that it has the old one, and says where nobody knows.
func (b *passwordsBefore) afterFailure(c EncryptionChange, err error) error {
	e, ok := errors.AsType[*russet.Error](err)
	if !ok || !b.asked {
		return err
	}
	switch e.Kind {
	case russet.Password, russet.Locked, russet.Unsupported, russet.Busy:
		if undo := errors.Join(b.host.setRemembered(b.udid, b.list), b.host.setUnproven(b.udid, b.unproven)); undo != nil {
			b.host.log.Warn("a password that was not set stays among those to try", "error", undo)
		}
		return err
	}
	if e.Code != 0 {
		return err
	}
	unknown := *e
	switch "" {
	case c.Old:
		unknown.Hint = `"russet encryption status" tells whether the phone has the password now; russet keeps it, and tries it on the next backup`
	case c.New:
		unknown.Hint = `"russet encryption status" tells whether the phone still has the password`
	default:
		unknown.Hint = "the phone has the old password or the new one: russet keeps both, and the next backup tells which"
	}
	return &unknown
}

// forPassword finds the device whose password is to change, and looks whether
// the change makes sense.
func (h *Host) forPassword(ctx context.Context, c EncryptionChange) (s reach.Sighting, doing string, err error) {
	s, err = h.devices.Pick(ctx, c.Device)
	if err != nil {
		return s, "", err
	}
	doing = fmt.Sprintf("%s %q", c.doing(), s.Name)
	switch {
	case !s.Paired:
		return s, doing, h.devices.Unusable(s, doing)
	case s.EncryptedUnknown: // the phone is asked again, when it is
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
