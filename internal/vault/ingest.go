package vault

import (
	"bytes"
	"context"
	"runtime"
	"sync"

	"russet/internal/overlay"
	"russet/internal/vault/depot"
)

// ingest sends what needs no key to the vault while the device goes on: small
// files on several cores, from memory; a big one beside its reception.
type ingest struct {
	w      *session
	places *places
	jobs   chan ingestJob
	room   chan struct{} // of smallFile bytes each: what may wait
	group  sync.WaitGroup
	under  sync.WaitGroup // jobs not done

	mu    sync.Mutex
	err   error // the first; it stays
	since int64 // bytes sent since the last flush
}

type ingestJob struct {
	id   overlay.ID
	sum  sum
	why  string
	path string
	data []byte
}

// waiting is how many megabytes of small files may wait.
const waiting = 24

func newIngest(w *session, p *places) *ingest {
	in := &ingest{w: w, places: p, jobs: make(chan ingestJob, 256), room: make(chan struct{}, waiting*4)}
	for range min(runtime.GOMAXPROCS(0), 4) {
		in.group.Go(func() {
			for j := range in.jobs {
				in.one(j)
			}
		})
	}
	return in
}

// weigh is how many places in room a file takes: quarters of a megabyte.
func weigh(n int) int { return 1 + n/(smallFile/4+1) }

// add takes a small file; the data is copied.
func (in *ingest) add(j ingestJob) error {
	if err := in.failed(); err != nil {
		return err
	}
	for range weigh(len(j.data)) {
		in.room <- struct{}{}
	}
	j.data = bytes.Clone(j.data)
	in.under.Add(1)
	in.jobs <- j
	return nil
}

func (in *ingest) one(j ingestJob) {
	defer in.under.Done()
	out := in.w.Writer(kindOf(j.data, j.path))
	_, err := out.Write(j.data)
	var id depot.ID
	if err == nil {
		id, err = out.Result()
	} else {
		out.Abort()
	}
	size := int64(len(j.data))
	if err == nil {
		err = in.places.put(j.id, place{size: size, sum: j.sum, id: id, length: size, content: j.sum, why: j.why})
	}
	for range weigh(len(j.data)) {
		<-in.room
	}
	in.note(size, err)
}

func (in *ingest) note(size int64, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.since += size
	if in.err == nil {
		in.err = err
	}
}

func (in *ingest) failed() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

// wait waits until everything taken is in the vault. What failed is forgotten:
// its files are nowhere, and the device is told.
func (in *ingest) wait() error {
	in.under.Wait()
	in.mu.Lock()
	defer in.mu.Unlock()
	err := in.err
	in.err = nil
	return err
}

// flush makes everything taken durable.
func (in *ingest) flush(ctx context.Context) error {
	if err := in.wait(); err != nil {
		return err
	}
	in.mu.Lock()
	since := in.since
	in.mu.Unlock()
	if since == 0 {
		return nil
	}
	if err := in.w.Flush(ctx); err != nil {
		return err
	}
	in.mu.Lock()
	in.since -= since
	in.mu.Unlock()
	return nil
}

// due reports whether so much was sent that it should be made durable.
func (in *ingest) due() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.since >= flushBytes
}

// flushBytes: more than this a kill never makes the device send again.
const flushBytes = 256 << 20

func (in *ingest) close() {
	if in != nil && in.jobs != nil {
		close(in.jobs)
		in.group.Wait()
		in.jobs = nil
	}
}

// stream is a big file on its way into the vault.
type stream struct {
	in   *ingest
	out  *depot.Writer
	work *beside
	size int64
}

func (in *ingest) begin(head []byte, path string) *stream {
	s := &stream{in: in, out: in.w.Writer(kindOf(head, path))}
	s.work = newBeside(besideFrom, func(p []byte) error { _, err := s.out.Write(p); return err })
	return s
}

func (s *stream) write(p []byte) {
	s.size += int64(len(p))
	s.work.Write(p) //nolint:errcheck // end tells
}

func (s *stream) end() (depot.ID, error) {
	if err := s.work.end(); err != nil {
		s.out.Abort()
		s.in.note(s.size, nil)
		return "", err
	}
	id, err := s.out.Result()
	s.in.note(s.size, nil)
	return id, err
}

func (s *stream) abort() {
	s.work.end() //nolint:errcheck // it is thrown away
	s.out.Abort()
}
