package device

import (
	"context"

	"russet/device/lockdown"
)

// Pair makes this host known to a device over a connection of its own, waiting
// for the Trust dialog if the device shows it; see [lockdown.Client.Pair]. The
// record must be stored by the caller.
func Pair(ctx context.Context, d Dialer, pair lockdown.PairOptions, opts Options) (*lockdown.PairRecord, error) {
	opts = opts.withDefaults()
	c, _, err := greet(ctx, d, opts)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	return c.Pair(ctx, pair)
}

// Unpair makes a device forget this host.
func Unpair(ctx context.Context, d Dialer, rec *lockdown.PairRecord, opts Options) error {
	opts = opts.withDefaults()
	c, _, err := greet(ctx, d, opts)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return c.Unpair(ctx, rec)
}
