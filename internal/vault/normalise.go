package vault

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"sync"

	"russet/internal/facts"
	"russet/internal/overlay"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// normalising turns what was received into what the vault keeps, once the
// device's manifests are there: ciphertext into content. It begins beside the
// device's moves and its last look, and is done again at the commit for what
// is left.
type normalising struct {
	stop context.CancelFunc
	done chan struct{}
	err  error
}

// normaliseEarly begins when both manifests have arrived. What goes wrong, the
// commit will meet again.
func (d *draft) normaliseEarly() {
	if d.work != nil || d.spool == nil {
		return
	}
	for _, name := range []string{facts.ManifestDB, facts.ManifestPlist} {
		if it, err := d.over.Lookup(path.Join(string(d.note.Device), "Snapshot", name)); err != nil || it.ID == 0 {
			return
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	d.work = &normalising{stop: stop, done: make(chan struct{})}
	early := d.early
	go func() {
		defer close(d.work.done)
		// The key takes seconds to derive, in which the device goes on.
		if early == nil || early.Wait(ctx, early.Bag) == nil {
			return // the commit tries other ways
		}
		d.mu.Lock()
		b, err := facts.OpenBackup(ctx, view{d, true}, d.note.Device, d.pass, early, true)
		d.mu.Unlock()
		if err != nil {
			d.work.err = err
			return
		}
		d.work.err = errors.Join(d.normalise(ctx, b), b.Close())
	}()
}

// stopWork ends the work beside the device.
func (d *draft) stopWork() {
	if d.work != nil {
		d.work.stop()
		<-d.work.done
	}
}

// waitWork waits until it is done.
func (d *draft) waitWork() {
	if d.work != nil {
		<-d.work.done
		if d.work.err != nil {
			d.s.log.Debug("files could not be normalised beside the run", "err", d.work.err)
		}
	}
}

// task is one received file to look at.
type task struct {
	id   overlay.ID
	at   place
	row  *mobilesync.Record
	keys *keybag.Unlocked
}

// normalise takes every file that has a row in the manifest.
func (d *draft) normalise(ctx context.Context, b *mobilesync.Backup) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		tasks = make(chan task, 64)
		group sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	for range min(runtime.GOMAXPROCS(0), 4) {
		group.Go(func() {
			for t := range tasks {
				err := d.normaliseOne(ctx, t)
				if err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
					stop()
				}
			}
		})
	}
	err := d.tasks(ctx, b, tasks)
	close(tasks)
	group.Wait()
	if first != nil {
		return first
	}
	return err
}

