package conformance

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// indexLine is a line of a version's index, as docs/formats/vault.md has it.
// It is written down here once more on purpose: get-files.py must not depend
// on what russet's own code thinks.
type indexLine struct {
	Name    string `json:"name"`
	Domain  string `json:"domain,omitempty"`
	Path    string `json:"path,omitempty"`
	Size    int    `json:"size"`
	Stored  int    `json:"stored"`
	Sum     string `json:"sha256"`
	Content string `json:"content,omitempty"`
	Rebuild string `json:"rebuild,omitempty"`
	Key     string `json:"key,omitempty"`
	Why     string `json:"why,omitempty"`
}

// restoredTree is a made-up result of `kopia restore`.
type restoredTree struct {
	dir   string
	lines map[string][]any // by shard
}

func sha(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

var fileKey = bytes.Repeat([]byte{0x5a}, 32)

func encryptCBC(t *testing.T, content []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(fileKey)
	if err != nil {
		t.Fatal(err)
	}
	fill := aes.BlockSize - len(content)%aes.BlockSize
	out := append(bytes.Clone(content), bytes.Repeat([]byte{byte(fill)}, fill)...)
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(out, out)
	return out
}

// put writes a file and its line. lie changes the line first.
func (r *restoredTree) put(t *testing.T, line indexLine, inTree, stored []byte, lie func(*indexLine)) {
	t.Helper()
	line.Size, line.Stored, line.Sum = len(inTree), len(stored), sha(stored)
	if !bytes.Equal(inTree, stored) {
		line.Content = sha(inTree)
	}
	r.write(t, line.Name, inTree)
	if lie != nil {
		lie(&line)
	}
	shard, _, ok := strings.Cut(line.Name, "/")
	if !ok || len(shard) != 2 {
		shard = "other"
	}
	r.lines[shard] = append(r.lines[shard], line)
}

func (r *restoredTree) write(t *testing.T, name string, data []byte) {
	t.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// finish writes the index.
func (r *restoredTree) finish(t *testing.T) {
	t.Helper()
	for shard, lines := range r.lines {
		var b bytes.Buffer
		for _, line := range lines {
			if raw, ok := line.(string); ok {
				b.WriteString(raw + "\n")
			} else if err := json.NewEncoder(&b).Encode(line); err != nil {
				t.Fatal(err)
			}
		}
		r.write(t, "russet/index/"+shard, b.Bytes())
	}
}

const treeUDID = "00008101-000123456789ABCD"

// newTree has one file of each kind that a vault can hold.
func newTree(t *testing.T) (tree *restoredTree, files, backup map[string][]byte) {
	t.Helper()
	tree = &restoredTree{dir: t.TempDir(), lines: map[string][]any{}}
	files, backup = map[string][]byte{}, map[string][]byte{}
	add := func(line indexLine, inTree, stored, mine []byte) {
		t.Helper()
		if line.Domain != "" {
			line.Name = fileID(line.Domain, line.Path)
			line.Name = line.Name[:2] + "/" + line.Name
		}
		tree.put(t, line, inTree, stored, nil)
		backup[line.Name] = stored
		if mine != nil {
			files[line.Domain+"/"+line.Path] = mine
		}
	}
	key := hex.EncodeToString(fileKey)
	long := bytes.Repeat([]byte("All happy families are alike. "), 100_000)
	add(indexLine{Domain: "CameraRollDomain", Path: "Media/DCIM/100APPLE/IMG_0001.JPG"}, []byte("plain photo"), []byte("plain photo"), []byte("plain photo"))
	add(indexLine{Domain: "HomeDomain", Path: "Library/SMS/sms.db", Rebuild: "cbc", Key: key}, long, encryptCBC(t, long), long)
	add(indexLine{Domain: "HomeDomain", Path: "a/16 bytes", Rebuild: "cbc", Key: key}, long[:16], encryptCBC(t, long[:16]), long[:16])
	add(indexLine{Domain: "HomeDomain", Path: "a/nothing", Rebuild: "cbc", Key: key}, nil, encryptCBC(t, nil), []byte{})
	add(indexLine{Domain: "HomeDomain", Path: "kept, but its key is known", Key: key, Why: "pending"}, encryptCBC(t, long), encryptCBC(t, long), long)
	add(indexLine{Domain: "HomeDomain", Path: "in iCloud", Why: "dataless"}, nil, nil, nil)
	for _, name := range []string{"Status.plist", "Manifest.plist"} {
		add(indexLine{Name: name}, []byte(name), []byte(name), nil)
	}
	info := []byte(`<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>Target Identifier</key><string>` + treeUDID + `</string></dict></plist>`)
	add(indexLine{Name: "Info.plist"}, info, info, nil)
	add(indexLine{Name: "Manifest.db", Rebuild: "cbc", Key: key}, long[:4096], encryptCBC(t, long[:4096]), nil)
	tree.write(t, "russet/README.txt", []byte("not a file of the backup"))
	return tree, files, backup
}

// getFiles runs docs/recovery/get-files.py in an empty home.
func getFiles(t *testing.T, alone bool, args ...string) outcome {
	return getFilesBy(t, "../docs/recovery/get-files.py", alone, args...)
}

func getFilesBy(t *testing.T, script string, alone bool, args ...string) outcome {
	t.Helper()
	need(t, "openssl")
	l := &lab{home: t.TempDir(), addr: "127.0.0.1:9"}
	args = append([]string{script}, args...)
	if alone {
		args = append([]string{"-S"}, args...) // without any package
	}
	return l.run(t, python(t), args...)
}

func equalTree(t *testing.T, dir string, want map[string][]byte) {
	t.Helper()
	for name, size := range tree(t, dir) {
		data, ok := want[name]
		switch {
		case size < 0:
		case !ok:
			t.Errorf("%q was written", name)
		default:
			got, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, data) {
				t.Errorf("%q holds %d bytes, want %d others", name, len(got), len(data))
			}
		}
	}
	for name := range want {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%q was not written", name)
		}
	}
}

