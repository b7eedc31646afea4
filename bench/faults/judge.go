//go:build linux && amd64

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"russet/mobilesync"
	"russet/vphone/disk"
)

// digest is the SHA-256 of a tree: names, kinds, permissions and every byte.
// A folder that is not there has the digest "".
func digest(dir string, skip ...string) (string, error) {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	h := sha256.New()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if slices.Contains(skip, rel) {
			return fs.SkipDir
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%q %v\n", rel, info.Mode())
		if !info.Mode().IsRegular() {
			return nil
		}
		fmt.Fprintf(h, "%d\n", info.Size())
		return addFile(h, name)
	})
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

func addFile(h hash.Hash, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(h, f)
	return err
}

// inventory is what a backup holds, by domain and path: all that its rows say
// but for what each backup draws anew, and the SHA-256 of each file's content,
// decrypted.
type inventory map[string]string

// takeInventory reads a backup folder that must be whole: finished, every row
// readable with its content, and no file in it that belongs to no row.
func takeInventory(dir, password string) (inventory, error) {
	ctx := context.Background()
	b, err := mobilesync.Open(ctx, os.DirFS(dir), mobilesync.Options{Password: password})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if !b.Status().Finished() {
		return nil, fmt.Errorf("the backup in %s is not finished", dir)
	}
	inv := inventory{}
	expected := map[string]bool{"Info.plist": true, "Manifest.plist": true, "Manifest.db": true, "Status.plist": true}
	for r, err := range b.Records(ctx) {
		if err != nil {
			return nil, err
		}
		sum := ""
		if r.Kind == mobilesync.File {
			expected[filepath.FromSlash(r.ID.Name())] = true
			if sum, err = contentSum(b, &r); err != nil {
				return nil, fmt.Errorf("%s/%s: %w", r.Domain, r.Path, err)
			}
		}
		inv[r.Domain+"/"+r.Path] = fmt.Sprintf("%v %v %o %d %d %d %d %d %d:%d %d %q %x %s", r.ID, r.Kind, r.Mode, r.Size,
			r.Modified, r.Changed, r.Born, r.Inode, r.UserID, r.GroupID, r.ProtectionClass, r.Target, r.ExtendedAttributes, sum)
	}
	return inv, exactly(dir, expected)
}

func contentSum(b *mobilesync.Backup, r *mobilesync.Record) (string, error) {
	c, err := b.Content(r)
	if err != nil {
		return "", err
	}
	defer c.Close()
	h := sha256.New()
	n, err := io.Copy(h, c)
	if err == nil && n != r.Size {
		err = fmt.Errorf("%d bytes instead of %d", n, r.Size)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// exactly checks that a folder holds these files and no others.
func exactly(dir string, expected map[string]bool) error {
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		found[rel] = true
		return err
	})
	if err == nil && !maps.Equal(found, expected) {
		err = fmt.Errorf("%s holds %d files instead of %d", dir, len(found), len(expected))
	}
	return err
}

// differ names the first difference of two inventories.
func differ(a, b inventory) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d rows instead of %d", len(a), len(b))
	}
	for name, want := range b {
		if got := a[name]; got != want {
			return fmt.Errorf("%s is %q instead of %q", name, got, want)
		}
	}
	return nil
}

// like checks an inventory against the phone itself.
func (inv inventory) like(d disk.Disk) error {
	entries := 0
	err := d.Walk(func(e *disk.Entry) error {
		entries++
		line, ok := inv[e.Domain+"/"+e.Path]
		if !ok {
			return fmt.Errorf("%s/%s is not in the backup", e.Domain, e.Path)
		}
		if e.Kind != disk.File {
			return nil
		}
		r, err := d.Open(e.Domain, e.Path)
		if err != nil {
			return err
		}
		defer r.Close()
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil {
			return err
		}
		if sum := fmt.Sprintf("%x", h.Sum(nil)); line[max(0, len(line)-len(sum)):] != sum {
			return fmt.Errorf("%s/%s has another content in the backup", e.Domain, e.Path)
		}
		return nil
	})
	if err == nil && entries != len(inv) {
		err = fmt.Errorf("%d rows for %d entries of the phone", len(inv), entries)
	}
	return err
}
