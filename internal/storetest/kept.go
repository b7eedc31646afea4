package storetest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

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

func tooDeep(t *T) {
	one := Day(t, 1)
	t.backup(one)
	d := t.begin(russet.BeginOptions{})
	t.play(d, Day(t, 2))
	t.must(d.Mkdir(string(Device) + strings.Repeat("/a", 1500)))
	refused(t, one, d, "a run with folders nested too deeply")
}

func copyBomb(t *T) {
	one := Day(t, 1)
	t.backup(one)
	d := t.begin(russet.BeginOptions{})
	t.play(d, Day(t, 2))
	u := string(Device) + "/"
	t.must(write(d, u+"c/file", "x"))
	for i := range 11 { // each doubles what is in c
		other := fmt.Sprintf("%sx%d", u, i)
		t.must(d.Copy(u+"c", other))
		t.must(d.Rename(other, u+"c/"+fmt.Sprint(i)))
	}
	refused(t, one, d, "a run with thousands of copies")
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
		b = t.last()
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
