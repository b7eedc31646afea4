package depot

import (
	"context"
	"errors"
	"time"
)

// Version is a tree that is kept, with what is known about it.
type Version struct {
	Manifest    string // changes with every update
	Path        string // "/" and the device's UDID
	User, Host  string // who wrote it; SaveVersion fills in "russet" and "vault" when empty
	Start, End  time.Time
	Root        ID
	RootSize    int64
	Files, Dirs int64
	Tags        map[string]string // without kopia's "tag:" in front
	Description string
	Pins        []string
	Incomplete  string // why it is not complete; "" = complete
}

// Problem is a version or record that stands in the repository and cannot be
// read. What it refers to counts as garbage in the next maintenance.
type Problem struct {
	Manifest string
	Labels   map[string]string
	Err      error
}

// SaveVersion stores v and sets v.Manifest. It lasts after Flush.
func (s *Session) SaveVersion(ctx context.Context, v *Version) error { return errors.New("not yet") }

// UpdateVersion replaces the version v.Manifest by v and sets the new one.
func (s *Session) UpdateVersion(ctx context.Context, v *Version) error { return errors.New("not yet") }

// DeleteVersion forgets a version; Maintain frees what only it referred to.
func (s *Session) DeleteVersion(ctx context.Context, manifest string) error {
	return errors.New("not yet")
}

// Versions lists all versions, also incomplete ones, oldest first, and those
// that cannot be read.
func (d *Depot) Versions(ctx context.Context) ([]Version, []Problem, error) {
	return nil, nil, errors.New("not yet")
}

// Record is a small note of ours beside the versions.
type Record struct {
	ID      string
	Labels  map[string]string
	ModTime time.Time
	Data    []byte // JSON
}

// PutRecord stores value as JSON under the manifest type "russet-"+kind and
// returns its ID. It lasts after Flush. A record keeps no object alive.
func (s *Session) PutRecord(ctx context.Context, kind string, labels map[string]string, value any) (string, error) {
	return "", errors.New("not yet")
}

// DeleteRecord removes a record.
func (s *Session) DeleteRecord(ctx context.Context, id string) error { return errors.New("not yet") }

// Records calls each with every record of a kind, oldest first.
func (d *Depot) Records(ctx context.Context, kind string, each func(Record) error) error {
	return errors.New("not yet")
}
