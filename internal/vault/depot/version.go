package depot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	kopiafs "github.com/kopia/kopia/fs"
	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/repo/object"
	"github.com/kopia/kopia/snapshot"

	"russet"
	"russet/internal/vault/backend"
)

// tagPrefix is what the stock tool puts before the names of tags.
const tagPrefix = "tag:"

// Version is a tree that is kept, with what is known about it.
type Version struct {
	Manifest    string // changes with every update
	Path        string // "/" and the device's UDID
	User, Host  string // who wrote it; "russet" and "vault" when empty
	Start, End  time.Time
	Root        ID
	RootSize    int64
	Files, Dirs int64
	Tags        map[string]string // without kopia's "tag:" in front
	Description string
	Pins        []string
	Incomplete  string // why it is not complete; "" = complete
}

// Problem is a version that stands in the repository and cannot be
// read. Do not maintain a repository with one: what only it refers to would
// count as garbage.
type Problem struct {
	Manifest string
	Labels   map[string]string
	Err      error
}

// SaveVersion stores v and sets v.Manifest. It lasts after Flush.
func (s *Session) SaveVersion(ctx context.Context, v *Version) error {
	m, err := v.kopia()
	if err != nil {
		return fmt.Errorf("save version of %q: %w", v.Path, err)
	}
	var id manifest.ID
	err = backend.Bounded(ctx, func(ctx context.Context) (err error) {
		id, err = snapshot.SaveSnapshot(ctx, s.w, m)
		return err
	})
	if err != nil {
		return fmt.Errorf("save version of %q: %w", v.Path, err)
	}
	v.Manifest, v.User, v.Host = string(id), m.Source.UserName, m.Source.Host
	return nil
}

// UpdateVersion replaces the version v.Manifest by v and sets the new
// manifest. The two changes become visible together.
func (s *Session) UpdateVersion(ctx context.Context, v *Version) error {
	old := v.Manifest
	if old == "" {
		return fmt.Errorf("update version of %q: it was never saved", v.Path)
	}
	if err := s.SaveVersion(ctx, v); err != nil {
		return err
	}
	return s.DeleteVersion(ctx, old)
}

// DeleteVersion forgets a version, also a pinned one; Maintain frees what only
// it referred to. One that is not there is no error.
func (s *Session) DeleteVersion(ctx context.Context, manifestID string) error {
	return s.deleteManifest(ctx, manifestID, func(labels map[string]string) bool {
		return labels[manifest.TypeLabelKey] == snapshot.ManifestType
	})
}

// deleteManifest removes a manifest that is of the right kind: an ID mixed up
// must not take away kopia's own settings.
func (s *Session) deleteManifest(ctx context.Context, id string, right func(map[string]string) bool) error {
	var meta *manifest.EntryMetadata
	err := backend.Bounded(ctx, func(ctx context.Context) (err error) {
		meta, err = s.w.GetManifest(ctx, manifest.ID(id), nil)
		return err
	})
	if errors.Is(err, manifest.ErrNotFound) {
		return nil
	}
	if err == nil && !right(meta.Labels) {
		err = errors.New("it is of another type")
	}
	if err == nil {
		err = s.w.DeleteManifest(ctx, manifest.ID(id))
	}
	if err != nil {
		return fmt.Errorf("delete manifest %q: %w", id, err)
	}
	return nil
}

// Versions lists all versions, also incomplete ones, oldest first, and those
// that cannot be read. Kopia itself passes over the latter in silence.
func (d *Depot) Versions(ctx context.Context) ([]Version, []Problem, error) {
	found, err := d.manifests(ctx, snapshot.ManifestType)
	if err != nil {
		return nil, nil, fmt.Errorf("list versions: %w", damaged(err))
	}
	var (
		versions []Version
		problems []Problem
	)
	for _, f := range found {
		v, err := d.version(ctx, f.ID)
		switch {
		case errors.Is(err, manifest.ErrNotFound), errors.Is(err, snapshot.ErrSnapshotNotFound):
			// deleted while we looked
		case ctx.Err() != nil, russet.KindOf(err) == russet.NotConnected:
			return nil, nil, fmt.Errorf("list versions: %w", err)
		case err != nil:
			problems = append(problems, Problem{Manifest: string(f.ID), Labels: f.Labels, Err: err})
		default:
			versions = append(versions, v)
		}
	}
	slices.SortFunc(versions, func(a, b Version) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), strings.Compare(a.Manifest, b.Manifest))
	})
	return versions, problems, nil
}

