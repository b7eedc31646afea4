package cli

import (
	"context"

	"russet"
	"russet/internal/host"
	"russet/internal/service"
)

// backUp makes one backup.
type backUp func(context.Context, host.BackupOptions) (host.BackupResult, error)

// backupWay is how backups are made: by the service that runs or, without one,
// here.
type backupWay struct {
	connected func(ctx context.Context, words []string) (chosen, left []russet.Device, err error)
	backUp    backUp
	close     func()
}

// backupWay finds out whether a service runs. passwordFile names the backup
// password of this task, if one was given.
func (a *app) backupWay(ctx context.Context, passwordFile string) (backupWay, error) {
	h, err := a.host()
	if err != nil {
		return backupWay{}, err
	}
	password := ""
	if passwordFile != "" {
		if password, err = a.passwordFrom(passwordFile); err != nil {
			return backupWay{}, err
		}
		h = h.WithPassword(password)
	}
	c, err := a.serving(ctx)
	if err != nil {
		return backupWay{}, err
	}
	if c == nil {
		return backupWay{connected: h.Connected, backUp: h.Backup, close: func() {}}, nil
	}
	return backupWay{
		connected: c.Connected,
		backUp: func(ctx context.Context, o host.BackupOptions) (host.BackupResult, error) {
			return a.through(ctx, h, c, o, password)
		},
		close: func() { c.Close() },
	}, nil
}

// through lets the service make a backup. A vault whose password it does not
// know is opened here, with the one that was named or typed: then it is
// remembered for both.
func (a *app) through(ctx context.Context, h *host.Host, c *service.Client, o host.BackupOptions, password string) (host.BackupResult, error) {
	r := service.Request{Device: o.Device.UDID, Store: a.store, Full: o.Full, Retry: o.Retry, Password: password}
	opens := host.IsVault(o.Store.URL)
	if opens && a.vaultFile != "" {
		if err := h.TryStore(ctx, o.Store); err != nil {
			return host.BackupResult{Notes: []string{}}, err
		}
	}
	result, err := c.BackUp(ctx, r, o.Progress)
	if opens && a.vaultFile == "" && russet.KindOf(err) == russet.Password && h.TryStore(ctx, o.Store) == nil {
		return c.BackUp(ctx, r, o.Progress)
	}
	return result, err
}
