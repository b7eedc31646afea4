package mbfile_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"russet/vphone/agent/internal/mbfile"
)

type vector struct {
	Name, Domain, Blob, FileID string
	RelativePath               string
	Fields                     struct {
		LastModified, LastStatusChange, Birth     int64
		ProtectionClass                           uint8
		Flags, Mode                               uint32
		GroupID, UserID                           int32
		Size                                      int64
		InodeNumber                               uint64
		RelativePath, Target                      string
		Digest, EncryptionKey, ExtendedAttributes string
	}
}

func load(t testing.TB, name string) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []vector }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	if s == "" {
		return nil
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// file is what a vector says. The attributes are a plist inside the plist, so
// they are taken from the archive itself.
func (v *vector) file(t testing.TB) mbfile.File {
	f := &v.Fields
	got, err := mbfile.Decode(unhex(t, v.Blob))
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	return mbfile.File{
		Path: f.RelativePath, Target: f.Target, Mode: f.Mode, Size: f.Size,
		ModTime: f.LastModified, ChangeTime: f.LastStatusChange, Birth: f.Birth,
		Inode: f.InodeNumber, UID: f.UserID, GID: f.GroupID, Class: f.ProtectionClass,
		Flags: f.Flags, Digest: unhex(t, f.Digest), Key: unhex(t, f.EncryptionKey), XAttrs: got.XAttrs,
	}
}

func TestVectors(t *testing.T) {
	var enc mbfile.Encoder
	for _, v := range load(t, "mbfile.json") {
		want := v.file(t)
		got, err := mbfile.Decode(unhex(t, v.Blob))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read %+v, %v, want %+v", v.Name, got, err, want)
		}
		blob := enc.Append(nil, &want)
		if !bytes.Equal(blob, unhex(t, v.Blob)) {
			t.Errorf("%s: wrote\n%x, want\n%s", v.Name, blob, v.Blob)
		}
		if id := mbfile.ID(v.Domain, want.Path); v.FileID != "" && id != v.FileID {
			t.Errorf("%s: ID %s, want %s", v.Name, id, v.FileID)
		}
	}
}

func TestFileIDs(t *testing.T) {
	for _, v := range load(t, "fileid.json") {
		if id := mbfile.ID(v.Domain, v.RelativePath); id != v.FileID {
			t.Errorf("%s: %q-%q is %s, want %s", v.Name, v.Domain, v.RelativePath, id, v.FileID)
		}
	}
}

func TestUnusualFilesReadBack(t *testing.T) {
	var enc mbfile.Encoder
	long := string(bytes.Repeat([]byte("ä/"), 40_000))
	for _, f := range []mbfile.File{
		{Path: "日本語/🎈.txt", Mode: 0o100644, Size: -1, ModTime: -5, Inode: 1<<64 - 1, UID: -2},
		{Path: long, Target: long, XAttrs: bytes.Repeat([]byte{7}, 100_000)},
		{},
	} {
		got, err := mbfile.Decode(enc.Append(nil, &f))
		if err != nil || !reflect.DeepEqual(got, f) {
			t.Errorf("%.20q: %v", f.Path, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range load(f, "mbfile.json") {
		f.Add(unhex(f, v.Blob))
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		file, err := mbfile.Decode(blob)
		if err != nil {
			return
		}
		var enc mbfile.Encoder
		if again, err := mbfile.Decode(enc.Append(nil, &file)); err != nil || !reflect.DeepEqual(again, file) {
			t.Errorf("%+v is written as %+v, %v", file, again, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	v := load(b, "mbfile.json")[0]
	file := v.file(b)
	var enc mbfile.Encoder
	var blob []byte
	b.ReportAllocs()
	for b.Loop() {
		blob = enc.Append(blob[:0], &file)
	}
}

func BenchmarkDecode(b *testing.B) {
	blob := unhex(b, load(b, "mbfile.json")[0].Blob)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mbfile.Decode(blob); err != nil {
			b.Fatal(err)
		}
	}
}
