package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"russet"
	"russet/internal/host"
	"russet/vphone"
	"russet/vphone/disk"
)

// sumDisk is the disk of a phone that remembers what was written to it and
// not the bytes: a drill of a large backup takes no room.
type sumDisk struct {
	mu      sync.Mutex
	entries map[string]sumEntry // by domain and path
}

type sumEntry struct {
	disk.Entry
	sum [32]byte
}

func newSumDisk() *sumDisk { return &sumDisk{entries: map[string]sumEntry{}} }

func diskPath(domain, path string) string {
	if path == "" {
		return domain
	}
	return domain + "/" + path
}

// Walk implements disk.Disk.
func (d *sumDisk) Walk(fn func(*disk.Entry) error) error {
	d.mu.Lock()
	entries := slices.Collect(maps.Values(d.entries))
	d.mu.Unlock()
	slices.SortFunc(entries, func(a, b sumEntry) int {
		if c := strings.Compare(a.Domain, b.Domain); c != 0 {
			return c
		}
		return strings.Compare(a.Path, b.Path)
	})
	for _, e := range entries {
		if err := fn(&e.Entry); err != nil {
			return err
		}
	}
	return nil
}

// Lookup implements disk.Disk.
func (d *sumDisk) Lookup(domain, path string) (*disk.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.entries[diskPath(domain, path)]
	if !ok {
		return nil, disk.ErrNotExist
	}
	return &e.Entry, nil
}

// Open implements disk.Disk; the bytes are gone.
func (d *sumDisk) Open(string, string) (io.ReadCloser, error) {
	return nil, errors.New("this phone keeps no content")
}

// Put implements disk.Disk.
func (d *sumDisk) Put(e *disk.Entry, content io.Reader) error {
	kept := sumEntry{Entry: *e}
	if e.Kind == disk.File {
		hash := sha256.New()
		n, err := io.Copy(hash, content)
		if err != nil {
			return err
		}
		kept.Size, kept.sum = n, [32]byte(hash.Sum(nil))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries[diskPath(e.Domain, e.Path)] = kept
	return nil
}

// Remove implements disk.Disk.
func (d *sumDisk) Remove(domain, path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := diskPath(domain, path)
	maps.DeleteFunc(d.entries, func(k string, _ sumEntry) bool { return k == name || strings.HasPrefix(k, name+"/") })
	return nil
}

// Free implements disk.Disk.
func (d *sumDisk) Free() (int64, error) { return math.MaxInt64 / 2, nil }

// Close implements disk.Disk.
func (d *sumDisk) Close() error { return nil }

// received is what the phone holds.
func (d *sumDisk) received() map[string]host.DrillFile {
	d.mu.Lock()
	defer d.mu.Unlock()
	files := make(map[string]host.DrillFile, len(d.entries))
	for path, e := range d.entries {
		kind := "file"
		switch e.Kind {
		case disk.Dir:
			kind = "folder"
		case disk.Symlink:
			kind = "link"
		}
		files[path] = host.DrillFile{Kind: kind, Size: e.Size, Sum: e.sum}
	}
	return files
}

// newDrillPhone switches on an empty virtual iPhone with the iOS of a backup.
func newDrillPhone(ctx context.Context, b russet.Backup, log *slog.Logger) (phone host.DrillPhone, off func() error, err error) {
	d := newSumDisk()
	identity := vphone.NewIdentity(1)
	identity.Name, identity.ProductVersion, identity.BuildVersion = "Drill", b.IOS, vphone.BuildOf(b.IOS)
	p, err := vphone.New(vphone.Options{Identity: identity, Disk: d, Logger: log})
	if err != nil {
		return phone, nil, err
	}
	socket, stop, err := serveMux(ctx, log, p)
	if err != nil {
		return phone, nil, errors.Join(err, p.Close())
	}
	off = func() error { return errors.Join(stop(), p.Close()) }
	return host.DrillPhone{Mux: "UNIX:" + socket, UDID: russet.UDID(p.UDID()), Received: d.received}, off, nil
}

// serveMux runs a usbmuxd with phones on it, at a socket of its own.
func serveMux(ctx context.Context, log *slog.Logger, phones ...*vphone.Phone) (socket string, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "russet-mux-")
	if err != nil {
		return "", nil, fmt.Errorf("make a place for the socket: %w", err)
	}
	mux, err := vphone.NewMux("", log)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	for _, p := range phones {
		mux.Add(p)
	}
	socket = filepath.Join(dir, "usbmuxd")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- mux.Serve(ctx, listener) }()
	return socket, func() error {
		cancel()
		return errors.Join(<-served, os.RemoveAll(dir))
	}, nil
}