func (d *Depot) manifests(ctx context.Context, kind string) (found []*manifest.EntryMetadata, err error) {
	err = backend.Bounded(ctx, func(ctx context.Context) (err error) {
		found, err = d.rep.FindManifests(ctx, map[string]string{manifest.TypeLabelKey: kind})
		return err
	})
	return found, err
}

func (d *Depot) version(ctx context.Context, id manifest.ID) (Version, error) {
	var m *snapshot.Manifest
	err := backend.Bounded(ctx, func(ctx context.Context) (err error) {
		m, err = snapshot.LoadSnapshot(ctx, d.rep, id)
		return err
	})
	if err != nil {
		return Version{}, err
	}
	if m.RootObjectID() == object.EmptyID {
		return Version{}, fmt.Errorf("%w: no root", ErrDamaged)
	}
	v := Version{
		Manifest: string(id), Path: m.Source.Path, User: m.Source.UserName, Host: m.Source.Host,
		Start: unstamp(m.StartTime), End: unstamp(m.EndTime), Root: ID(m.RootEntry.ObjectID.String()),
		RootSize: m.RootEntry.FileSize, Files: int64(m.Stats.TotalFileCount), Dirs: int64(m.Stats.TotalDirectoryCount),
		Description: m.Description, Pins: m.Pins, Incomplete: m.IncompleteReason, Tags: make(map[string]string),
	}
	if sum := m.RootEntry.DirSummary; sum != nil {
		v.RootSize, v.Files, v.Dirs = sum.TotalFileSize, sum.TotalFileCount, sum.TotalDirCount
	}
	for k, tag := range m.Tags {
		v.Tags[strings.TrimPrefix(k, tagPrefix)] = tag
	}
	return v, nil
}

// kopia is v as a manifest of the stock tool.
func (v *Version) kopia() (*snapshot.Manifest, error) {
	if !strings.HasPrefix(v.Path, "/") {
		return nil, fmt.Errorf("the path %q does not begin with a slash", v.Path)
	}
	root, err := parseID(v.Root)
	if err != nil {
		return nil, fmt.Errorf("root %q: %w", v.Root, err)
	}
	m := &snapshot.Manifest{
		Source:      snapshot.SourceInfo{Host: cmp.Or(v.Host, hostName), UserName: cmp.Or(v.User, userName), Path: v.Path},
		Description: v.Description, StartTime: stamp(v.Start), EndTime: stamp(v.End),
		IncompleteReason: v.Incomplete, Pins: slices.Sorted(slices.Values(v.Pins)),
		Stats: snapshot.Stats{
			TotalFileSize: v.RootSize, TotalFileCount: clamp(v.Files), TotalDirectoryCount: clamp(v.Dirs),
			NonCachedFiles: clamp(v.Files),
		},
		RootEntry: &snapshot.DirEntry{
			Type: snapshot.EntryTypeDirectory, Permissions: dirMode, FileSize: v.RootSize,
			ModTime: stamp(v.End), ObjectID: root,
			DirSummary: &kopiafs.DirectorySummary{
				TotalFileSize: v.RootSize, TotalFileCount: v.Files, TotalDirCount: v.Dirs, MaxModTime: stamp(v.End),
			},
		},
		Tags: make(map[string]string, len(v.Tags)),
	}
	for k, tag := range v.Tags {
		m.Tags[tagPrefix+k] = tag
	}
	return m, nil
}

func clamp(n int64) int32 { return int32(min(max(n, 0), math.MaxInt32)) }
