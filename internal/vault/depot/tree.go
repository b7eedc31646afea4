package depot

import (
	"context"
	"errors"
	"time"
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
func (s *Session) WriteDir(ctx context.Context, rel string, entries []Entry, modTime time.Time) (Entry, error) {
	return Entry{}, errors.New("not yet")
}

// ReadDir reads a directory that was flushed, directories first, by name.
func (d *Depot) ReadDir(ctx context.Context, id ID) ([]Entry, error) {
	return nil, errors.New("not yet")
}

// ReadDir reads a directory, flushed or not.
func (s *Session) ReadDir(ctx context.Context, id ID) ([]Entry, error) {
	return nil, errors.New("not yet")
}
