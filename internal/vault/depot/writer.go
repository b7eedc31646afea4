package depot

import (
	"cmp"
	"errors"
	"fmt"
	"sync"

	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/repo/splitter"
)

// Writer writes one object. It is not safe for concurrent use. Every writer
// must be ended by Result or Abort.
type Writer struct {
	s      *Session
	kind   Kind
	cut    cut
	buf    *[]byte // what no worker has yet; nil when empty
	split  splitter.Splitter
	pager  *pageCutter // of a database, once its beginning is known
	size   int64
	table  table
	queue  []*batch // handed to workers, oldest first
	queued int      // chunks in queue
	work   sync.WaitGroup

	mu  sync.Mutex
	err error // the first of any worker; guarded by mu

	done bool
	id   ID
	end  error
}

// batch is a run of chunks that one worker stores.
type batch struct {
	chunks []object.IndirectObjectEntry // the workers set Object; Start is not set
}

// Writer starts an object. Several writers may be used at once, each by one
// goroutine. Small objects are cheap.
func (s *Session) Writer(kind Kind) *Writer {
	w := &Writer{s: s, kind: kind, cut: kind.cut()}
	w.table.put = func(entries []object.IndirectObjectEntry) (object.ID, error) {
		return s.putTable(entries, cmp.Or(w.cut.prefix, "x"))
	}
	w.table.nest = w.cut.nesting()
	return w
}

// Size is how many bytes were written so far.
func (w *Writer) Size() int64 { return w.size }

// Write adds p to the object.
func (w *Writer) Write(p []byte) (int, error) {
	if w.done {
		return 0, ErrClosed
	}
	if err := w.failed(); err != nil {
		return 0, fmt.Errorf("write object: %w", err)
	}
	n := len(p)
	for len(p) > 0 {
		room := w.cut.batch - w.held()
		take, full := min(room, len(p)), len(p) >= room
		if w.cut.dynamic {
			if at := w.splitter().NextSplitPoint(p[:take]); at >= 0 {
				take, full = at, true
			}
		}
		w.hold(p[:take])
		p = p[take:]
		if full {
			if err := w.hand(false); err != nil {
				return n - len(p), fmt.Errorf("write object: %w", err)
			}
		}
	}
	if w.kind == Pieces {
		if err := w.hand(false); err != nil {
			return 0, fmt.Errorf("write object: %w", err)
		}
	}
	w.size += int64(n)
	return n, nil
}

func (w *Writer) splitter() splitter.Splitter {
	if w.split == nil {
		w.split = splitter.GetFactory(splitterName)()
	}
	return w.split
}

func (w *Writer) held() int {
	if w.buf == nil {
		return 0
	}
	return len(*w.buf)
}

// hold appends p to the buffer, which moves up a size when it is full.
func (w *Writer) hold(p []byte) {
	if w.buf == nil {
		w.buf = w.s.d.buffer(len(p))
	}
	if need := len(*w.buf) + len(p); need > cap(*w.buf) {
		larger := w.s.d.buffer(min(max(need, 4*cap(*w.buf)), w.cut.batch))
		*larger = append(*larger, *w.buf...)
		w.s.d.recycle(w.buf)
		w.buf = larger
	}
	*w.buf = append(*w.buf, p...)
}

// hand gives the buffer to a worker; with end nothing follows it. It waits for
// a slot first, so that no more buffers are full than there are slots and
// writers.
func (w *Writer) hand(end bool) error {
	if w.held() == 0 {
		return nil
	}
	if err := w.s.acquire(); err != nil {
		return w.fail(err)
	}
	buf := w.buf
	w.buf = nil
	b := w.chunks(*buf, end)
	w.queue = append(w.queue, b)
	w.queued += len(b.chunks)
	w.work.Add(1)
	go func() {
		defer w.work.Done()
		defer w.s.release()
		defer w.s.d.recycle(buf)
		w.store(*buf, b)
	}()
	if w.queued >= maxQueued {
		return w.collect()
	}
	return nil
}

// chunks cuts a buffer. What it cannot cut yet it keeps for the next.
func (w *Writer) chunks(data []byte, end bool) *batch {
	if w.cut.pages && w.queue == nil && w.table.empty() {
		if p, ok := newPageCutter(data); ok {
			w.pager = &p
		}
	}
	b := &batch{chunks: make([]object.IndirectObjectEntry, 0, len(data)/w.cut.chunk+1)}
	add := func(n int) {
		b.chunks = append(b.chunks, object.IndirectObjectEntry{Length: int64(n)})
		data = data[n:]
	}
	if w.pager != nil {
		w.pager.cut(data, end, add)
		if len(data) > 0 {
			w.hold(data)
		}
		return b
	}
	for len(data) > 0 {
		add(min(len(data), w.cut.chunk))
	}
	return b
}

// store writes the chunks of a batch.
func (w *Writer) store(data []byte, b *batch) {
	for i := range b.chunks {
		chunk := data[:b.chunks[i].Length]
		data = data[len(chunk):]
		id, err := w.s.put(chunk, w.cut.prefix, w.cut.compressor)
		if err != nil {
			w.fail(err)
			return
		}
		b.chunks[i].Object = id
		if w.failed() != nil {
			return
		}
	}
}

// collect waits for the workers and moves their chunks to the table.
func (w *Writer) collect() error {
	w.work.Wait()
	if err := w.failed(); err != nil {
		return err
	}
	for _, b := range w.queue {
		for _, c := range b.chunks {
			if err := w.table.add(c); err != nil {
				return w.fail(err)
			}
		}
	}
	clear(w.queue)
	w.queue, w.queued = w.queue[:0], 0
	return nil
}

func (w *Writer) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	return w.err
}

func (w *Writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Result ends the object and returns its ID. Only the first call counts;
// later ones give the same answer. After Abort it is ErrClosed.
func (w *Writer) Result() (ID, error) {
	if w.done {
		return w.id, w.end
	}
	id, err := w.finish()
	w.stop()
	if err != nil {
		w.end = fmt.Errorf("write object: %w", err)
		return "", w.end
	}
	w.id = ID(id.String())
	return w.id, nil
}

func (w *Writer) finish() (object.ID, error) {
	if err := w.failed(); err != nil {
		return object.EmptyID, err
	}
	if len(w.queue) == 0 && w.table.empty() && w.held() <= w.cut.chunk {
		return w.single()
	}
	if err := w.hand(true); err != nil {
		return object.EmptyID, err
	}
	if err := w.collect(); err != nil {
		return object.EmptyID, err
	}
	return w.table.finish()
}

// single stores an object of one chunk without a worker: what nearly every
// file is.
func (w *Writer) single() (object.ID, error) {
	if err := w.s.acquire(); err != nil {
		return object.EmptyID, err
	}
	defer w.s.release()
	var chunk []byte
	if w.buf != nil {
		chunk = *w.buf
	}
	return w.s.put(chunk, w.cut.prefix, w.cut.compressor)
}

// Abort gives the object up. After Result it does nothing.
func (w *Writer) Abort() {
	if w.done {
		return
	}
	w.fail(errors.New("aborted"))
	w.end = ErrClosed
	w.stop()
}

// stop frees what the writer holds; after it nothing of the writer runs.
func (w *Writer) stop() {
	w.done = true
	w.work.Wait()
	if w.buf != nil {
		w.s.d.recycle(w.buf)
		w.buf = nil
	}
	if w.split != nil {
		w.split.Close()
		w.split = nil
	}
	w.queue, w.table = nil, table{}
}
