package mobilesync_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	howett "howett.net/plist"

	"russet/mobilesync"
)

type mbfileVector struct {
	Name, Domain, Blob, FileID string
	Fields                     map[string]any
}

func (v *mbfileVector) blob(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(v.Blob)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mbfileVectors(t testing.TB) []mbfileVector {
	t.Helper()
	var v struct{ Cases []json.RawMessage }
	loadJSON(t, "mbfile.json", &v)
	out := make([]mbfileVector, len(v.Cases))
	for i, c := range v.Cases {
		d := json.NewDecoder(strings.NewReader(string(c)))
		d.UseNumber() // an inode number exceeds what a float can hold
		if err := d.Decode(&out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// fields is a record in the words of the vectors.
func fields(m *mobilesync.MBFile) map[string]any {
	out := map[string]any{"RelativePath": m.RelativePath}
	for key, n := range map[string]int64{
		"LastStatusChange": m.Changed, "Birth": m.Born, "Size": m.Size, "Mode": int64(m.Mode), "UserID": m.UserID,
		"GroupID": m.GroupID, "ProtectionClass": m.ProtectionClass, "Flags": m.Flags, "InodeNumber": int64(m.Inode),
	} {
		out[key] = json.Number(fmt.Sprint(n))
	}
	if m.HasModified {
		out["LastModified"] = json.Number(fmt.Sprint(m.Modified))
	}
	if m.Target != "" {
		out["Target"] = m.Target
	}
	for key, b := range map[string][]byte{
		"Digest": m.Digest, "EncryptionKey": m.EncryptionKey, "ExtendedAttributes": m.ExtendedAttributes,
	} {
		if b != nil {
			out[key] = hex.EncodeToString(b)
		}
	}
	return out
}

func TestEveryMBFile(t *testing.T) {
	for _, v := range mbfileVectors(t) {
		m, err := mobilesync.ParseMBFile(v.blob(t))
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if got := fields(&m); !reflect.DeepEqual(got, v.Fields) {
			t.Errorf("%s:\ngot  %v\nwant %v", v.Name, got, v.Fields)
		}
		if id := mobilesync.FileIDOf(v.Domain, m.RelativePath); id.String() != v.FileID {
			t.Errorf("%s: ID %v, want %s", v.Name, id, v.FileID)
		}
		again, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if m2, err := mobilesync.ParseMBFile(again); err != nil || !reflect.DeepEqual(m, m2) {
			t.Errorf("%s: archived again it reads %+v, %v", v.Name, m2, err)
		}
		compareWithOracle(t, v.blob(t), &m)
		compareWithOracle(t, again, &m)
	}
}

// compareWithOracle decodes the whole archive with another reader and follows
// its references.
func compareWithOracle(t *testing.T, blob []byte, m *mobilesync.MBFile) {
	t.Helper()
	var archive struct {
		Top     map[string]howett.UID `plist:"$top"`
		Objects []any                 `plist:"$objects"`
	}
	if _, err := howett.Unmarshal(blob, &archive); err != nil {
		t.Fatalf("another reader: %v", err)
	}
	root := archive.Objects[archive.Top["root"]].(map[string]any)
	want := map[string]any{}
	for key, v := range root {
		switch v := v.(type) {
		case howett.UID:
			if key == "$class" {
				continue
			}
			o := archive.Objects[v]
			if wrapper, ok := o.(map[string]any); ok {
				o = wrapper["NS.data"]
			}
			if b, ok := o.([]byte); ok {
				o = hex.EncodeToString(b)
			}
			want[key] = o
		default:
			want[key] = json.Number(fmt.Sprint(v))
		}
	}
	if got := fields(m); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestExtendedAttributes(t *testing.T) {
	for _, v := range mbfileVectors(t) {
		m, err := mobilesync.ParseMBFile(v.blob(t))
		if err != nil {
			t.Fatal(err)
		}
		attrs, err := m.Attributes()
		if err != nil || (len(attrs) > 0) != (v.Fields["ExtendedAttributes"] != nil) {
			t.Errorf("%s: %v, %v", v.Name, attrs, err)
		}
	}
	bad := mobilesync.MBFile{ExtendedAttributes: []byte("junk")}
	if _, err := bad.Attributes(); err == nil {
		t.Error("junk was read as attributes")
	}
}

func TestWhatIsNoMBFile(t *testing.T) {
	v := mbfileVectors(t)[0]
	blob := string(v.blob(t))
	for name, in := range map[string]string{
		"empty":          "",
		"XML":            "<plist><dict/></plist>",
		"cut":            blob[:len(blob)-1],
		"no objects":     strings.Replace(blob, "$objects", "$obiects", 1),
		"no top":         strings.Replace(blob, "$top", "$tip", 1),
		"no root":        strings.Replace(blob, "Troot", "Troop", 1),
		"root elsewhere": strings.Replace(blob, "Troot\x80\x01", "Troot\x80\x00", 1),
		"root beyond":    strings.Replace(blob, "Troot\x80\x01", "Troot\x80\xff", 1),
		"root a string":  strings.Replace(blob, "Troot\x80\x01", "Troot\x80\x02", 1),
	} {
		if in == blob {
			t.Errorf("%s: the test changes nothing", name)
		}
		if m, err := mobilesync.ParseMBFile([]byte(in)); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestFileIDs(t *testing.T) {
	var v struct {
		Cases []struct{ Domain, RelativePath, FileID, Blob string }
	}
	loadJSON(t, "fileid.json", &v)
	for _, c := range v.Cases {
		id := mobilesync.FileIDOf(c.Domain, c.RelativePath)
		if id.String() != c.FileID || id.Name() != c.Blob {
			t.Errorf("%s-%s: %v", c.Domain, c.RelativePath, id)
		}
		if back, err := mobilesync.ParseFileID(c.FileID); err != nil || back != id {
			t.Errorf("%s reads as %v, %v", c.FileID, back, err)
		}
		if text, err := json.Marshal(id); err != nil || string(text) != `"`+c.FileID+`"` {
			t.Errorf("JSON %s, %v", text, err)
		}
	}
	for _, bad := range []string{"", "3d", strings.Repeat("g", 40), strings.Repeat("0", 41)} {
		if _, err := mobilesync.ParseFileID(bad); err == nil {
			t.Errorf("%q is an ID", bad)
		}
	}
}

func FuzzMBFile(f *testing.F) {
	for _, v := range mbfileVectors(f) {
		f.Add(v.blob(f))
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		m, err := mobilesync.ParseMBFile(blob)
		if err != nil {
			return
		}
		if _, err := m.Attributes(); err != nil {
			m.ExtendedAttributes = nil
		}
		again, err := m.Marshal()
		if err != nil {
			return // a path that is not UTF-8
		}
		m2, err := mobilesync.ParseMBFile(again)
		if err != nil || !reflect.DeepEqual(m, m2) {
			t.Errorf("%+v reads back as %+v, %v", m, m2, err)
		}
	})
}

func BenchmarkMBFile(b *testing.B) {
	blob := mbfileVectors(b)[0].blob(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mobilesync.ParseMBFile(blob); err != nil {
			b.Fatal(err)
		}
	}
}
