package host

import (
	"context"
	"fmt"

	"russet"
)

// Verify checks a backup and changes nothing but the date of the check.
func (h *Host) Verify(ctx context.Context, b russet.Backup, full bool, progress func(bytes int64)) (russet.VerifyReport, error) {
	st, err := h.chooseStore(b.Store)
	if err != nil {
		return russet.VerifyReport{}, err
	}
	store, err := h.openStore(ctx, st)
	if err != nil {
		return russet.VerifyReport{}, err
	}
	opts := russet.VerifyOptions{Full: full}
	if progress != nil {
		opts.Progress = func(done, _ int64) { progress(done) }
	}
	named := h.password != ""
	switch {
	case !b.Encrypted:
	case named || !IsVault(st.URL):
		if opts.Passwords, err = h.fitting(ctx, b, full || named); err != nil {
			return russet.VerifyReport{}, err
		}
	default: // a vault knows what is in most files, and asks only for the others
		opts.Passwords = func(ctx context.Context, udid russet.UDID) (string, error) {
			fitting, err := h.fitting(ctx, b, false)
			if err != nil {
				return "", err
			}
			return fitting(ctx, udid)
		}
	}
	report, err := store.Verify(ctx, b.ID, opts)
	if err != nil {
		return report, fmt.Errorf("verify %s: %w", shortID(b.ID), err)
	}
	if report.Problems == nil {
		report.Problems = []russet.Problem{}
	}
	if report.Notes == nil {
		report.Notes = []string{}
	}
	return report, nil
}

// Repair mends a store.
func (h *Host) Repair(ctx context.Context, name string) ([]russet.Repair, error) {
	st, err := h.chooseStore(name)
	if err != nil {
		return nil, err
	}
	st.repair = true
	store, err := h.openStore(ctx, st)
	if err != nil {
		return nil, err
	}
	repairs, err := store.Repair(ctx)
	if err != nil {
		return repairs, fmt.Errorf("repair the store %q: %w", name, err)
	}
	return repairs, nil
}
