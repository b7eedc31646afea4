package mobilesync_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

const jpeg = "\xFF\xD8\xFF\xE0 a picture, or so it says in its first bytes"

// TestConditions makes each exception format knows of one encrypted file.
func TestConditions(t *testing.T) {
	s := seal(t)
	key, whole := rewrap(t, s, []byte(strings.Repeat("0123456789abcdef", 4)))
	lost := append([]byte(nil), key...)
	lost[20] ^= 1
	unpadded := whole[:48]
	digest := func(r *mobilesync.Record) { r.Digest = sum(unpadded) }
	cases := []struct {
		name    string
		change  func(*mobilesync.Record)
		stored  string
		want    mobilesync.Condition
		content string
		err     error
	}{
		{"whole", nil, string(whole), mobilesync.Whole, strings.Repeat("0123456789abcdef", 4), nil},
		{"dataless", func(r *mobilesync.Record) { r.Size = 9 }, "", mobilesync.Dataless, "", nil},
		{"nothing", nil, "", mobilesync.Whole, "", nil},
		{"unpadded", nil, string(unpadded), mobilesync.Unpadded, strings.Repeat("0123456789abcdef", 3), nil},
		{"wrong key", digest, string(unpadded), 0, "", mobilesync.ErrUndecryptable},
		{"truncated", nil, string(whole[:50]), mobilesync.Truncated, strings.Repeat("0123456789abcdef", 3), nil},
		{"plain", nil, jpeg, mobilesync.Foreign, jpeg, nil},
		{"plain, whole blocks", nil, jpeg[:32], mobilesync.Foreign, jpeg[:32], nil},
		{"lost key", func(r *mobilesync.Record) { r.EncryptionKey = lost }, string(whole), 0, "", mobilesync.ErrUndecryptable},
		{"odd key", func(r *mobilesync.Record) { r.EncryptionKey = key[:40] }, string(whole), 0, "", mobilesync.ErrUndecryptable},
		{"no key", func(r *mobilesync.Record) { r.EncryptionKey = nil }, "plain", mobilesync.Foreign, "plain", nil},
		{"no key, empty", func(r *mobilesync.Record) { r.EncryptionKey = nil }, "", mobilesync.Whole, "", nil},
		{"compressed", func(r *mobilesync.Record) { r.Compression = 1 }, string(whole), 0, "", errors.ErrUnsupported},
		{"encoded", func(r *mobilesync.Record) { r.Encoding = 2 }, string(whole), 0, "", errors.ErrUnsupported},
	}
	dir := create(t, s, addition{file("HomeDomain", "x"), ""})
	b := open(t, os.DirFS(dir))
	for _, c := range cases {
		r := file("HomeDomain", "x")
		r.ID, r.EncryptionKey = mobilesync.FileIDOf("HomeDomain", "x"), key
		if c.change != nil {
			c.change(&r)
		}
		if err := os.WriteFile(filepath.Join(dir, r.ID.Name()), []byte(c.stored), 0o644); err != nil {
			t.Fatal(err)
		}
		content, err := b.Content(&r)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil {
			continue
		}
		got, err := io.ReadAll(content)
		if cut := errors.Is(err, keybag.ErrTruncated); cut != (c.want == mobilesync.Truncated) || (!cut && err != nil) {
			t.Errorf("%s: read ends with %v", c.name, err)
		}
		if content.Condition() != c.want || string(got) != c.content || content.Size() != int64(len(got)) {
			t.Errorf("%s: %v, %q", c.name, content.Condition(), got)
		}
		if exact := c.name == "whole" || c.name == "no key, empty"; content.Exact() != exact {
			t.Errorf("%s: exact %v", c.name, content.Exact())
		}
		if err := content.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestContentThatIsNotThere(t *testing.T) {
	b := open(t, miniFS(t, "plain"))
	r := file("HomeDomain", "none")
	if _, err := b.Content(&r); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	r.Kind = mobilesync.Dir
	if _, err := b.Payload(&r); err == nil {
		t.Error("a directory has content")
	}
}

func TestContentSeeks(t *testing.T) {
	dir := create(t, seal(t), addition{file("HomeDomain", "x"), "0123456789"})
	b := open(t, os.DirFS(dir))
	r, err := b.Lookup(t.Context(), "HomeDomain", "x")
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Content(&r)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range []struct {
		offset int64
		whence int
		want   string
	}{{7, io.SeekStart, "789"}, {-2, io.SeekEnd, "89"}, {-4, io.SeekCurrent, "6789"}, {3, io.SeekEnd, ""}} {
		if _, err := c.Seek(s.offset, s.whence); err != nil {
			t.Error(err)
		}
		if got, err := io.ReadAll(c); err != nil || string(got) != s.want {
			t.Errorf("after Seek(%d, %d): %q, %v", s.offset, s.whence, got, err)
		}
	}
	if _, err := c.Seek(-1, io.SeekStart); err == nil {
		t.Error("sought before the start")
	}
}