// tasks finds what there is to do.
func (d *draft) tasks(ctx context.Context, b *mobilesync.Backup, tasks chan<- task) error {
	for r, err := range b.Records(ctx) {
		if errors.Is(err, mobilesync.ErrEncrypted) {
			return nil
		}
		if _, odd := errors.AsType[*mobilesync.RowError](err); odd {
			continue
		}
		if err != nil {
			return facts.NotWhole(err)
		}
		if r.Kind != mobilesync.File {
			continue
		}
		t, ok, err := d.task(&r, b.Keys())
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		select {
		case tasks <- t:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// task says whether there is something to do about a row.
func (d *draft) task(r *mobilesync.Record, keys *keybag.Unlocked) (t task, ok bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return t, false, fs.ErrClosed
	}
	name := r.ID.Name()
	id := d.over.Own(string(d.note.Device) + "/Snapshot/" + name)
	if id == 0 {
		id = d.over.Own(string(d.note.Device) + "/" + name)
	}
	if id == 0 {
		return t, false, nil // carried over, or missing: the commit check tells
	}
	p, found, err := d.places.get(id)
	if err != nil || !found {
		return t, false, err // still on its way to the vault
	}
	t = task{id: id, at: p, row: r, keys: keys}
	return t, (p.id == "" || checkable(&p, r) || d.late(&p, r)) && !d.seen(id), nil
}

// checkable reports that a file has a digest and is there to be compared with
// it. What was decrypted and has left the spool was compared before.
func checkable(p *place, r *mobilesync.Record) bool {
	return len(r.Digest) == sha1.Size && (!p.cbc || p.seg != 0)
}

// late reports that the ciphertext of a file went to the vault before its key
// was known, and that it is small enough to be read again at once.
func (d *draft) late(p *place, r *mobilesync.Record) bool {
	return p.id != "" && !p.cbc && len(r.EncryptionKey) > 0 && p.size <= atOnce && (p.why == "" || p.why == whyPending)
}

// atOnce: what is larger and went to the vault as ciphertext is converted after
// the commit.
const atOnce = 8 << 20

// seen reports whether a file has been through normaliseOne in this process.
func (d *draft) seen(id overlay.ID) bool {
	i := int(id)
	return i/64 < len(d.looked) && d.looked[i/64]&(1<<(i%64)) != 0
}

func (d *draft) look(id overlay.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.beat(context.Background()); err != nil {
		d.s.log.Warn("the vault could not be told what a long run refers to", "err", err)
	}
	for len(d.looked) <= int(id)/64 {
		d.looked = append(d.looked, 0)
	}
	d.looked[int(id)/64] |= 1 << (int(id) % 64)
}

// normaliseOne compares a file with its digest and puts it into the vault as it
// is to be kept.
func (d *draft) normaliseOne(ctx context.Context, t task) error {
	src, err := d.source(t.id)
	if err != nil {
		return err
	}
	defer src.Close()
	if len(t.row.Digest) == sha1.Size {
		if err := checkDigest(ctx, src, t.row); err != nil {
			return err
		}
	}
	if t.at.id == "" || d.late(&t.at, t.row) {
		if err := d.stow(ctx, t, src); err != nil {
			return err
		}
	}
	d.look(t.id)
	return nil
}

func (d *draft) stow(ctx context.Context, t task, src source) error {
	key, why := keyOf(t.row, t.keys)
	if t.at.id != "" && key == nil {
		return nil // it is in the vault as it came, and stays so
	}
	s, err := d.w.stow(ctx, src, key, &t.at.sum, t.row.Path)
	if err != nil {
		return fmt.Errorf("keep %q of %q: %w", t.row.Path, t.row.Domain, err)
	}
	if s.why == "" && !s.cbc {
		s.why = why
	}
	s.settle(t.row)
	at := t.at
	at.id, at.length, at.content, at.cbc, at.why = s.id, s.length, s.content, s.cbc, s.why
	if s.cbc {
		at.key = markOf(key)
	}
	d.ingest.note(s.length, nil)
	return d.places.put(t.id, at)
}

// keyOf opens the key of a row. Without one, why says why ciphertext is kept;
// "" if it is none.
func keyOf(r *mobilesync.Record, keys *keybag.Unlocked) (key *keybag.Key, why string) {
	switch {
	case len(r.EncryptionKey) == 0 && keys != nil:
		return nil, whyForeign
	case len(r.EncryptionKey) == 0:
		return nil, ""
	case keys == nil:
		return nil, whyPassword
	}
	k, err := keys.FileKey(r.EncryptionKey)
	if err != nil {
		return nil, whyNoKey
	}
	return &k, ""
}

func checkDigest(ctx context.Context, src source, r *mobilesync.Record) error {
	h := sha1.New()
	buf := make([]byte, copyBuffer)
	for off := int64(0); off < src.Size(); {
		n, err := src.ReadAt(buf[:min(copyBuffer, src.Size()-off)], off)
		h.Write(buf[:n]) //nolint:errcheck // hashes do not fail
		off += int64(n)
		if err != nil && !errors.Is(err, io.EOF) || n == 0 {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if !bytes.Equal(h.Sum(nil), r.Digest) {
		return facts.Damaged("%s of %q (%s) is not what the device says it sent", r.Path, r.Domain, r.ID)
	}
	return nil
}

// makeRoom sends the biggest files of the spool that are no databases to the
// vault as ciphertext; they are converted after the commit.
func (d *draft) makeRoom() error {
	slices.SortFunc(d.bigs, func(a, b big) int { return int(min(max(a.size-b.size, -1), 1)) })
	var gone []big
	var kept []big
	for i := len(d.bigs) - 1; i >= 0; i-- {
		b := d.bigs[i]
		left := d.spool.used
		for _, g := range gone {
			left -= g.size
		}
		if b.database || left <= d.s.opts.Spool/2 {
			kept = append(kept, b)
			continue
		}
		if err := d.sendAsIs(b); err != nil {
			return err
		}
		gone = append(gone, b)
	}
	d.bigs = kept
	if len(gone) == 0 {
		return nil
	}
	if err := errors.Join(d.ingest.flush(context.Background()), d.places.sync()); err != nil {
		return err
	}
	for _, b := range gone {
		if err := d.spool.remove(b.seg, b.size); err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) sendAsIs(b big) error {
	p, ok, err := d.places.get(b.id)
	if err != nil || !ok {
		return err
	}
	if p.cbc { // it has been decrypted since
		p.seg, p.off = 0, 0
		return d.places.put(b.id, p)
	}
	src, err := d.spool.reader(b.seg, p.off, p.size)
	if err != nil {
		return err
	}
	defer src.Close()
	s, err := d.w.stow(context.Background(), src, nil, &p.sum, "")
	if err != nil {
		return err
	}
	p.seg, p.off, p.id, p.length, p.content, p.why = 0, 0, s.id, s.length, s.content, whyPending
	d.ingest.note(s.length, nil)
	return d.places.put(b.id, p)
}
