package main

import (
	"context"
	"os"
	"path/filepath"
)

// extras are what changes every stored byte and no content: a forced full
// backup of an unchanged phone, and a change of its backup password.
func (fl *fleet) extras(ctx context.Context) error {
	if err := fl.ours.settle(ctx); err != nil {
		return err
	}
	fl.f.Base = dirSize(fl.ours.repository())
	fl.f.Extras = nil
	if _, err := fl.ours.backup(ctx, false, "--full"); err != nil {
		return err
	}
	if err := fl.extra(ctx, "a forced full backup"); err != nil {
		return err
	}
	next := filepath.Join(fl.ours.dir, "next-password")
	if err := os.WriteFile(next, []byte("another password\n"), 0o600); err != nil {
		return err
	}
	old := filepath.Join(fl.ours.dir, "backup-password")
	if _, _, err := fl.ours.do(ctx, "encryption", "change", fl.ours.lab.udid(), "--password-file", old, "--new-password-file", next); err != nil {
		return err
	}
	if err := os.Rename(next, old); err != nil {
		return err
	}
	if _, err := fl.ours.backup(ctx, false); err != nil {
		return err
	}
	return fl.extra(ctx, "a changed backup password")
}

// extra notes how much the vault has grown since the last note.
func (fl *fleet) extra(ctx context.Context, what string) error {
	if err := fl.ours.settle(ctx); err != nil {
		return err
	}
	grown := dirSize(fl.ours.repository()) - fl.f.Base
	for _, before := range fl.f.Extras {
		grown -= before
	}
	put(&fl.f.Extras, what, grown)
	progress("%s: %+d MB", what, grown/1e6)
	return nil
}

// settle lets the vault convert what streamed through encrypted, and gives
// back the room of what is no longer needed.
func (c *ourClient) settle(ctx context.Context) error {
	_, _, err := c.do(ctx, "store", "maintain", "v", "--now")
	return err
}
