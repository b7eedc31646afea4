package backend_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kopia/kopia/repo/blob"

	"russet"
	"russet/internal/vault/backend"
)

const (
	packID  = "p0123456789abcdef0123456789abcdef-s1"
	indexID = "xn0_0123456789abcdef0123456789abcdef-s1-c1"
)

func place(t *testing.T) backend.Options {
	return backend.Options{Location: backend.Location{Kind: backend.File, Path: filepath.Join(t.TempDir(), "new", "vault")}, Create: true}
}

// TestFolder does to a folder what TestServers does to servers.
func TestFolder(t *testing.T) {
	o := place(t)
	absent := o
	absent.Create = false
	if _, err := backend.Open(t.Context(), absent); !errors.Is(err, fs.ErrNotExist) || russet.KindOf(err) != russet.Usage {
		t.Errorf("an absent folder: %v", err)
	}
	blobsThere(t, open(t, o))
	ownThere(t, open(t, o))
	leftoversThere(t, o.Location.Path, open(t, o))
	must(t, filepath.WalkDir(o.Location.Path, func(name string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		return nil
	}))
	file := o
	file.Location.Path = filepath.Join(o.Location.Path, ".shards")
	for _, l := range []backend.Location{file.Location, {Kind: backend.File, Path: "relative"}, {}} {
		if _, err := backend.Open(t.Context(), backend.Options{Location: l, Create: true}); russet.KindOf(err) != russet.Usage {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

// TestReadOnly: reading works, and nothing is changed.
func TestReadOnly(t *testing.T) {
	o := place(t)
	must(t, open(t, o).PutBlob(t.Context(), packID, blobOf([]byte("data")), blob.PutOptions{}))
	o.ReadOnly = true
	b := open(t, o)
	for _, err := range []error{
		b.PutBlob(t.Context(), packID, blobOf(nil), blob.PutOptions{}), b.DeleteBlob(t.Context(), packID),
		b.Put(t.Context(), "russet.x", nil), b.Remove(t.Context(), "russet.x"), b.ExtendBlobRetention(t.Context(), packID, blob.ExtendOptions{}),
	} {
		if !errors.Is(err, backend.ErrReadOnly) {
			t.Errorf("a change is not refused: %v", err)
		}
	}
	var got into
	if err := b.GetBlob(t.Context(), packID, 0, -1, &got); err != nil || got.String() != "data" || !b.IsReadOnly() {
		t.Errorf("read %q, %v", got.String(), err)
	}
}

// TestBefore: every change is asked for, and what is durable is told.
func TestBefore(t *testing.T) {
	o := place(t)
	var asked []string
	stop := errors.New("stop")
	var answer error
	o.Before = func(op, name string) error {
		asked = append(asked, op+" "+name)
		if op == "synced" {
			return errors.New("nobody listens")
		}
		return answer
	}
	b := open(t, o)
	must(t, b.PutBlob(t.Context(), packID, blobOf([]byte("data")), blob.PutOptions{}), b.Put(t.Context(), "russet.x", nil), b.DeleteBlob(t.Context(), packID))
	want := []string{
		"putblob .shards", "synced .shards", "putblob " + packID, "synced 3456789abcdef0123456789abcdef-s1.f",
		"putblob russet.x", "synced russet.x.f", "deleteblob " + packID,
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
	if _, err := os.Stat(filepath.Join(o.Location.Path, "p", "012")); err != nil {
		t.Error(err)
	}
	answer = stop
	if err := b.PutBlob(t.Context(), packID, blobOf(nil), blob.PutOptions{}); !errors.Is(err, stop) {
		t.Errorf("a stopped put: %v", err)
	}
	if err := b.Remove(t.Context(), "russet.x"); !errors.Is(err, stop) {
		t.Errorf("a stopped deletion: %v", err)
	}
	list(t, b, "", "russet.x")
}

// TestQuarantine: empty blobs that would make a vault unreadable are not seen.
func TestQuarantine(t *testing.T) {
	b := open(t, place(t))
	ctx := t.Context()
	for _, id := range []blob.ID{indexID, "q1", "s1", "n1", "p1", "kopia.repository", "russet.x"} {
		must(t, b.PutBlob(ctx, id, blobOf(nil), blob.PutOptions{}))
	}
	must(t, b.PutBlob(ctx, "q2", blobOf([]byte("data")), blob.PutOptions{}))
	list(t, b, "", "p1", "kopia.repository", "russet.x", "q2")
	for _, length := range []int64{-1, 0, 10} {
		var got into
		if err := b.GetBlob(ctx, indexID, 0, length, &got); length != 0 && !errors.Is(err, blob.ErrBlobNotFound) {
			t.Errorf("an empty index is read: %v", err)
		}
	}
	if _, err := b.GetMetadata(ctx, indexID); !errors.Is(err, blob.ErrBlobNotFound) {
		t.Errorf("an empty index is described: %v", err)
	}
	names, err := b.Quarantined(ctx)
	if slices.Sort(names); err != nil || !slices.Equal(names, []string{"n1", "q1", "s1", indexID}) {
		t.Errorf("in quarantine: %q, %v", names, err)
	}
	must(t, b.PutBlob(ctx, indexID, blobOf([]byte("index")), blob.PutOptions{}), b.DeleteBlob(ctx, "q1"))
	list(t, b, "x", indexID)
}

// TestMirror: what finds everything else is copied, and comes back.
func TestMirror(t *testing.T) {
	o := place(t)
	o.Mirror = filepath.Join(t.TempDir(), "mirror")
	ctx := t.Context()
	without := o
	without.Mirror = ""
	other := open(t, without)
	b := open(t, o)
	for _, id := range []blob.ID{packID, indexID, "q1", "kopia.repository", "kopia.blobcfg", "russet.keys", "s1", "kopia.maintenance"} {
		must(t, b.PutBlob(ctx, id, blobOf([]byte("of "+id)), blob.PutOptions{}))
	}
	copies := func() string {
		entries, err := os.ReadDir(o.Mirror)
		must(t, err)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	if got := copies(); got != "kopia.blobcfg kopia.repository q1 russet.keys "+indexID {
		t.Errorf("mirrored are %s", got)
	}
	must(t, other.DeleteBlob(ctx, indexID), other.PutBlob(ctx, "q1", blobOf(nil), blob.PutOptions{}),
		other.Put(ctx, "russet.keys", []byte("of another host")), other.PutBlob(ctx, "q2", blobOf([]byte("of another host")), blob.PutOptions{}))
	var lost []string
	for _, prefix := range []string{"q", "x"} {
		some, err := b.DiffersFromMirror(ctx, prefix)
		must(t, err)
		lost = append(lost, some...)
	}
	if slices.Sort(lost); !slices.Equal(lost, []string{"q1", indexID}) {
		t.Fatalf("lost are %q", lost)
	}
	must(t, b.RestoreFromMirror(ctx, lost))
	var got into
	if err := other.GetBlob(ctx, indexID, 0, -1, &got); err != nil || got.String() != "of "+indexID {
		t.Errorf("restored %q, %v", got.String(), err)
	}
	if n, err := b.FillMirror(ctx); n != 2 || err != nil {
		t.Errorf("%d blobs were mirrored late, %v", n, err)
	}
	if data, err := os.ReadFile(filepath.Join(o.Mirror, "russet.keys")); err != nil || string(data) != "of another host" {
		t.Errorf("the mirror has %q, %v", data, err)
	}
	must(t, b.DeleteBlob(ctx, indexID), b.DeleteBlob(ctx, "q2"))
	if got := copies(); got != "kopia.blobcfg kopia.repository q1 russet.keys" {
		t.Errorf("after deletions mirrored are %s", got)
	}
	if err := b.RestoreFromMirror(ctx, []string{"../x"}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("restored from outside: %v", err)
	}
	if names, err := other.DiffersFromMirror(ctx, "q"); err != nil || names != nil {
		t.Errorf("without a mirror: %q, %v", names, err)
	}
}

// TestMirrorFull: a mirror that cannot be written does not stop a backup.
func TestMirrorFull(t *testing.T) {
	o := place(t)
	o.Mirror = filepath.Join(t.TempDir(), "mirror")
	b := open(t, o)
	must(t, os.RemoveAll(o.Mirror))
	must(t, b.PutBlob(t.Context(), "q1", blobOf([]byte("data")), blob.PutOptions{}), b.DeleteBlob(t.Context(), "q1"))
}

// TestBandwidth: a limit holds on average, and ends with its context.
func TestBandwidth(t *testing.T) {
	o := place(t)
	o.UploadBytesPerSecond, o.DownloadBytesPerSecond = 1_000_000, 1_000_000
	b := open(t, o)
	began := time.Now()
	must(t, b.PutBlob(t.Context(), packID, blobOf(noise(1_300_000)), blob.PutOptions{}))
	if took := time.Since(began); took < 250*time.Millisecond || took > 30*time.Second {
		t.Errorf("the put took %v", took)
	}
	began = time.Now()
	var got into
	must(t, b.GetBlob(t.Context(), packID, 0, -1, &got))
	if took := time.Since(began); took < 250*time.Millisecond || took > 30*time.Second {
		t.Errorf("the get took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := b.PutBlob(ctx, packID, blobOf(noise(1_300_000)), blob.PutOptions{}); err == nil {
		t.Error("a put outlives its context")
	}
	b.SetRates(0, 2_000_000) // while it is open
	ctx, cancel = context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	must(t, b.PutBlob(ctx, packID, blobOf(noise(30_000_000)), blob.PutOptions{}))
	b.SetRates(1_000_000, 0)
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := b.PutBlob(ctx, packID, blobOf(noise(1_300_000)), blob.PutOptions{}); err == nil {
		t.Error("a limit that was set while it is open does not hold")
	}
}

// TestNothingIsTold: kopia learns no secret, and a closed storage can be closed.
func TestNothingIsTold(t *testing.T) {
	o := place(t)
	o.Credentials = backend.Credentials{SecretKey: "hush"}
	b := open(t, o)
	info, err := b.ConnectionInfo().MarshalJSON()
	if err != nil || !bytes.Contains(info, []byte(`"type":"russet"`)) || bytes.Contains(info, []byte("hush")) {
		t.Errorf("told %s, %v", info, err)
	}
	if text := fmt.Sprint(b.DisplayName(), b.Location()); strings.Contains(text, "hush") {
		t.Errorf("shown is %s", text)
	}
	must(t, b.Close(t.Context()), b.Close(t.Context()))
}
