package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/filesystem"
	"github.com/kopia/kopia/repo/blob/sharded"

	"russet/internal/durable"
)

// shards is how kopia spreads blobs over folders: p/123/456…f. It is said in a
// file of the vault, too; saying it here keeps a vault readable that lost it.
func shards() sharded.Options { return sharded.Options{DirectoryShards: []int{1, 3}} }

func (b *Backend) openFolder(ctx context.Context) error {
	folder := b.opts.Location.Path
	if !filepath.IsAbs(folder) {
		return refuse("the folder of the vault is not an absolute path", "write vault:/folder, from the root of the disk")
	}
	info, err := os.Stat(folder)
	if err == nil && !info.IsDir() {
		return refuse(fmt.Sprintf("%q is no folder", folder), "choose another place for the vault")
	}
	if errors.Is(err, fs.ErrNotExist) && b.opts.Create && !b.opts.ReadOnly {
		err = makeFolder(folder)
	}
	if err != nil {
		return err
	}
	if b.folder, err = durable.Open(folder, nil); err != nil {
		return err
	}
	if b.opts.Create && !b.opts.ReadOnly {
		if err := b.writeShards(); err != nil {
			return err
		}
	}
	b.provider, err = filesystem.New(ctx, &filesystem.Options{Path: folder, FileMode: 0o600, DirectoryMode: 0o700, Options: shards()}, false)
	return err
}

// makeFolder makes a folder and its parents, and their names durable.
func makeFolder(folder string) error {
	parent := filepath.Dir(folder)
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) && parent != folder {
		if err := makeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := durable.Open(parent, nil)
	if err != nil {
		return err
	}
	return errors.Join(d.SyncDir(), d.Close())
}

// writeShards writes the file that says how blobs are spread. Kopia would do
// it, but with the first blob, and past those who watch changes.
func (b *Backend) writeShards() error {
	if there, err := b.folder.Exists(sharded.ParametersFile); there || err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := sharded.DefaultParameters(shards().DirectoryShards).Save(&buf); err != nil {
		return err
	}
	if err := b.before("putblob", sharded.ParametersFile); err != nil {
		return err
	}
	if err := b.folder.Replace(sharded.ParametersFile, buf.Bytes(), 0o600); err != nil {
		return err
	}
	_ = b.before("synced", sharded.ParametersFile)
	return nil
}

// syncNames makes the name of a blob durable: kopia has synced the file, but
// not the folder it was renamed in, nor the folders it made for it.
func (b *Backend) syncNames(ctx context.Context, id blob.ID) error {
	where, ok := b.provider.(interface {
		GetShardedPathAndFilePath(ctx context.Context, id blob.ID) (folder, file string, err error)
	})
	if !ok {
		return errors.New("kopia no longer tells where it puts a blob")
	}
	_, file, err := where.GetShardedPathAndFilePath(ctx, id)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(b.opts.Location.Path, file)
	if err != nil {
		return err
	}
	if err := b.syncFolders(path.Dir(filepath.ToSlash(rel))); err != nil {
		return fmt.Errorf("sync the folder of blob %s: %w", id, err)
	}
	_ = b.before("synced", filepath.Base(file))
	return nil
}

// syncFolders syncs a folder and, the first time, those above it.
func (b *Backend) syncFolders(folder string) error {
	if err := b.syncFolder(folder); err != nil || folder == "." {
		return err
	}
	b.mu.Lock()
	known := b.synced[folder]
	b.mu.Unlock()
	if known {
		return nil
	}
	if err := b.syncFolders(path.Dir(folder)); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.synced[folder] = true
	return nil
}

func (b *Backend) syncFolder(folder string) error {
	if folder == "." {
		return b.folder.SyncDir()
	}
	d, err := b.folder.Sub(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.SyncDir(), d.Close())
}
