package mobilesync_test

import (
	"testing"
	"testing/fstest"

	"russet/mobilesync"
)

// FuzzOpen opens folders whose four files are a stranger's.
func FuzzOpen(f *testing.F) {
	for _, kind := range []string{"plain", "encrypted"} {
		m := miniFS(f, kind)
		f.Add(m["Info.plist"].Data, m["Status.plist"].Data, m["Manifest.plist"].Data, m["Manifest.db"].Data)
	}
	f.Fuzz(func(t *testing.T, info, status, manifest, db []byte) {
		m := fstest.MapFS{
			"Info.plist": {Data: info}, "Status.plist": {Data: status}, "Manifest.plist": {Data: manifest}, "Manifest.db": {Data: db},
		}
		if _, err := mobilesync.Summarize(m); err != nil {
			return
		}
		if i, err := mobilesync.ReadInfo(m); err == nil {
			if _, err := i.Marshal(); err != nil {
				t.Errorf("cannot write what was read: %v", err)
			}
		}
		// No password: deriving a stranger's 100 million rounds is the one
		// thing that may take its time.
		b, err := mobilesync.Open(t.Context(), m, mobilesync.Options{Locked: true, Unfinished: true})
		if err != nil {
			return
		}
		if _, err := b.Check(t.Context(), mobilesync.CheckDigest, func(mobilesync.Problem) {}); err == nil && !b.Locked() {
			if _, err := b.Files(t.Context()); err != nil {
				t.Errorf("checked, but not shown: %v", err)
			}
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}
