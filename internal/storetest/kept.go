package storetest

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing/fstest"

	"russet"
)

// refused commits a damaged run and checks that nothing else is harmed.
func refused(t *T, before Folder, d russet.Draft, doing string) {
	t.Helper()
	_, err := d.Commit(t.Context())
	t.kind(err, russet.Damaged, doing)
	all := t.list()
	if len(all) != 1 || all[0].Problem != "" {
		t.Fatalf("after %s the store has %+v", doing, all)
	}
	t.has(all[0].ID, before)
}

func incomplete(t *T) {
	one, two := Day(t, 1), Day(t, 2)
	t.backup(one)
	spoil := func() russet.Draft {
		d := t.begin(russet.BeginOptions{})
		if d.Resumed() {
			t.Error("a draft that failed the check is offered again")
		}
		t.play(d, two)
		t.must(d.Remove(string(Device) + "/" + two.payloads()[1]))
		return d
	}
	d := spoil()
	if d.Base() == nil {
		t.Error("the first run has no base")
	}
	refused(t, one, d, "a run with a missing payload")
	drafts, err := t.Store.Drafts(t.Context(), "")
	t.must(err)
	if len(drafts) != 1 || drafts[0].Problem == "" {
		t.Errorf("the draft that was refused is listed as %+v", drafts)
	}
	d = spoil()
	if d.Base() == nil {
		t.Error("the run after a failed one has no base")
	}
	refused(t, one, d, "a second such run")
	d = t.begin(russet.BeginOptions{})
	if d.Base() != nil {
		t.Error("after two failed checks the device is offered the same base")
	}
	t.play(d, two)
	b := t.commit(d)
	t.has(b.ID, two)
	t.only(b.ID)
}

func wrongDigest(t *T) {
	one, two := Day(t, 1), Day(t, 2)
	t.backup(one)
	for name, data := range two {
		if data == days[1]["HomeDomain/Library/SMS/sms.db"] {
			two[name] = strings.ToUpper(data)
		}
	}
	d := t.begin(russet.BeginOptions{})
	t.play(d, two)
	refused(t, one, d, "a run with a payload that is not its digest")
}

func sameButForCase(t *T) {
	one := Day(t, 1)
	t.backup(one)
	for _, name := range []string{"status.plist", "INFO.PLIST"} {
		d := t.begin(russet.BeginOptions{})
		t.play(d, Day(t, 2))
		t.must(write(d, string(Device)+"/"+name, "x"))
		refused(t, one, d, "a run with "+name)
	}
}

func archive(t *T) {
	ctx := t.Context()
	one, two := Day(t, 1), Day(t, 2)
	a := t.backup(one)
	kept, err := t.Store.Archive(ctx, a.ID, "before the beta")
	t.must(err)
	if kept.ID != a.ID || !kept.Archived || kept.Note != "before the beta" {
		t.Errorf("archived it is %+v", kept)
	}
	t.only(a.ID)
	t.kind(t.Store.Delete(ctx, a.ID), russet.Usage, "delete an archived backup")
	d := t.begin(russet.BeginOptions{})
	if d.Base() == nil {
		t.Error("after archiving there is no base")
	}
	t.play(d, two)
	b := t.commit(d)
	t.only(a.ID, b.ID)
	t.Reopen()
	t.has(a.ID, one)
	t.has(b.ID, two)
	if all := t.list(); !all[0].Archived || all[0].Note != "before the beta" || all[1].Archived || all[1].Note != "" {
		t.Errorf("the store lists %+v", all)
	}
	back, err := t.Store.Unarchive(ctx, a.ID)
	if err != nil || back.Archived || back.ID != a.ID {
		t.Errorf("unarchived it is %+v, %v", back, err)
	}
	t.has(a.ID, one)
	t.must(t.Store.Delete(ctx, a.ID))
	t.only(b.ID)
	t.has(b.ID, two)
	t.must(t.Store.Delete(ctx, b.ID))
	t.only()
	for what, err := range map[string]error{
		"delete": t.Store.Delete(ctx, b.ID),
		"open":   func() error { _, err := t.Store.Open(ctx, "../../x"); return err }(),
	} {
		if t.kind(err, russet.Usage, what+" what is not there"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s what is not there: %v", what, err)
		}
	}
}

// archiveTwice: an archived backup is archived again with another note, and
// deleted before the next run; the base of that run stays.
func archiveTwice(t *T) {
	ctx := t.Context()
	one := Day(t, 1)
	a := t.backup(one)
	for _, note := range []string{"first", "second"} {
		b, err := t.Store.Archive(ctx, a.ID, note)
		if err != nil || b.Note != note {
			t.Errorf("archived as %+v, %v", b, err)
		}
	}
	_, err := t.Store.Unarchive(ctx, a.ID)
	t.must(err)
	t.must(t.Store.Delete(ctx, a.ID))
	for _, b := range t.list() {
		if b.ID == a.ID {
			t.Error("a deleted backup is listed")
		}
		t.has(b.ID, one)
	}
	two := Day(t, 2)
	b := t.backup(two)
	t.has(b.ID, two)
	t.only(b.ID)
}

func deleteOpen(t *T) {
	one := Day(t, 1)
	b := t.backup(one)
	c, err := t.Store.Open(t.Context(), b.ID)
	t.must(err)
	t.kind(t.Store.Delete(t.Context(), b.ID), russet.Busy, "delete a backup that is open")
	t.must(c.Close())
	d := t.begin(russet.BeginOptions{})
	t.kind(t.Store.Delete(t.Context(), b.ID), russet.Busy, "delete the base of a draft")
	t.must(d.Suspend(t.Context()))
	drafts, err := t.Store.Drafts(t.Context(), Device)
	t.must(err)
	t.must(t.Store.Delete(t.Context(), drafts[0].ID))
	t.only(b.ID)
	t.must(t.Store.Delete(t.Context(), b.ID))
	t.only()
}

func readWhileCommitting(t *T) {
	one, two := Day(t, 1), Day(t, 2)
	a := t.backup(one)
	c, err := t.Store.Open(t.Context(), a.ID)
	t.must(err)
	defer c.Close()
	d := t.begin(russet.BeginOptions{})
	t.play(d, two)
	b, err := d.Commit(t.Context())
	if russet.KindOf(err) == russet.Busy {
		// A store that cannot keep both waits until nobody reads.
		if diff := differ(Read(t, c.Folder()), one); diff != "" {
			t.Errorf("the backup being read: %s", diff)
		}
		t.must(c.Close())
		t.Reopen()
		b = t.list()[0]
	} else {
		t.must(err)
		if diff := differ(Read(t, c.Folder()), one); diff != "" {
			t.Errorf("the backup being read: %s", diff)
		}
		t.must(c.Close())
	}
	t.has(b.ID, two)
	t.only(b.ID)
}

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
		opts := russet.ImportOptions{Note: "old", Passwords: passwords, Progress: func(n int, _ int64) { files = n }}
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
	t.has(t.list()[0].ID, one)
	t.Reopen()
	b := t.list()[0]
	t.has(b.ID, two)
	t.only(b.ID)
}
