package engine

import (
	"cmp"
	"context"
	"log/slog"

	"russet"
	"russet/device"
	"russet/device/mobilebackup2"
)

// ChangePassword changes the password with which the device encrypts its
// backups: only newPassword switches encryption on, both change it, only
// oldPassword switches it off. The device asks for its passcode on its screen.
// Errors are a *russet.Error.
//
// A forgotten password cannot be recovered, only reset on the device: whoever
// asks for one says so, and asks twice.
func ChangePassword(ctx context.Context, dev *device.Device, oldPassword, newPassword string, opts PasswordOptions) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := watchProgress(opts.UDID, opts.Events)
	defer p.end()
	err := changePassword(ctx, dev, oldPassword, newPassword, opts, watcher{sheet: p.sheet, cancel: cancel}, p)
	op := opPassword
	switch "" {
	case oldPassword:
		op = opSetPassword
	case newPassword:
		op = opRemovePassword
	}
	return (&troubles{}).explain(ctx, op, dev.Info().Name, err)
}

func changePassword(ctx context.Context, dev *device.Device, oldPassword, newPassword string, opts PasswordOptions, w watcher, p *progress) error {
	on, known := willEncrypt(ctx, dev, cmp.Or(opts.Log, slog.New(slog.DiscardHandler)))
	switch {
	case oldPassword == "" && newPassword == "":
		return &russet.Error{Kind: russet.Usage, What: "neither an old nor a new backup password was given"}
	case known && on && oldPassword == "":
		return &russet.Error{Kind: russet.Password, What: "the phone has a backup password already", Hint: "change it instead: russet encryption change"}
	case known && !on && oldPassword != "":
		return &russet.Error{Kind: russet.Password, What: "the phone has no backup password", Hint: "set one: russet encryption on"}
	}
	s, err := openSession(ctx, dev, opts.Log, w)
	if err != nil {
		return err
	}
	defer s.close(ctx)
	p.count(s.backup.Traffic)
	if opts.Asking != nil {
		if err := opts.Asking(); err != nil {
			return err
		}
	}
	p.enter(russet.Waiting, "unlock the phone and type its passcode if it asks")
	return s.backup.ChangePassword(ctx, mobilebackup2.ChangePasswordRequest{
		Target: string(opts.UDID), Old: oldPassword, New: newPassword,
	})
}
