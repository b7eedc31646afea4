package vault

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"russet/internal/durable"
)

func openTestSpool(t *testing.T, dir, draft string) *spool {
	t.Helper()
	parent, err := durable.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { parent.Close() })
	s, err := openSpool(parent, "password", draft)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *spool, data []byte) *segment {
	t.Helper()
	g, err := s.begin()
	if err == nil {
		err = g.write(data)
	}
	if err == nil {
		err = g.commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestKeyStreamsOnce: no two files of a draft are sealed with the same key
// stream, nor those of two drafts, whatever left the spool before a restart.
func TestKeyStreamsOnce(t *testing.T) {
	zeros := make([]byte, 64)
	seen := map[string]bool{}
	dir := t.TempDir()
	look := func(dir string, g *segment) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, spoolDir, segName(g.n)))
		if err != nil {
			t.Fatal(err)
		}
		if len(data) != len(zeros) || bytes.Contains(data, zeros[:8]) || seen[string(data)] {
			t.Errorf("segment %d: %x, seen before: %v", g.n, data, seen[string(data)])
		}
		seen[string(data)] = true
	}
	s := openTestSpool(t, dir, "one")
	for range 3 {
		look(dir, put(t, s, zeros))
	}
	for round := range 4 {
		g := put(t, s, zeros)
		look(dir, g)
		if err := s.remove(g.n, g.size); err != nil {
			t.Fatal(err)
		}
		if g, err := s.begin(); err != nil || round%2 == 0 && g.abort() != nil {
			t.Fatal(err)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		s = openTestSpool(t, dir, "one")
		if s.used != int64(3*len(zeros)) {
			t.Errorf("the spool says it holds %d bytes", s.used)
		}
	}
	other := t.TempDir()
	look(other, put(t, openTestSpool(t, other, "two"), zeros))
}
