package conformance

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"russet/vphone/agent"
	"russet/vphone/disk"
)

// readable asks the independent readers whether an encrypted backup holds what
// the phone holds. Refusals must be of the kinds that are explained here.
func readable(t *testing.T, dir string, l *lab, password string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	want := contents(t, l)
	for _, library := range []string{"iphone_backup_decrypt", "pyiosbackup"} {
		got := readWith(t, library, filepath.Join(dir, l.udid()), password)
		for id, w := range want {
			answer, ok := got[id]
			why := explained(library, w)
			switch {
			case answer == w.sha256:
				counts[library]++
			case why == "":
				t.Errorf("%s reads %s-%s (%s) as %q (listed: %v), want %s", library, w.domain, w.path, id, answer, ok, w.sha256)
			}
		}
		if counts[library] < len(want)*8/10 {
			t.Errorf("%s agrees on only %d of %d files", library, counts[library], len(want))
		}
	}
	return counts
}

// explained says why a reader is not expected to agree about a file.
func explained(library string, f phoneFile) string {
	switch {
	case f.dataless:
		return "only in iCloud: 0 bytes stored, which neither reader expects"
	case f.class == 7:
		return "class 7 is written as 17; both readers take ProtectionClass for the class"
	case f.size == 0:
		return "empty files are one padding block, which neither reader expects"
	case f.scanSize != f.size && library == "iphone_backup_decrypt":
		return "iphone_backup_decrypt insists on Size, which is not the stored length of databases"
	case library == "iphone_backup_decrypt" && strings.ContainsAny(f.path, "%_"):
		return "it looks names up with LIKE"
	}
	return ""
}

// phoneFile is one file on the phone that a backup should hold.
type phoneFile struct {
	domain, path, sha256 string
	size, scanSize       int64
	class                uint8
	dataless             bool
}

// contents hashes every file on the phone, by file ID.
func contents(t *testing.T, l *lab) map[string]phoneFile {
	t.Helper()
	files := map[string]phoneFile{}
	flash := l.phone.Disk()
	err := flash.Walk(func(e *disk.Entry) error {
		if e.Kind != disk.File {
			return nil
		}
		r, err := flash.Open(e.Domain, e.Path)
		if err != nil {
			return err
		}
		defer r.Close()
		h := sha256.New()
		n, err := io.Copy(h, r)
		if err != nil {
			return err
		}
		f := phoneFile{
			domain: e.Domain, path: e.Path, sha256: hex.EncodeToString(h.Sum(nil)),
			size: n, scanSize: n, class: e.Class,
		}
		if e.ScanSize != 0 {
			f.scanSize = e.ScanSize
		}
		f.dataless = n == 0 && f.scanSize > 0
		files[fileID(e.Domain, e.Path)] = f
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readWith(t *testing.T, library, dir, password string) map[string]string {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), python(t), "testdata/read_backup.py", library, dir)
	cmd.Stdin, cmd.Stderr = strings.NewReader(password+"\n"), &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s cannot open the backup: %v\n%s", library, err, clip(errs.String()))
	}
	answers := map[string]string{}
	for line := range strings.Lines(string(out)) {
		id, answer, _ := strings.Cut(strings.TrimSpace(line), " ")
		answers[id] = answer
	}
	return answers
}

// TestRealRounds has a phone protect its backup with as many rounds as real
// ones do, and russet and the readers open it.
func TestRealRounds(t *testing.T) {
	t.Parallel()
	need(t, "idevicepair", "idevicebackup2")
	l := newLab(t, 61, false)
	l.phone.Faults().Update(func(c *agent.Config) { c.Rounds = [2]int{} })
	if err := l.phone.SetBackupPassword("pass"); err != nil {
		t.Fatal(err)
	}
	store := l.store(t)
	o := l.russet(t, "backup", l.udid())
	must(t, "russet backup", o, 0)
	for library, n := range readable(t, store, l, "pass") {
		record(t, "C", library, "read our folder, 10,000,000 rounds", outcome{}, fmt.Sprintf("%d of %d files equal", n, len(contents(t, l))))
	}
	if rows := manifest(t, filepath.Join(store, l.udid()), "pass"); len(rows) == 0 {
		t.Error("no rows")
	}
}
