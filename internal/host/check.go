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
	opts := russet.VerifyOptions{Full: full, Passwords: h.passwords}
	if progress != nil {
		opts.Progress = func(done, _ int64) { progress(done) }
	}
	if b.Encrypted && !IsVault(st.URL) { // a vault knows what is in its files
		if opts.Passwords, err = h.fitting(ctx, b, full); err != nil {
			return russet.VerifyReport{}, err
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
