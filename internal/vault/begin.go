package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"russet"
	"russet/internal/drafts"
	"russet/internal/facts"
	"russet/internal/overlay"
	"russet/internal/vault/depot"
)

// Begin starts a draft, or takes up the one an interrupted run left.
func (s *Store) Begin(ctx context.Context, opts russet.BeginOptions) (russet.Draft, error) {
	doing := fmt.Sprintf("begin a backup of %s", opts.Device)
	if !opts.Device.Valid() {
		return nil, &russet.Error{Kind: russet.Usage, Doing: "begin a backup", What: fmt.Sprintf("%q is no device", opts.Device)}
	}
	lock, err := s.books.LockDevice(opts.Device, doing)
	if err != nil {
		return nil, err
	}
	d := &draft{s: s, lock: lock, pass: opts.Passwords, allow: opts.Allow}
	if err := d.begin(ctx, opts); err != nil {
		return nil, s.explain(errors.Join(err, d.close(true)), doing)
	}
	return d, nil
}

func (d *draft) begin(ctx context.Context, opts russet.BeginOptions) error {
	s := d.s
	if err := s.finish(ctx, opts.Device, opts.Passwords); err != nil {
		return err
	}
	all, err := s.versions(ctx)
	if err != nil {
		return err
	}
	last := newest(all, opts.Device)
	full := opts.Full || s.books.Strikes(opts.Device) >= drafts.MaxStrikes
	if d.resumed, err = d.resumable(ctx, last, opts, full); err != nil {
		return err
	}
	if !d.resumed {
		if err := d.fresh(last, opts, full); err != nil {
			return err
		}
	}
	if d.note.Base != "" {
		b := last.backup(s.opts.Name)
		d.backup = &b
		if d.baseLock, err = s.books.LockBackup(last.rec.ID, true, "begin a backup"); err != nil {
			return err
		}
		d.base = openTree(context.WithoutCancel(ctx), s.depot, last.Root, last.rec.Time)
	}
	if err := d.open(ctx); err != nil {
		return err
	}
	if err := d.keepAlive(ctx); err != nil {
		return err
	}
	if d.base == nil {
		return nil
	}
	d.early = d.early.Follow(d.base, facts.ManifestPlist, d.note.Device, d.pass)
	if !d.resumed {
		return d.hide(last.rec.Damaged)
	}
	return nil
}

// resumable reads what an interrupted run left, and puts it out of the way
// when it must not be offered to the device.
func (d *draft) resumable(ctx context.Context, last *version, opts russet.BeginOptions, full bool) (bool, error) {
	s, name := d.s, d.s.books.Draft(opts.Device)
	err := s.loadJSON(name+"/"+drafts.NoteFile, maxRecord, &d.note)
	if isMissing(err) {
		return false, s.trash(name)
	}
	if err != nil || d.note.Device != opts.Device || !facts.IsID(d.note.ID) {
		s.log.Warn("a draft cannot be read and is dropped", "device", opts.Device, "err", err)
		return false, s.trash(name)
	}
	switch {
	case full && !d.note.Full:
		return false, s.dropDraft(ctx, name, d.note.ID)
	case !d.note.Full && (last == nil) != (d.note.Base == ""), last != nil && d.note.Base != "" && d.note.Base != last.rec.ID:
		return false, d.setAside(ctx, "the backup it was based on is no longer the last one")
	}
	return true, nil
}

// fresh begins a new draft.
func (d *draft) fresh(last *version, opts russet.BeginOptions, full bool) error {
	d.note = draftNote{Spooled: opts.Encrypted, Note: drafts.Note{
		ID: facts.NewID(), Device: opts.Device, Started: time.Now().UTC(), Full: full,
	}}
	if !full && last != nil {
		d.note.Base, d.note.BaseFingerprint = last.rec.ID, last.rec.Fingerprint
	}
	if err := d.s.dir.MkdirAll(d.s.books.Draft(opts.Device), private); err != nil {
		return err
	}
	return d.saveNote()
}

// open opens the files of a draft whose note has been read.
func (d *draft) open(ctx context.Context) error {
	var err error
	if d.dir, err = d.s.dir.Sub(d.s.books.Draft(d.note.Device)); err != nil {
		return err
	}
	if d.w, err = d.s.begin(ctx, "backup"); err != nil {
		return err
	}
	if d.note.Spooled {
		if d.spool, err = openSpool(d.dir, d.s.opts.Password, d.note.ID); err != nil {
			return err
		}
	}
	if d.places, err = openPlaces(d.dir); err != nil {
		return err
	}
	d.ingest = newIngest(d.w, d.places)
	opts := overlay.Options{Root: string(d.note.Device), Trust: func(id overlay.ID, o overlay.Object, durable bool) bool {
		return d.trusts(ctx, id, o, durable)
	}}
	if d.base != nil {
		opts.Base = d.base
	}
	d.alive = time.Now()
	if d.over, err = overlay.Open(d.dir, journalFile, opts); err != nil {
		return err
	}
	return d.findBigs()
}

