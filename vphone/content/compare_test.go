package content_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"russet/vphone/content"
	"russet/vphone/disk"
)

func TestCompareSeesEverything(t *testing.T) {
	base := disk.Entry{
		Domain: "HomeDomain", Path: "f", Kind: disk.File, Mode: 0o100644, UID: 501, GID: 501, Class: 3, ModTime: time.Unix(1_700_000_000, 0),
		XAttrs: map[string][]byte{"a": []byte("1"), "b": []byte("2")},
	}
	with := func(name string, value []byte) func(*disk.Entry) {
		return func(e *disk.Entry) {
			if e.XAttrs = maps.Clone(e.XAttrs); value == nil {
				delete(e.XAttrs, name)
				return
			}
			e.XAttrs[name] = value
		}
	}
	for _, c := range []struct {
		change func(*disk.Entry)
		text   string
		want   string
	}{
		{func(e *disk.Entry) {}, "content", ""},
		{func(e *disk.Entry) {}, "contenT", "content differs from byte 6"},
		{func(e *disk.Entry) {}, "content!", "7 bytes became 8"},
		{func(e *disk.Entry) { e.Kind, e.Mode = disk.Dir, 0o40755 }, "", "a file became a directory"},
		{func(e *disk.Entry) { e.Mode = 0o100600 }, "content", "mode 0100644 became 0100600"},
		{func(e *disk.Entry) { e.GID = -2 }, "content", "owner 501:501 became 501:-2"},
		{func(e *disk.Entry) { e.ModTime = e.ModTime.Add(time.Second) }, "content", "modified 1700000000 became 1700000001"},
		{func(e *disk.Entry) { e.ModTime = e.ModTime.Add(time.Millisecond) }, "content", ""},
		{func(e *disk.Entry) { e.Class = 4 }, "content", "protection class 3 became 4"},
		{func(e *disk.Entry) { e.Flags = 128 }, "content", "flags 0 became 128"},
		{func(e *disk.Entry) { e.Inode = 9 }, "content", ""},
		{with("a", nil), "content", `attribute "a" is missing`},
		{with("c", []byte("3")), "content", `attribute "c" should not be there`},
		{with("b", []byte("three")), "content", `attribute "b" differs: 1 bytes became 5`},
	} {
		a, b := disk.NewMemory(), disk.NewMemory()
		other := base
		c.change(&other)
		putAll(t, a, base, "content")
		putAll(t, b, other, c.text)
		got := compare(t, a, b, content.CompareOptions{})
		switch {
		case c.want == "" && len(got) != 0:
			t.Errorf("found %v", got)
		case c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0].What, c.want)):
			t.Errorf("found %v, want %q", got, c.want)
		}
	}
}

func putAll(t *testing.T, d disk.Disk, e disk.Entry, text string) {
	t.Helper()
	if e.Kind != disk.File {
		text = ""
	}
	if err := d.Put(&e, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}

func TestCompareOptions(t *testing.T) {
	a, b := own(t), own(t)
	if err := b.Remove("HomeDomain", "Library/Safari"); err != nil {
		t.Fatal(err)
	}
	putAll(t, b, disk.Entry{Domain: "RootDomain", Path: "extra", Kind: disk.Symlink, Target: "x"}, "")
	for _, e := range walk(t, b) {
		if e.EncryptedOnly && e.Kind == disk.File {
			if err := b.Remove(e.Domain, e.Path); err != nil {
				t.Fatal(err)
			}
		}
	}
	all := compare(t, a, b, content.CompareOptions{})
	plain := compare(t, a, b, content.CompareOptions{Plain: true})
	home := compare(t, a, b, content.CompareOptions{Plain: true, LeftOut: func(e *disk.Entry) bool { return e.Domain != "HomeDomain" }})
	if len(all) <= len(plain) || len(plain) != len(home)+1 || len(home) < 4 {
		t.Errorf("%d differences, %d in what a plain backup holds, %d in HomeDomain", len(all), len(plain), len(home))
	}
	if got := compare(t, a, b, content.CompareOptions{Most: 2}); len(got) != 2 {
		t.Errorf("asked for 2 differences, got %d", len(got))
	}
	if got := plain[len(plain)-1].String(); got != `RootDomain "extra": should not be there` {
		t.Errorf("got %s", got)
	}
}
