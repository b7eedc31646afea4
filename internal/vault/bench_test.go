package vault_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"russet"
	"russet/internal/storetest"
)

// bigPhone makes the folder of a phone with n small files and some photos.
func bigPhone(b *testing.B, n int) storetest.Folder {
	b.Helper()
	c := storetest.Contents{}
	for i := range n {
		c[fmt.Sprintf("AppDomain-org.example%d/Documents/%d", i%50, i)] = fmt.Sprintf("file %d of a small size", i)
	}
	return storetest.Make(b, storetest.Device, 1, c)
}

// BenchmarkUnchanged is a run in which a phone with 40,000 files sends nothing
// but its manifests.
func BenchmarkUnchanged(b *testing.B) {
	dir := b.TempDir()
	s, err := open(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	to := bigPhone(b, 40_000)
	if _, err := storetest.Backup(b.Context(), s, storetest.Device, to); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		d, err := s.Begin(b.Context(), russet.BeginOptions{Device: storetest.Device, Allow: -1})
		if err != nil {
			b.Fatal(err)
		}
		if err := again(d, to); err != nil {
			b.Fatal(err)
		}
		if _, err := d.Commit(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// again plays the requests of a run that finds nothing new: the listing of every
// folder at its start and its end, and the manifests.
func again(d russet.Draft, to storetest.Folder) error {
	u := string(storetest.Device)
	list := func() error {
		for i := range 256 {
			if _, err := d.ReadDir(fmt.Sprintf("%s/%02x", u, i)); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
		return nil
	}
	if err := list(); err != nil {
		return err
	}
	for _, name := range []string{"Manifest.plist", "Manifest.db", "Status.plist"} {
		up, err := d.Create(u + "/" + name)
		if err != nil {
			return err
		}
		if _, err := up.Write([]byte(to[name])); err != nil {
			return err
		}
		if err := up.Commit(); err != nil {
			return err
		}
	}
	return list()
}
