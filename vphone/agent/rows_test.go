package agent_test

import (
	"bytes"
	"crypto/sha1"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"russet/vphone/agent/internal/manifest"
	"russet/vphone/agent/internal/mbfile"
	"russet/vphone/disk"
)

// rows reads the rows of an unencrypted backup.
func rows(t *testing.T, h *host) map[string]mbfile.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Manifest.db")
	if err := os.WriteFile(path, h.root.find(udid+"/Manifest.db").data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := manifest.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string]mbfile.File{}
	err = db.Each(0, manifest.AsWritten, func(r *manifest.Row) error {
		f, err := mbfile.Decode(r.Blob)
		out[r.Domain+"/"+r.Path] = f
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatRowsSay(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.put("HomeDomain", "Library/sms.db", "compacted", func(e *disk.Entry) { e.ScanSize = 4096 })
	p.put("CameraRollDomain", "Media/IMG_1.HEIC", "photo", func(e *disk.Entry) { e.Inode, e.Flags = 1<<60, 128 })
	p.put("CameraRollDomain", "Media/IMG_2.HEIC", "photo", func(e *disk.Entry) {
		e.XAttrs = map[string][]byte{"big": bytes.Repeat([]byte{1}, 3000)}
	})
	p.put("HomeDomain", "Library", "", func(e *disk.Entry) { e.Kind, e.Mode, e.Class = disk.Dir, 0o40755, 0 })
	backup(t, p, h)
	got := rows(t, h)
	if len(got) != countAll(t, p) {
		t.Errorf("%d rows, want one for each of %d entries", len(got), countAll(t, p))
	}
	sms := got["HomeDomain/Library/sms.db"]
	digest := sha1.Sum([]byte("compacted"))
	if sms.Size != 4096 || !bytes.Equal(sms.Digest, digest[:]) || sms.Key != nil || sms.ModTime != 1_700_000_000 || sms.Mode != 0o100644 {
		t.Errorf("a database: %+v", sms)
	}
	photo := got["CameraRollDomain/Media/IMG_1.HEIC"]
	if photo.Size != 5 || photo.Digest != nil || photo.Inode != 1<<60 || photo.Flags != 128 {
		t.Errorf("a photo: %+v", photo)
	}
	if got["CameraRollDomain/Media/IMG_2.HEIC"].XAttrs != nil {
		t.Error("attributes above 2048 bytes were kept")
	}
	if dir := got["HomeDomain/Library"]; dir.Mode != 0o40755 || dir.Size != 0 {
		t.Errorf("a directory: %+v", dir)
	}
}

func countAll(t *testing.T, p *phone) int {
	t.Helper()
	return len(contents(t, p, nil))
}

// TestDataless: of a file that is only in iCloud nothing is stored, but its
// size and, if encrypted, its key are known.
func TestDataless(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.put("HomeDomain", "Library/placeholder", "", func(e *disk.Entry) { e.ScanSize = 1000 })
	p.put("HomeDomain", "Library/cloud.mov", strings.Repeat("x", 1000), func(e *disk.Entry) { e.Flags = 0x40000000 | 128 })
	backup(t, p, h)
	row := rows(t, h)["HomeDomain/Library/cloud.mov"]
	if row.Size != 1000 || row.Flags != 128 {
		t.Errorf("%+v", row)
	}
	p.password = "secret"
	backup(t, p, h)
	for _, name := range []string{"HomeDomain-Library/cloud.mov", "HomeDomain-Library/placeholder"} {
		id := idOf(name)
		if n := len(h.root.find(udid + "/" + id[:2] + "/" + id).data); n != 0 {
			t.Errorf("%s: %d bytes were stored", name, n)
		}
	}
	if e, err := restored(t, h, "secret").disk.Lookup("HomeDomain", "Library/cloud.mov"); err != nil || e.Size != 0 {
		t.Errorf("restored: %+v, %v", e, err)
	}
}

// TestFileLostBeforeTheEnd: the verification walk misses it, and the next run
// makes the backup anew.
func TestFileLostBeforeTheEnd(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(10)
	h.stop = func(message string, args []any) bool {
		if message == "DLContentsOfDirectory" && args[0] == udid {
			removeOne(h.root.find(udid))
		}
		return false
	}
	response := want(t, p, h, map[string]any{"MessageName": "Backup", "TargetIdentifier": udid}, 205)
	if text, _ := response["ErrorDescription"].(string); !strings.HasPrefix(text, "Manifest references files not in backup") {
		t.Error(text)
	}
	h.stop = nil
	backup(t, p, h)
	check(t, p, h)
}

func TestStrictEmptyManifest(t *testing.T) {
	p, h := backedUp(t, "")
	set(t, p, "strict-empty", "on")
	h.root.find(udid + "/Manifest.plist").data = nil
	want(t, p, h, map[string]any{"MessageName": "Backup", "TargetIdentifier": udid}, 205)
}