// TestGetFiles has the recovery script take made-up trees apart.
func TestGetFiles(t *testing.T) {
	t.Parallel()
	for name, alone := range map[string]bool{"with the package cryptography": false, "with openssl": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, files, backup := newTree(t)
			tree.finish(t)
			out := filepath.Join(t.TempDir(), "files")
			must(t, "get-files", getFiles(t, alone, tree.dir, out), 0, "5 files written", "1 only in iCloud")
			equalTree(t, out, files)

			parent := filepath.Join(t.TempDir(), "backup")
			must(t, "get-files --rebuild", getFiles(t, alone, "--rebuild", tree.dir, parent), 0, "10 files written")
			equalTree(t, filepath.Join(parent, treeUDID), backup)

			must(t, "get-files into a full folder", getFiles(t, alone, tree.dir, out), 1, "is not empty")
		})
	}
}

// TestGetFilesDoubts has it take damaged and hostile trees apart: what is good
// is written, the rest named.
func TestGetFilesDoubts(t *testing.T) {
	t.Parallel()
	const photo = "CameraRollDomain/Media/DCIM/100APPLE/IMG_0001.JPG"
	for name, doubt := range map[string]struct {
		spoil func(*testing.T, *restoredTree)
		exit  int
		says  string
	}{
		"no key": {func(t *testing.T, r *restoredTree) {
			r.put(t, indexLine{Name: "aa/aa00", Domain: "HomeDomain", Path: "shut", Why: "no password"}, []byte("?"), []byte("?"), nil)
		}, 3, "not decrypted: HomeDomain/shut: no password"},
		"other bytes": {func(t *testing.T, r *restoredTree) {
			r.put(t, indexLine{Name: "aa/aa00", Domain: "HomeDomain", Path: "rot"}, []byte("rotten"), []byte("rotten"), nil)
			r.write(t, "aa/aa00", []byte("rotteN"))
		}, 1, "(HomeDomain/rot): its checksum does not agree"},
		"a missing file": {func(t *testing.T, r *restoredTree) {
			r.put(t, indexLine{Name: "aa/aa00", Domain: "HomeDomain", Path: "gone"}, []byte("x"), []byte("x"), nil)
			_ = os.Remove(filepath.Join(r.dir, "aa/aa00"))
		}, 1, "(HomeDomain/gone): No such file"},
		"a file without a line": {func(t *testing.T, r *restoredTree) {
			r.write(t, "aa/aa00", []byte("x"))
		}, 1, "aa/aa00 is not in the index"},
		"a path that climbs out": {func(t *testing.T, r *restoredTree) {
			r.put(t, indexLine{Name: "aa/aa00", Domain: "HomeDomain", Path: "../../../climbed"}, []byte("x"), []byte("x"), nil)
		}, 1, "would leave its folder"},
		"a domain that climbs out": {func(t *testing.T, r *restoredTree) {
			r.put(t, indexLine{Name: "aa/aa00", Domain: "..", Path: "climbed"}, []byte("x"), []byte("x"), nil)
		}, 1, "would leave its folder"},
		"an absolute path": {func(t *testing.T, r *restoredTree) {
			r.put(t, indexLine{Name: "aa/aa00", Domain: "HomeDomain", Path: "/tmp/climbed"}, []byte("x"), []byte("x"), nil)
		}, 1, "would leave its folder"},
		"a name that climbs out": {func(t *testing.T, r *restoredTree) {
			r.put(t, indexLine{Name: "aa/aa00", Domain: "HomeDomain", Path: "x"}, []byte("x"), []byte("x"), func(l *indexLine) { l.Name = "aa/../../climbed" })
		}, 1, "makes no sense"},
		"a name of two files": {func(t *testing.T, r *restoredTree) {
			r.put(t, indexLine{Name: "aa/aa00", Domain: "CameraRollDomain", Path: "Media/DCIM/100APPLE/IMG_0001.JPG/x"}, []byte("x"), []byte("x"), nil)
		}, 1, "not written: aa/aa00"},
		"no JSON": {func(_ *testing.T, r *restoredTree) {
			r.lines["aa"] = []any{`["name"]`, `{`, strings.Repeat("[", 60_000), strings.Repeat("x", 70_000)}
		}, 1, "makes no sense"},
		"a short key": {func(t *testing.T, r *restoredTree) {
			r.put(t, indexLine{Name: "aa/aa00", Domain: "HomeDomain", Path: "x", Why: "pending", Key: "00"}, []byte("x"), []byte("x"), nil)
		}, 1, "not written: aa/aa00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, files, _ := newTree(t)
			doubt.spoil(t, tree)
			tree.finish(t)
			dir := t.TempDir()
			o := getFiles(t, false, tree.dir, filepath.Join(dir, "a", "files"))
			must(t, "get-files", o, doubt.exit, doubt.says)
			if strings.Contains(o.text, "Traceback") {
				t.Errorf("the script broke:\n%s", clip(o.text))
			}
			if got, err := os.ReadFile(filepath.Join(dir, "a", "files", photo)); err != nil && name != "a name of two files" || err == nil && !bytes.Equal(got, files[photo]) {
				t.Errorf("the good files were not written: %v", err)
			}
			if found, err := filepath.Glob(filepath.Join(dir, "climbed")); err != nil || len(found) > 0 {
				t.Error("a file was written outside")
			}
		})
	}
}
