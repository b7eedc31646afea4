//go:build linux && amd64

package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// kept is a disk that outlives the phones it is put into.
type kept struct{ disk.Disk }

func (kept) Close() error { return nil }

// phoneContent is what is on the phones.
type phoneContent struct {
	files int // small ones; 0 for the usual few
	equal int // if not 0, all files have this size, so that counting files counts bytes
}

// make fills a new disk as it is on the first day.
func (c phoneContent) make(ctx context.Context) (disk.Disk, error) {
	d := disk.NewMemory()
	if c.equal == 0 {
		err := content.MakeOn(ctx, d, content.Options{Profile: "small-files", Files: 50, Size: 200_000})
		return d, errors.Join(err, put(d, 0, "Library/large.bin", 300_000), put(d, 0, "Library/empty", 0),
			put(d, 0, "Library/changes-once.bin", 150_000), put(d, 0, "Library/goes.bin", 70_000))
	}
	for i := range c.files {
		if err := put(d, 0, fmt.Sprintf("Library/%04d.bin", i), c.equal); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// live lives a day: files change, come and go.
func (c phoneContent) live(d disk.Disk, day int) error {
	if c.equal != 0 {
		errs := []error{}
		for i := range c.files * 3 / 4 {
			errs = append(errs, put(d, day, fmt.Sprintf("Library/%04d.bin", i), c.equal))
		}
		return errors.Join(errs...)
	}
	errs := []error{put(d, day, "Library/large.bin", 310_000)}
	if day > 1 {
		errs = append(errs, d.Remove("HomeDomain", "Library/goes.bin"), d.Remove("HomeDomain", "Library/day1-2"), put(d, day, "Library/changes-once.bin", 5000))
	}
	for i := range 6 {
		errs = append(errs, put(d, day, fmt.Sprintf("Library/day%d-%d", day, i), 1000*i*i), put(d, day, fmt.Sprintf("Library/often-%d", i), 3000+i))
	}
	return errors.Join(errs...)
}

func put(d disk.Disk, day int, path string, size int) error {
	seed := fmt.Sprintf("%s on day %d; ", path, day)
	data := bytes.Repeat([]byte(seed), size/len(seed)+1)[:size]
	e := &disk.Entry{
		Domain: "HomeDomain", Path: path, Kind: disk.File, Mode: 0o100644, Class: 3, Inode: uint64(1<<20 + len(path)),
		ModTime: content.Day(day), ChangeTime: content.Day(day), Birth: content.Day(0),
	}
	return d.Put(e, bytes.NewReader(data))
}

// running is a phone on a usbmuxd of its own.
type running struct {
	*vphone.Phone
	spy  *spy
	stop func() error
}

const rounds = 10 // of key derivation: nothing here depends on their number

// power switches a phone on: the one that lives in the folder, or a new one.
func power(dir string, key *rsa.PrivateKey, d disk.Disk, password string) (*running, error) {
	s := &spy{}
	o := vphone.Options{Disk: kept{d}, RebootTime: time.Millisecond, Logger: slog.New(s), Key: key, Seed: 1}
	var p *vphone.Phone
	var err error
	if key != nil {
		o.Dir, o.BackupPassword = filepath.Join(dir, "phone"), password
		p, err = vphone.New(o)
	} else {
		p, err = vphone.Open(filepath.Join(dir, "phone"), o)
	}
	if err != nil {
		return nil, err
	}
	s.faults = p.Faults()
	r := &running{Phone: p, spy: s}
	r.healthy()
	mux, err := vphone.NewMux(filepath.Join(dir, "records"), nil)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	mux.Add(p)
	listener, err := net.Listen("unix", filepath.Join(dir, "mux"))
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- mux.Serve(ctx, listener) }()
	r.stop = func() error {
		cancel()
		return errors.Join(<-served, p.Close())
	}
	return r, nil
}

// healthy takes back all faults and counts anew.
func (r *running) healthy() {
	r.DisarmFaults()
	r.Faults().Update(func(c *agent.Config) { *c = agent.Config{Rounds: [2]int{rounds, rounds}, CountPaths: true} })
	r.spy.reset()
}

// spy hears what the phone logs: every message of a backup, before it is sent
// or after it has come. It keeps the counts of the moment the last upload
// began.
type spy struct {
	faults *agent.Faults

	mu       sync.Mutex
	messages []string
	at       int // the message at which act is called
	act      func()
	before   agent.Counters
}

func (s *spy) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages, s.at, s.act, s.before = nil, 0, nil, agent.Counters{}
	s.faults.ResetCounters()
}

func (s *spy) when(n int, act func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.act = n, act
}

// Enabled, Handle, WithAttrs and WithGroup make it a slog.Handler.
func (s *spy) Enabled(context.Context, slog.Level) bool { return true }

func (s *spy) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "device link" {
		return nil
	}
	name := ""
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "message" {
			name = a.Value.String()
		}
		return true
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, name)
	if name == "DLMessageUploadFiles" {
		s.before = s.faults.Counters()
	}
	if len(s.messages) == s.at {
		s.act()
	}
	return nil
}

func (s *spy) WithAttrs([]slog.Attr) slog.Handler { return s }
func (s *spy) WithGroup(string) slog.Handler      { return s }

// sent is what a phone sent in one run of russet.
type sent struct {
	files   map[string]int64 // payloads of batches that were sent to their end
	settled map[string]int64 // those of them before the last upload began
	open    int64            // bytes of an upload that was broken off, headers and all
	bytes   int64

	messages []string
}

func (s *spy) sent() sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.faults.Counters()
	r := sent{files: payloads(now), settled: payloads(s.before), bytes: now.BytesSent, messages: s.messages}
	if now.FilesSent == s.before.FilesSent && now.BytesSent > s.before.BytesSent && len(s.before.Paths)+s.before.Messages > 0 {
		r.open = now.BytesSent - s.before.BytesSent
	}
	return r
}

// payloads leaves out what a run sends several times on purpose.
func payloads(c agent.Counters) map[string]int64 {
	files := map[string]int64{}
	for name, count := range c.Paths {
		files[name] = count.Bytes
	}
	maps.DeleteFunc(files, func(name string, _ int64) bool {
		return strings.HasSuffix(name, ".plist") || strings.HasSuffix(name, "/Manifest.db")
	})
	return files
}

func total(files map[string]int64) int64 {
	var n int64
	for _, size := range files {
		n += size
	}
	return n
}
