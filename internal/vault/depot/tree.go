package depot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	kopiafs "github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"
	"github.com/kopia/kopia/snapshot/snapshotfs"
)

const (
	maxDir       = 256 << 20 // bytes of one directory that we read
	dirStream    = "kopia:directory"
	fileMode     = 0o600
	dirMode      = 0o700
	earliestYear = 1678 // what nanoseconds in 64 bits can say
	latestYear   = 2261
)

// Entry is one name in a directory of a version.
type Entry struct {
	Name    string
	Dir     bool
	ID      ID
	Size    int64 // of all files below when Dir
	ModTime time.Time
	Files   int64 // files below, when Dir
	Dirs    int64 // directories below and the directory itself, when Dir
}

// WriteDir stores a directory; rel is its path, for messages. The entry it
// returns has no name yet: the caller gives it one for the directory above.
// Equal entries give equal IDs, whatever their order.
func (s *Session) WriteDir(ctx context.Context, rel string, entries []Entry, modTime time.Time) (Entry, error) {
	var b snapshotfs.DirManifestBuilder
	names := make(map[string]bool, len(entries))
	for _, e := range entries {
		if err := checkName(e.Name); err != nil || names[e.Name] {
			return Entry{}, fmt.Errorf("write directory %q: bad or repeated name %q", rel, e.Name)
		}
		names[e.Name] = true
		de, err := toKopia(e)
		if err != nil {
			return Entry{}, fmt.Errorf("write directory %q: entry %q: %w", rel, e.Name, err)
		}
		b.AddEntry(de)
	}
	m := b.Build(stamp(modTime), "")
	data, err := json.Marshal(m)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Entry{}, fmt.Errorf("write directory %q: %w", rel, err)
	}
	w := s.Writer(Meta)
	defer w.Abort()
	w.Write(append(data, '\n')) // Result returns its error
	id, err := w.Result()
	if err != nil {
		return Entry{}, fmt.Errorf("write directory %q: %w", rel, err)
	}
	return Entry{
		Dir: true, ID: id, Size: m.Summary.TotalFileSize, ModTime: modTime,
		Files: m.Summary.TotalFileCount, Dirs: m.Summary.TotalDirCount,
	}, nil
}

// ReadDir reads a directory that was flushed, directories first, by name.
func (d *Depot) ReadDir(ctx context.Context, id ID) ([]Entry, error) {
	r, err := d.Reader(ctx, id)
	return readDir(id, r, err)
}

// ReadDir reads a directory, flushed or not.
func (s *Session) ReadDir(ctx context.Context, id ID) ([]Entry, error) {
	r, err := s.Reader(ctx, id)
	return readDir(id, r, err)
}

func readDir(id ID, r *Reader, err error) ([]Entry, error) {
	if err != nil {
		return nil, fmt.Errorf("read directory: %w", err)
	}
	defer r.Close()
	if r.Size() > maxDir {
		return nil, fmt.Errorf("read directory %q: %w: %d bytes", id, ErrDamaged, r.Size())
	}
	data := make([]byte, r.Size())
	if n, err := r.ReadAt(data, 0); n < len(data) {
		return nil, fmt.Errorf("read directory %q: %w", id, errors.Join(err, io.ErrUnexpectedEOF))
	}
	entries, err := parseDir(data)
	if err != nil {
		return nil, fmt.Errorf("read directory %q: %w", id, err)
	}
	return entries, nil
}

// parseDir reads a directory as it is stored. Names lead nowhere outside.
func parseDir(data []byte) ([]Entry, error) {
	var m snapshot.DirManifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%w: directory: %w", ErrDamaged, err)
	}
	if m.StreamType != dirStream {
		return nil, fmt.Errorf("%w: not a directory", ErrDamaged)
	}
	entries := make([]Entry, 0, len(m.Entries))
	for _, de := range m.Entries {
		if de == nil || checkName(de.Name) != nil || de.FileSize < 0 || de.ObjectID == object.EmptyID {
			return nil, fmt.Errorf("%w: directory with a bad entry", ErrDamaged)
		}
		e := Entry{Name: de.Name, ID: ID(de.ObjectID.String()), Size: de.FileSize, ModTime: unstamp(de.ModTime)}
		switch de.Type {
		case snapshot.EntryTypeFile:
		case snapshot.EntryTypeDirectory:
			e.Dir = true
			if sum := de.DirSummary; sum != nil {
				e.Size, e.Files, e.Dirs = sum.TotalFileSize, sum.TotalFileCount, sum.TotalDirCount
			}
		default:
			return nil, fmt.Errorf("%w: directory entry %q of type %q", ErrDamaged, de.Name, de.Type)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// checkName refuses what is no name, and what JSON would change.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > 1<<12 || strings.ContainsAny(name, "/\\\x00") || !utf8.ValidString(name) {
		return errors.New("not a file name")
	}
	return nil
}

// toKopia is e as the stock tool keeps it.
func toKopia(e Entry) (*snapshot.DirEntry, error) {
	id, err := parseID(e.ID)
	if err != nil {
		return nil, err
	}
	if e.Size < 0 {
		return nil, errors.New("negative size")
	}
	de := &snapshot.DirEntry{
		Name: e.Name, Type: snapshot.EntryTypeFile, Permissions: fileMode,
		FileSize: e.Size, ModTime: stamp(e.ModTime), ObjectID: id,
	}
	if e.Dir {
		de.Type, de.Permissions = snapshot.EntryTypeDirectory, dirMode
		de.DirSummary = &kopiafs.DirectorySummary{
			TotalFileSize: e.Size, TotalFileCount: e.Files, TotalDirCount: e.Dirs, MaxModTime: de.ModTime,
		}
	}
	return de, nil
}

// stamp is t for kopia, which counts nanoseconds and cannot hold every year.
func stamp(t time.Time) kopiafs.UTCTimestamp {
	if y := t.UTC().Year(); y < earliestYear || y > latestYear {
		return 0
	}
	return kopiafs.UTCTimestampFromTime(t)
}

func unstamp(t kopiafs.UTCTimestamp) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return t.ToTime().UTC()
}
