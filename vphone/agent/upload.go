package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"russet/vphone/agent/internal/manifest"
	"russet/vphone/disk"
)

// upload sends every file that is new or changed.
func (b *backup) upload() error {
	if b.filesLeft == 0 {
		return nil
	}
	b.faults.count(func(c *Counters) { c.UploadFrom, c.UploadTo = time.Now(), time.Time{} })
	ctx, stop := context.WithCancel(b.ctx)
	p := b.produce(ctx)
	defer func() { // the reader ends before the rows it looks at are closed
		stop()
		for range p.batches {
		}
		b.conn.files = p.number
	}()
	var last *batch // acknowledged, its rows not yet written
	var err error
	for t := range p.batches {
		if err = b.sendBatch(p, t, last); err != nil {
			break
		}
		last = t
	}
	if last != nil {
		err = errors.Join(err, b.note(last))
	}
	return err
}

// sendBatch sends one batch. While the host digests it, the rows of the one
// before are written.
func (b *backup) sendBatch(p *producer, t, before *batch) error {
	first, ok := <-t.chunks
	if !ok {
		return t.err
	}
	b.sentBytes += t.total
	progress := progressMkdir + (progressUpload-progressMkdir)*float64(b.sentBytes)/float64(max(b.toSend, 1))
	if err := b.link.StartUpload(min(progress, progressUpload), t.total); err != nil {
		return err
	}
	for c := first; ok; c, ok = <-t.chunks {
		if err := b.sendChunk(p, c); err != nil {
			return err
		}
	}
	if t.err != nil {
		return t.err
	}
	if err := b.link.CloseUpload(); err != nil {
		return err
	}
	for _, f := range t.sent {
		b.faults.sentFile(f.host, f.stored)
	}
	if before != nil {
		if err := b.note(before); err != nil {
			return err
		}
	}
	status, err := b.link.Answer()
	if err == nil {
		err = status.Err("DLMessageUploadFiles")
	}
	return writing(err, "Multiple errors uploading files")
}

func (b *backup) sendChunk(p *producer, c chunk) error {
	if err := b.link.Raw(c.buf); err != nil {
		return err
	}
	if c.buf != nil {
		p.free <- c.buf // has room for every buffer there is
	}
	if !c.cut {
		return nil
	}
	b.faults.Update(func(c *Config) { c.DropBetween = 0 })
	return errors.Join(b.link.Flush(), b.conn.cut())
}

// note writes the rows of a batch that the host has acknowledged, once.
func (b *backup) note(t *batch) error {
	for i := range t.sent {
		f := &t.sent[i]
		if err := b.db.Put(&f.row); err != nil {
			return err
		}
		if err := b.arrivals.add(f.id, f.stored); err != nil {
			return err
		}
	}
	for _, id := range t.gone {
		b.gone[id] = true
		if err := b.db.Delete([]string{fmt.Sprintf("%x", id[:])}); err != nil {
			return err
		}
	}
	t.sent, t.gone = nil, nil
	if now := time.Now(); now.Sub(b.saved) > commitEvery {
		b.saved = now
		return errors.Join(b.db.Commit(), b.arrivals.flush())
	}
	return nil
}

// open opens a file for reading, with the faults that are asked for.
func (p *producer) open(e *disk.Entry) (io.ReadCloser, error) {
	c := &p.config
	if c.Vanish.matches(p.number, e) {
		return nil, disk.ErrNotExist
	}
	r, err := p.b.phone.Disk().Open(e.Domain, e.Path)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Fail.matches(p.number, e):
		return faulty{io.MultiReader(io.LimitReader(r, e.Size/2), brokenReader{}), r}, nil
	case c.Shrink.matches(p.number, e):
		return faulty{io.LimitReader(r, e.Size/2), r}, nil
	case c.Grow.matches(p.number, e):
		return faulty{io.MultiReader(r, io.LimitReader(zeros{}, e.Size/2+100)), r}, nil
	}
	return r, nil
}

// faulty is a file whose reader is not its own.
type faulty struct {
	io.Reader
	io.Closer
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("input/output error") }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// uploadManifests finishes the rows and uploads both manifests.
func (b *backup) uploadManifests() error {
	if err := b.writeProperties(); err != nil {
		return err
	}
	if err := b.db.Finish(); err != nil {
		return err
	}
	b.db = nil
	props, key, err := b.properties()
	if err != nil {
		return err
	}
	data, err := props.Encode()
	if err != nil {
		return err
	}
	snapshot := b.root + "/Snapshot/"
	if err := b.uploadSmall("/var/tmp/tmp.0.manifest/Manifest.plist", snapshot+"Manifest.plist", data, progressUpload); err != nil {
		return err
	}
	if err := b.uploadManifestDB(snapshot+manifestFile, key); err != nil {
		return err
	}
	return b.setState(manifest.Moving, progressUpload)
}
