package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"russet"
	"russet/internal/drafts"
	"russet/internal/facts"
	"russet/internal/overlay"
)

// Begin starts a draft, or takes up the one an interrupted run left.
func (s *Store) Begin(ctx context.Context, opts russet.BeginOptions) (russet.Draft, error) {
	doing := fmt.Sprintf("begin a backup of %s", opts.Device)
	if !opts.Device.Valid() {
		return nil, &russet.Error{Kind: russet.Usage, Doing: "begin a backup", What: fmt.Sprintf("%q is no device", opts.Device)}
	}
	if err := s.writable(doing); err != nil {
		return nil, err
	}
	lock, err := s.books.LockDevice(opts.Device, doing)
	if err != nil {
		return nil, err
	}
	d := &draft{s: s, lock: lock, pass: opts.Passwords, allow: opts.Allow}
	if err := d.begin(ctx, opts); err != nil {
		err = errors.Join(err, d.close())
		if russet.KindOf(err) != russet.Failed {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return d, nil
}

func (d *draft) begin(ctx context.Context, opts russet.BeginOptions) error {
	s := d.s
	if err := s.finish(ctx, opts.Device, opts.Passwords); err != nil {
		return err
	}
	now, err := s.current(ctx, opts.Device)
	if err != nil {
		return err
	}
	if now != nil && now.facts.Busy {
		return &russet.Error{Kind: russet.Busy, What: now.facts.Problem, Hint: "wait a quarter of an hour"}
	}
	if st, err := s.dir.Lstat(string(opts.Device)); err == nil && !st.IsDir() {
		return &russet.Error{
			Kind: russet.Unsupported, What: fmt.Sprintf("%s is a link or a file in the store", opts.Device),
			Hint: "make a store of the folder it leads to",
		}
	}
	full := opts.Full || s.books.Strikes(opts.Device) >= drafts.MaxStrikes
	if d.resumed, err = d.resumable(now, opts, full); err != nil {
		return err
	}
	if !d.resumed {
		if err := d.fresh(now, opts.Device, full); err != nil {
			return err
		}
	}
	if d.note.Base != "" {
		b := now.backup(s.opts.Name)
		d.backup = &b
	}
	if err := d.open(); err != nil {
		return err
	}
	if d.backup != nil {
		d.unlockEarly(d.base.FS(), facts.ManifestPlist)
	}
	if !d.resumed && d.backup != nil {
		return d.hide(now.rec.Damaged)
	}
	return d.tidy()
}

// resumable reads what an interrupted run left, and puts it out of the way
// when it must not be offered to the device.
func (d *draft) resumable(now *found, opts russet.BeginOptions, full bool) (bool, error) {
	s, name := d.s, d.s.books.Draft(opts.Device)
	err := s.loadJSON(name+"/"+drafts.NoteFile, maxRecord, &d.note)
	if errors.Is(err, fs.ErrNotExist) {
		return false, s.trash(name, facts.NewID())
	}
	if err != nil || d.note.Device != opts.Device {
		s.log.Warn("a draft cannot be read and is dropped", "device", opts.Device, "err", err)
		return false, s.trash(name, facts.NewID())
	}
	switch {
	case d.note.Host != hostName():
		s.log.Info("the draft of another computer is dropped", "host", d.note.Host)
		return false, s.trash(name, d.note.ID)
	case full && !d.note.Full:
		return false, s.trash(name, d.note.ID)
	case !d.note.Full && d.note.BaseFingerprint != now.fingerprint():
		return false, d.setAside("the backup it was based on has changed since")
	}
	d.note.BaseFingerprint = now.fingerprint()
	return true, d.saveNote()
}

func (f *found) fingerprint() string {
	if f == nil {
		return ""
	}
	return f.facts.Fingerprint
}

// fresh begins a new draft.
func (d *draft) fresh(now *found, device russet.UDID, full bool) error {
	d.note = draftNote{Host: hostName(), Note: drafts.Note{
		ID: facts.NewID(), Device: device, Started: time.Now().UTC(), Full: full, BaseFingerprint: now.fingerprint(),
	}}
	if !full && now != nil && now.facts.Problem == "" {
		d.note.Base = now.rec.ID
	}
	if err := d.s.dir.MkdirAll(d.s.books.Draft(device)+"/"+objectsDir, private); err != nil {
		return err
	}
	return d.saveNote()
}

// open opens the files of a draft whose note has been read.
func (d *draft) open() error {
	var err error
	if d.dir, err = d.s.dir.Sub(d.s.books.Draft(d.note.Device)); err != nil {
		return err
	}
	if d.objects.dir, err = d.dir.MakeSub(objectsDir, private); err != nil {
		return err
	}
	opts := overlay.Options{Root: string(d.note.Device), Trust: func(id overlay.ID, o overlay.Object, durable bool) bool {
		return d.objects.is(id, o, !durable)
	}}
	if d.note.Base != "" {
		if d.base, err = d.s.dir.Sub(string(d.note.Device)); err != nil {
			return err
		}
		opts.Base = d.base.FS()
	}
	if d.over, err = overlay.Open(d.dir, journalFile, opts); err != nil {
		return err
	}
	d.synced = d.over.Next()
	return nil
}

// tidy removes what a killed run left behind without a name. What refers to
// the rest must be durable first.
func (d *draft) tidy() error {
	if !d.resumed {
		return nil
	}
	if err := d.barrier(); err != nil {
		return err
	}
	return d.objects.each(func(id overlay.ID) error {
		if _, live := d.over.Object(id); live {
			return nil
		}
		return d.objects.remove(id)
	})
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

// setAside puts a draft where it is never offered again, over one that was
// there; it is kept until the device has a finished backup.
func (d *draft) setAside(why string) error {
	s := d.s
	d.note.Aside = why
	s.log.Warn("a draft is set aside", "device", d.note.Device, "why", why)
	if err := d.saveNote(); err != nil {
		return err
	}
	if err := s.books.DropAside(d.note.Device, s.trash); err != nil {
		return err
	}
	return s.dir.Rename(s.books.Draft(d.note.Device), s.books.Aside(d.note.ID))
}

// Drafts lists what unfinished runs left behind.
func (s *Store) Drafts(ctx context.Context, device russet.UDID) ([]russet.Backup, error) {
	list, err := s.books.List(device, s.opts.Name, func(folder string, into *russet.Backup) error {
		return s.measure(ctx, folder, into)
	})
	if err != nil {
		return nil, fmt.Errorf("list the drafts in %s: %w", s.dir.Path(), err)
	}
	return list, nil
}

// measure adds what a draft takes on disk.
func (s *Store) measure(ctx context.Context, folder string, into *russet.Backup) error {
	objects, err := s.dir.Sub(folder + "/" + objectsDir)
	if err != nil {
		return err
	}
	defer objects.Close()
	err = walkDisk(ctx, objects.FS(), func(_ string, info fs.FileInfo) error {
		into.Files++
		into.Size += info.Size()
		return nil
	})
	into.Added = into.Size
	return err
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
