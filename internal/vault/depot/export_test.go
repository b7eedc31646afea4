package depot

import (
	"context"
	"fmt"
	"io"

	"github.com/kopia/kopia/repo/manifest"
	"github.com/kopia/kopia/snapshot"
	"github.com/kopia/kopia/snapshot/snapshotfs"

	kopiafs "github.com/kopia/kopia/fs"
)

// PutForeign stores value under one of kopia's own manifest types.
func PutForeign(ctx context.Context, s *Session, kind string, value any) error {
	_, err := s.w.PutManifest(ctx, map[string]string{manifest.TypeLabelKey: kind}, value)
	return err
}

// KopiaReads reads the files of a version with kopia's own code, as the stock
// tool does when it verifies and restores.
func KopiaReads(ctx context.Context, d *Depot, v Version) (map[string][]byte, error) {
	m, err := snapshot.LoadSnapshot(ctx, d.rep, manifest.ID(v.Manifest))
	if err != nil {
		return nil, err
	}
	root, err := snapshotfs.SnapshotRoot(d.rep, m)
	if err != nil {
		return nil, err
	}
	dir, ok := root.(kopiafs.Directory)
	if !ok {
		return nil, fmt.Errorf("the root is a %T", root)
	}
	files := make(map[string][]byte)
	err = kopiafs.IterateEntries(ctx, dir, func(ctx context.Context, e kopiafs.Entry) error {
		f, ok := e.(kopiafs.File)
		if !ok {
			return fmt.Errorf("%q is a %T", e.Name(), e)
		}
		if _, err := d.rep.VerifyObject(ctx, e.(snapshot.HasDirEntry).DirEntry().ObjectID); err != nil {
			return err
		}
		r, err := f.Open(ctx)
		if err != nil {
			return err
		}
		defer r.Close()
		files[e.Name()], err = io.ReadAll(r)
		return err
	})
	return files, err
}
