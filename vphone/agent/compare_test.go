package agent_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"testing"

	"russet/vphone/agent"
	"russet/vphone/disk"
)

// contents describes every entry of a phone in a line.
func contents(t testing.TB, p *phone, keep func(*disk.Entry) bool) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := p.disk.Walk(func(e *disk.Entry) error {
		if keep != nil && !keep(e) {
			return nil
		}
		var sum [sha256.Size]byte
		if e.Kind == disk.File {
			r, err := p.disk.Open(e.Domain, e.Path)
			if err != nil {
				return err
			}
			defer r.Close()
			b, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			sum = sha256.Sum256(b)
		}
		out[e.Domain+"/"+e.Path] = fmt.Sprintf("%d %o %d:%d %d %d %d %d %q %v %x", e.Kind, e.Mode, e.UID, e.GID,
			e.ModTime.Unix(), e.Birth.Unix(), e.Class, e.Flags, e.Target, e.XAttrs, sum[:4])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// differ reports where two phones differ.
func differ(t testing.TB, got, want map[string]string) {
	t.Helper()
	for name, w := range want {
		if g, ok := got[name]; !ok {
			t.Errorf("%q is missing", name)
		} else if g != w {
			t.Errorf("%q is %.120s, want %.120s", name, g, w)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%q is too much", name)
		}
	}
}

// restored restores a host's backup onto a blank phone.
func restored(t testing.TB, h *host, password string) *phone {
	t.Helper()
	p := newPhone(t)
	o := map[string]any{"RestoreDontCopyBackup": true, "RestoreShouldReboot": false}
	if password != "" {
		o["Password"] = password
	}
	want(t, p, h, restoreCommand(o), 0)
	return p
}

func restoreCommand(options map[string]any) map[string]any {
	return map[string]any{
		"MessageName": "Restore", "TargetIdentifier": udid, "SourceIdentifier": udid, "Options": options,
	}
}

func plain(e *disk.Entry) bool { return !e.EncryptedOnly }

// check compares a backup with the phone it is of, by restoring it.
func check(t testing.TB, p *phone, h *host) {
	t.Helper()
	keep := plain
	if p.password != "" {
		keep = nil
	}
	differ(t, contents(t, restored(t, h, p.password), nil), contents(t, p, keep))
	if left := h.files(udid + "/Snapshot"); len(left) > 0 {
		t.Errorf("Snapshot still holds %d files", len(left))
	}
	if blobs, rows := len(h.files(udid))-3, countFiles(t, p, keep); blobs != rows {
		t.Errorf("the backup holds %d files, the phone %d", blobs, rows)
	}
}

func countFiles(t testing.TB, p *phone, keep func(*disk.Entry) bool) (n int) {
	t.Helper()
	err := p.disk.Walk(func(e *disk.Entry) error {
		if e.Kind == disk.File && (keep == nil || keep(e)) {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sentFiles is how many files of content a phone has sent since the counters
// were reset: without the plists and Manifest.db.
func sentFiles(p *phone) (n int) {
	for path, count := range p.faults.Counters().Paths {
		if len(path) > 40 && path[len(path)-41] == '/' {
			n += count.Times
		}
	}
	return n
}

func set(t testing.TB, p *phone, name, value string) {
	t.Helper()
	if err := p.faults.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

var _ agent.Phone = (*phone)(nil)
