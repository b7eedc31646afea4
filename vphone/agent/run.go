package agent

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Files of an unfinished run in the agent's cache.
const (
	runFile      = "run.json"
	manifestFile = "Manifest.db"
	arrivedFile  = "arrived" // what the host has acknowledged
	checkFile    = "check.db"
)

// run is what a phone remembers of an unfinished run.
type run struct {
	UUID      string
	Dates     []time.Time // of each Status.plist that may be on the host
	Encrypted bool
	KeyBag    []byte
	Strays    bool // the old folder may hold files of no manifest
	Aside     string
}

// loadRun returns nil when there is no unfinished run.
func (s *session) loadRun() (*run, error) {
	data, err := os.ReadFile(s.cached(runFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the unfinished run: %w", err)
	}
	var r run
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, nil // lost, as a phone's cache may be
	}
	return &r, nil
}

// started says whether a Status.plist of the host is of this run.
func (r *run) started(uuid string, date time.Time) bool {
	return r.UUID == uuid && slices.ContainsFunc(r.Dates, date.Equal)
}

func (s *session) cached(name string) string { return filepath.Join(s.phone.CacheDir(), name) }

// forget removes everything of an unfinished run. A backup that is under way has
// the files open, which Windows does not let go: it calls backup.forget.
func (s *session) forget() error {
	for _, name := range []string{
		runFile, arrivedFile, checkFile, checkFile + "-wal", manifestFile, manifestFile + "-wal", manifestFile + "-shm",
	} {
		if err := os.Remove(s.cached(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clearing the agent's cache: %w", err)
		}
	}
	return nil
}

// fileID is a file ID as bytes.
type fileID [20]byte

// parseID reads an ID that a Manifest.db has been found to hold; anything else
// becomes the ID of no file.
func parseID(id string) (f fileID) {
	if n, err := hex.Decode(f[:], []byte(id)); err != nil || n != len(f) {
		return fileID{}
	}
	return f
}

// arrivedSize is the length of a record in the log of arrived files: the ID
// and the stored size.
const arrivedSize = 20 + 8

// arrivals is the log of files the host has taken into Snapshot in this run,
// across interruptions. It is a file because a phone may have a million.
type arrivals struct {
	f *os.File
	w *bufio.Writer
}

func (s *session) openArrivals() (*arrivals, error) {
	// Without O_APPEND: Windows cuts no file that is open for appending.
	f, err := os.OpenFile(s.cached(arrivedFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the log of arrived files: %w", err)
	}
	return &arrivals{f: f, w: bufio.NewWriter(f)}, nil
}

func (a *arrivals) add(id fileID, size int64) error {
	var rec [arrivedSize]byte
	copy(rec[:], id[:])
	binary.BigEndian.PutUint64(rec[20:], uint64(size))
	if _, err := a.w.Write(rec[:]); err != nil {
		return fmt.Errorf("writing the log of arrived files: %w", err)
	}
	return nil
}

func (a *arrivals) flush() error {
	if err := a.w.Flush(); err != nil {
		return fmt.Errorf("writing the log of arrived files: %w", err)
	}
	return nil
}

// each calls fn for every record, in the order they arrived. A record cut
// short at the end is one that never arrived. After an error nothing is added.
func (a *arrivals) each(fn func(id fileID, size int64) error) error {
	if err := a.flush(); err != nil {
		return err
	}
	if _, err := a.f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading the log of arrived files: %w", err)
	}
	r := bufio.NewReader(a.f)
	var rec [arrivedSize]byte
	for {
		_, err := io.ReadFull(r, rec[:])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // at the end, where the next record goes
		}
		if err != nil {
			return fmt.Errorf("reading the log of arrived files: %w", err)
		}
		if err := fn(fileID(rec[:20]), int64(binary.BigEndian.Uint64(rec[20:]))); err != nil {
			return err
		}
	}
}

// all returns the log as a map, the last record of a file counting.
func (a *arrivals) all() (map[fileID]int64, error) {
	m := make(map[fileID]int64)
	err := a.each(func(id fileID, size int64) error {
		m[id] = size
		return nil
	})
	return m, err
}

// replace makes m the log's only content.
func (a *arrivals) replace(m map[fileID]int64) error {
	err := a.f.Truncate(0)
	if err == nil {
		_, err = a.f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("writing the log of arrived files: %w", err)
	}
	for id, size := range m {
		if err := a.add(id, size); err != nil {
			return err
		}
	}
	return a.flush()
}

func (a *arrivals) close() error {
	return errors.Join(a.flush(), a.f.Close())
}
