package agent

import (
	"context"
	"encoding/hex"
	"errors"
	"io"

	"russet/vphone/agent/internal/keybag"
	"russet/vphone/agent/internal/link"
	"russet/vphone/agent/internal/manifest"
	"russet/vphone/agent/internal/mbfile"
	"russet/vphone/disk"
)

// Reading and enciphering run ahead of the connection by these buffers.
const (
	aheadBuffers = 8
	aheadSize    = 264 << 10
	aheadRoom    = 4 << 10 // for the names and the end of a file
)

// sentFile is a file that was put into a batch, and the row it gets once the
// host has acknowledged the batch.
type sentFile struct {
	id     fileID
	row    manifest.Row
	host   string
	stored int64
}

// chunk is some bytes of a batch.
type chunk struct {
	buf []byte
	cut bool // a fault: the connection ends behind it
}

// batch is one upload request on its way from the reader to the sender.
type batch struct {
	total  int64
	chunks chan chunk
	sent   []sentFile // complete when chunks is closed
	gone   []fileID   // vanished while being read
	err    error      // of the reader; set when chunks is closed
}

// producer reads files ahead and frames them.
type producer struct {
	b       *backup
	ctx     context.Context
	config  Config
	batches chan *batch
	free    chan []byte
	frame   int

	enc    mbfile.Encoder
	buf    []byte
	batch  *batch
	number int // of files, through the session
}

// produce walks the phone and hands out batches until all is sent. The last
// batch carries the error, if there was one.
func (b *backup) produce(ctx context.Context) *producer {
	p := &producer{
		b: b, ctx: ctx, config: b.faults.Config(), batches: make(chan *batch), free: make(chan []byte, aheadBuffers),
		number: b.conn.files,
	}
	p.frame = p.config.frame()
	for range aheadBuffers {
		p.free <- make([]byte, 0, max(aheadSize, p.frame+2*aheadRoom))
	}
	go func() {
		defer close(p.batches)
		if err := p.walk(); err != nil {
			last := &batch{chunks: make(chan chunk), err: err}
			close(last.chunks)
			select {
			case p.batches <- last:
			case <-ctx.Done():
			}
		}
	}()
	return p
}

func (p *producer) walk() error {
	var pending []disk.Entry
	var old []byte
	err := p.b.phone.Disk().Walk(func(e *disk.Entry) error {
		if e.Kind != disk.File || !p.b.wanted(e) {
			return p.ctx.Err()
		}
		if !p.b.fresh {
			sum := mbfile.Sum(e.Domain, e.Path)
			same, err := p.b.unchanged(hex.EncodeToString(sum[:]), e, &old)
			if err != nil || same {
				return err
			}
		}
		if pending = append(pending, *e); len(pending) < batchSize {
			return nil
		}
		err := p.send(pending)
		pending = pending[:0]
		return err
	})
	if err != nil || len(pending) == 0 {
		return err
	}
	return p.send(pending)
}

// send makes one batch of some entries.
func (p *producer) send(entries []disk.Entry) error {
	t := &batch{chunks: make(chan chunk, aheadBuffers), total: p.config.WrongTotal}
	for i := range entries {
		t.total += scanSize(&entries[i])
	}
	select {
	case p.batches <- t:
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
	defer close(t.chunks)
	p.batch = t
	for i := range entries {
		if err := p.file(&entries[i]); err != nil {
			t.err = err
			return err
		}
	}
	return p.push(false)
}

// push hands the buffer to the sender.
func (p *producer) push(cut bool) error {
	if len(p.buf) == 0 && !cut {
		return nil
	}
	select {
	case p.batch.chunks <- chunk{buf: p.buf, cut: cut}:
		p.buf = nil
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// room makes sure that n bytes fit into the buffer.
func (p *producer) room(n int) error {
	if p.buf != nil && cap(p.buf)-len(p.buf) >= n {
		return nil
	}
	if err := p.push(false); err != nil {
		return err
	}
	if p.buf != nil {
		return nil // it was empty
	}
	select {
	case buf := <-p.free:
		p.buf = buf[:0]
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// file frames one file. A file that can't be read is no failure of the run.
func (p *producer) file(e *disk.Entry) error {
	p.number++
	id := mbfile.Sum(e.Domain, e.Path)
	name := hex.EncodeToString(id[:])
	host := p.b.root + "/Snapshot/" + name[:2] + "/" + name
	device := devicePath(e.Domain, e.Path)
	if err := p.room(len(device) + len(host) + aheadRoom); err != nil {
		return err
	}
	p.buf = link.AppendNames(p.buf, device, host)

	c, err := p.cipher(e)
	if err != nil {
		return err
	}
	stored, err := p.content(e, c)
	var unread *unreadable
	switch {
	case err == nil:
		p.buf = link.AppendEnd(p.buf)
		p.keep(e, fileID(id), name, host, stored, c)
	case errors.As(err, &unread):
		p.b.log.Warn("a file can't be read", "domain", e.Domain, "path", e.Path, "error", unread.cause)
		p.buf = link.AppendFailure(p.buf, unread.text())
		if errors.Is(unread.cause, disk.ErrNotExist) {
			p.batch.gone = append(p.batch.gone, fileID(id))
		}
	default:
		return err
	}
	if p.config.DropBetween == p.number {
		return p.push(true)
	}
	return nil
}

// keep notes the row of a file that was read to its end.
func (p *producer) keep(e *disk.Entry, id fileID, name, host string, stored int64, c *fileCipher) {
	f := archive(e)
	f.Key = c.wrapped
	if c.digest != nil {
		f.Digest = c.digest.Sum(nil)
	}
	p.batch.sent = append(p.batch.sent, sentFile{
		id: id, host: host, stored: stored,
		row: manifest.Row{ID: name, Domain: e.Domain, Path: e.Path, Kind: manifest.KindFile, Blob: p.enc.Append(nil, f)},
	})
}

// content frames the bytes of a file, as they are stored.
func (p *producer) content(e *disk.Entry, c *fileCipher) (stored int64, err error) {
	if c.empty {
		return 0, nil
	}
	r, err := p.open(e)
	if err != nil {
		return 0, &unreadable{err}
	}
	defer r.Close()
	for {
		n, ended, err := p.data(r, c, e.Size-stored)
		stored += int64(n)
		if err != nil || ended {
			return stored, err
		}
	}
}

// data frames the next bytes of a file; left is how many are expected.
func (p *producer) data(r io.Reader, c *fileCipher, left int64) (n int, ended bool, err error) {
	want := p.frame
	if left < int64(want) {
		want = int(max(left, 0))/keybag.BlockSize*keybag.BlockSize + 2*keybag.BlockSize
		want = min(want, p.frame)
	}
	if err := p.room(link.FrameHead + want + aheadRoom); err != nil {
		return 0, false, err
	}
	at := len(p.buf) + link.FrameHead
	block := p.buf[at : at+want]
	n, err = io.ReadFull(r, block)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		ended = true
	default:
		return 0, false, &unreadable{err}
	}
	block = block[:n]
	if c.mode != nil {
		if ended {
			block = keybag.Pad(block)
		}
		c.mode.CryptBlocks(block, block)
	}
	if c.digest != nil {
		c.digest.Write(block)
	}
	if len(block) == 0 {
		return 0, ended, nil
	}
	link.PutFrameHead(p.buf[at-link.FrameHead:at], len(block))
	p.buf = p.buf[:at+len(block)]
	return len(block), ended, nil
}
