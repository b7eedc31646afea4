package storetest

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing/fstest"

	"russet"
)

func mapFS(f Folder) fs.FS {
	m := fstest.MapFS{}
	for name, data := range f {
		m[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return m
}

func importing(t *T) {
	ctx := t.Context()
	for _, name := range []string{"plain", "encrypted"} {
		folder := mini(t, name)
		var files int
		opts := russet.ImportOptions{Archived: true, Note: "old", Passwords: passwords, Progress: func(n int, _ int64) { files = n }}
		b, err := t.Store.Import(ctx, mapFS(folder), opts)
		t.must(err)
		if b.Device != Device || !b.Archived || b.Note != "old" || b.Files != len(folder.payloads()) || files != b.Files ||
			b.Encrypted != (name == "encrypted") {
			t.Errorf("imported as %+v, with %d files told", b, files)
		}
		t.has(b.ID, folder)
		again, err := t.Store.Import(ctx, mapFS(folder), opts)
		if err != nil || again.ID != b.ID {
			t.Errorf("imported again it is %s, not %s: %v", again.ID, b.ID, err)
		}
		report, err := t.Store.Verify(ctx, b.ID, russet.VerifyOptions{Full: true, Passwords: passwords})
		if err != nil || len(report.Problems) > 0 {
			t.Errorf("verified: %+v, %v", report, err)
		}
	}
	one := Day(t, 1)
	b, err := t.Store.Import(ctx, mapFS(one), russet.ImportOptions{ID: "0123456789abcdef0123456789abcdef"})
	if err != nil || b.ID != "0123456789abcdef0123456789abcdef" {
		t.Errorf("imported with an identity: %+v, %v", b, err)
	}
	t.has(b.ID, one)
	if n := len(t.list()); n != 3 {
		t.Errorf("%d backups are there", n)
	}
	d := t.begin(russet.BeginOptions{})
	if d.Base() != nil {
		t.Error("an imported backup is offered to the device")
	}
	t.must(d.Discard(ctx))
}

func importBad(t *T) {
	for what, spoil := range map[string]func(Folder){
		"without Status.plist":    func(f Folder) { delete(f, "Status.plist") },
		"with an empty db":        func(f Folder) { f["Manifest.db"] = "" },
		"with a broken db":        func(f Folder) { f["Manifest.db"] = strings.Repeat("x", 8192) },
		"with a broken status":    func(f Folder) { f["Status.plist"] = "bplist00" },
		"with a missing file":     func(f Folder) { delete(f, f.payloads()[0]) },
		"that is not finished":    func(f Folder) { f["Status.plist"] = strings.Replace(f["Status.plist"], "finished", "removing", 1) },
		"that is of iOS 9":        func(f Folder) { clear(f); f["Manifest.mbdb"] = "mbdb" },
		"that is empty":           func(f Folder) { clear(f) },
		"being written by iTunes": func(f Folder) { delete(f, "Manifest.plist") },
	} {
		f := Day(t, 1)
		spoil(f)
		if _, err := t.Store.Import(t.Context(), mapFS(f), russet.ImportOptions{}); err == nil || russet.KindOf(err) == russet.Failed {
			t.Errorf("a backup %s: %v", what, err)
		}
	}
	t.only()
}

func verify(t *T) {
	a := t.backup(Day(t, 1))
	b := t.backup(Day(t, 2))
	if t.versions {
		t.must(t.Store.Delete(t.Context(), a.ID))
	}
	_, err := t.Store.Verify(t.Context(), a.ID, russet.VerifyOptions{})
	t.kind(err, russet.Usage, "verify a backup that is gone")
	for _, deep := range []bool{false, true} {
		var done int64
		report, err := t.Store.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: deep, Progress: func(n, _ int64) { done = n }})
		t.must(err)
		if len(report.Problems) > 0 || report.Backup.ID != b.ID || report.Full != deep || report.Files == 0 || report.Bytes != b.Size {
			t.Errorf("verified: %+v", report)
		}
		if deep && done != b.Size {
			t.Errorf("progress ended at %d of %d bytes", done, b.Size)
		}
		if (t.list()[0].Verified != nil) != deep {
			t.Errorf("verified %v, in full %v", t.list()[0].Verified, deep)
		}
	}
}

// encrypted: with the password everything is checked; without it, or with a
// wrong one, what the phone sends is kept all the same.
func encrypted(t *T) {
	to := mini(t, "encrypted")
	for _, password := range []string{Password, "", "wrong"} {
		pass := func(context.Context, russet.UDID) (string, error) { return password, nil }
		d := t.begin(russet.BeginOptions{Full: true, Passwords: pass})
		t.play(d, to)
		b := t.commit(d)
		if !b.Encrypted {
			t.Error("the backup is not said to be encrypted")
		}
		t.has(b.ID, to)
		report, err := t.Store.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true, Passwords: pass})
		locked := strings.Contains(strings.Join(report.Notes, "\n"), "password is not known")
		if err != nil || len(report.Problems) > 0 || locked != (password != Password) {
			t.Errorf("with password %q it verifies as %+v, %v", password, report, err)
		}
		t.must(t.Store.Delete(t.Context(), b.ID))
	}
	one := Day(t, 1)
	t.backup(one)
	d := t.begin(russet.BeginOptions{Passwords: passwords})
	lost := to.payloads()[0]
	t.play(d, to)
	t.must(d.Remove(string(Device) + "/" + lost))
	refused(t, one, d, "an encrypted run with a missing payload")
}

func repairNothing(t *T) {
	b := t.backup(Day(t, 1))
	did, err := t.Store.Repair(t.Context())
	if err != nil || len(did) > 0 {
		t.Errorf("repaired %v, %v", did, err)
	}
	t.only(b.ID)
}

// cancelled: a commit that is cancelled is finished by the next start.
func cancelled(t *T) {
	one, two := Day(t, 1), Day(t, 2)
	t.backup(one)
	d := t.begin(russet.BeginOptions{})
	t.play(d, two)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Commit(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled commit: %v", err)
	}
	t.has(t.last().ID, one)
	t.Reopen()
	b := t.last()
	t.has(b.ID, two)
	t.only(b.ID)
}
