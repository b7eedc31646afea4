package vault

import (
	"context"
	"crypto/sha1"
	"errors"
	"io/fs"

	"russet"
	"russet/internal/facts"
	"russet/internal/vault/depot"
	"russet/mobilesync"
)

// pass is the russet.Passwords of a check.
func (in *inspection) pass(context.Context, russet.UDID) (string, error) { return in.password, nil }

// manifest compares Manifest.db with the files, and in full looks into those of
// which more can be said than that their bytes are what the device sent. Nothing
// of what a password opens is kept.
func (in *inspection) manifest() error {
	b, err := facts.OpenBackup(in.ctx, in.tree, in.v.rec.Device, in.pass, nil, false)
	if err != nil {
		if in.ctx.Err() != nil {
			return in.ctx.Err()
		}
		in.problem(facts.ManifestDB, "%v", err)
		return nil
	}
	defer b.Close()
	if b.Locked() {
		in.note("the backup's password is not known: whether every file is there, and what is in the files, could not be checked. " +
			`Name it with --password-file FILE, or once for good: russet backup --password-file FILE`)
		return nil
	}
	if !in.v.rec.Locked {
		for _, n := range in.v.rec.Unchecked {
			in.note("when it was made, this could not be checked: %s", n)
		}
	}
	for i := range 256 { // folder by folder, as the tree is read
		if err := in.rows(b, byte(i)); err != nil {
			return err
		}
	}
	if in.odd > 0 {
		in.note("%d files are not encrypted as the others are, or are cut off; they are as they came from the phone", in.odd)
	}
	if in.shut > 0 {
		in.note("%d files are as they came from the phone, and no key of the backup opens them", in.shut)
	}
	return in.ctx.Err()
}

func (in *inspection) rows(b *mobilesync.Backup, first byte) error {
	for r, err := range b.RecordsUnder(in.ctx, first) {
		if odd, ok := errors.AsType[*mobilesync.RowError](err); ok {
			in.note("a row of the manifest makes no sense: %v", odd)
			continue
		}
		if err != nil {
			if in.ctx.Err() != nil {
				return in.ctx.Err()
			}
			in.problem(facts.ManifestDB, "%v", err)
			return nil
		}
		if r.Kind != mobilesync.File || in.bad[r.ID.Name()] {
			continue
		}
		if err := in.row(b, &r); err != nil {
			return err
		}
	}
	return nil
}

func (in *inspection) row(b *mobilesync.Backup, r *mobilesync.Record) error {
	it, err := in.tree.lookup(r.ID.Name())
	if err != nil {
		if in.ctx.Err() != nil {
			return in.ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			in.problem(r.Domain+"/"+r.Path, "the manifest names it, and it is not in the backup")
		}
		return nil
	}
	if !in.full || it.entry == nil || !in.deserves(it.entry, r) {
		return nil
	}
	return b.CheckFile(in.ctx, r, mobilesync.CheckDatabases, func(p mobilesync.Problem) {
		switch {
		case !it.entry.sealed():
			in.problem(p.Domain+"/"+p.Path, "%s", p.Detail)
		case p.Kind == mobilesync.ProblemUnpadded, p.Kind == mobilesync.ProblemTruncated, p.Kind == mobilesync.ProblemForeign:
			in.odd++ // no damage: a vault that knows the keys keeps such files as they came, too
		case p.Kind == mobilesync.ProblemUndecryptable:
			in.shut++
		default:
			in.problem(p.Domain+"/"+p.Path, "%s: %s", p.Kind, p.Detail)
		}
	})
}

// deserves picks the files that more can be said of than their checksums:
// databases, what has a digest of the device's, and what nobody has decrypted
// yet.
func (in *inspection) deserves(e *entry, r *mobilesync.Record) bool {
	if e.Why == whyPending || e.Why == whyPassword {
		return true
	}
	if len(r.Digest) == sha1.Size {
		return e.Why == ""
	}
	if e.Why != "" || e.Size < 512 {
		return false
	}
	src, err := in.from.Reader(in.ctx, e.id)
	if err != nil {
		return false
	}
	defer src.Close()
	head := make([]byte, 16)
	n, _ := src.ReadAt(head, 0)
	return kindOf(head[:n], r.Path) == depot.Pages
}