// trusts looks whether a file that was received before an interruption is still
// what the journal says: all of what came after the last barrier is read again.
func (d *draft) trusts(ctx context.Context, id overlay.ID, o overlay.Object, durable bool) bool {
	p, ok, err := d.places.get(id)
	if err != nil || !ok || p.size != o.Size || [16]byte(p.sum[:16]) != o.Sum {
		return false
	}
	if p.id != "" {
		if has, err := d.w.Has(ctx, p.id); err != nil || !has {
			if p.seg == 0 {
				return false
			}
			p.id, p.cbc, p.why = "", false, ""
			if err := d.places.put(id, p); err != nil {
				return false
			}
		} else if p.seg == 0 {
			return true // kopia checks every chunk that it reads
		}
	}
	if d.spool == nil {
		return false
	}
	return d.spool.has(p, !durable)
}

// hide takes files that are known to be damaged out of what the device sees,
// so that it sends everything again.
func (d *draft) hide(damaged []string) error {
	for _, name := range damaged {
		if err := d.over.Remove(string(d.note.Device) + "/" + name); err != nil {
			return err
		}
	}
	return nil
}

// keepAlive writes an incomplete version that refers to all this draft refers
// to: its base, whoever deletes that meanwhile, and what it has sent to the
// vault. Without it, maintenance would take both for garbage; and it is there from
// the beginning, so that other computers free nothing at once.
func (d *draft) keepAlive(ctx context.Context) error {
	d.alive = time.Now()
	var entries []depot.Entry
	if d.base != nil {
		entries = append(entries, depot.Entry{Name: "base", Dir: true, ID: d.base.root})
	}
	sent, err := d.sent(ctx)
	if err != nil {
		return err
	}
	if sent != nil {
		entries = append(entries, *sent)
	}
	root, err := d.w.WriteDir(ctx, "", entries, d.note.Started)
	if err != nil {
		return err
	}
	v := depot.Version{
		Path: "/" + string(d.note.Device), Start: d.note.Started, End: time.Now().UTC(), Root: root.ID, RootSize: root.Size,
		Files: root.Files, Dirs: root.Dirs, Incomplete: "draft", Description: "a backup that is being made",
		Tags: map[string]string{tagDraft: d.note.ID, tagHost: d.s.host},
	}
	if err := d.s.release(ctx, d.w, d.note.ID); err != nil {
		return err
	}
	if err := d.w.SaveVersion(ctx, &v); err != nil {
		return err
	}
	return d.w.Flush(ctx)
}

// perDir bounds the directories that list what a draft has sent.
const perDir = 4096

// sent lists the objects of the draft that are in the vault; nil if there are
// none.
func (d *draft) sent(ctx context.Context) (*depot.Entry, error) {
	var dirs, files []depot.Entry
	end := func() error {
		if len(files) == 0 {
			return nil
		}
		dir, err := d.w.WriteDir(ctx, "sent", files, d.note.Started)
		dir.Name = fmt.Sprintf("%06d", len(dirs))
		dirs, files = append(dirs, dir), files[:0]
		return err
	}
	for id := overlay.ID(1); id < d.over.Next(); id++ {
		p, ok, err := d.places.get(id)
		if err != nil {
			return nil, err
		}
		if _, live := d.over.Object(id); !live || !ok || p.id == "" {
			continue
		}
		files = append(files, depot.Entry{Name: fmt.Sprintf("%08d", id), ID: p.id, Size: p.length})
		if len(files) == perDir {
			if err := end(); err != nil {
				return nil, err
			}
		}
	}
	if err := end(); err != nil || len(dirs) == 0 {
		return nil, err
	}
	all, err := d.w.WriteDir(ctx, "sent", dirs, d.note.Started)
	all.Name = "sent"
	return &all, err
}

// release removes the incomplete versions of a draft.
func (s *Store) release(ctx context.Context, w *session, draft string) error {
	all, _, err := s.depot.Versions(ctx)
	if err != nil {
		return err
	}
	for _, v := range all {
		if v.Incomplete != "" && v.Tags[tagDraft] == draft {
			if err := w.DeleteVersion(ctx, v.Manifest); err != nil {
				return err
			}
		}
	}
	return nil
}
