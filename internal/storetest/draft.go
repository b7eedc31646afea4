package storetest

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"russet"
)

// errUnplugged ends a run in the middle.
var errUnplugged = errors.New("unplugged")

// unplug is a draft whose device goes away after some requests.
type unplug struct {
	russet.Draft
	left int
}

func (u *unplug) Rename(from, to string) error {
	if u.left--; u.left < 0 {
		return errUnplugged
	}
	return u.Draft.Rename(from, to)
}

func (u *unplug) Mkdir(name string) error {
	if u.left--; u.left < 0 {
		return errUnplugged
	}
	return u.Draft.Mkdir(name)
}

func suspendAndResume(t *T) {
	one, two := Day(t, 1), Day(t, 2)
	first := t.backup(one)
	d := t.begin(russet.BeginOptions{})
	mkdirs := 2 * (1 + len(two.payloads()))
	if _, err := Play(&unplug{d, mkdirs + 2}, Device, two); !errors.Is(err, errUnplugged) {
		t.Fatalf("the run ended with %v", err)
	}
	t.must(d.Suspend(t.Context()))
	t.has(first.ID, one)
	drafts, err := t.Store.Drafts(t.Context(), Device)
	t.must(err)
	// Info.plist, Status.plist, two manifests, two payloads; nothing that was replaced.
	if len(drafts) != 1 || !drafts[0].Draft || drafts[0].Device != Device || drafts[0].Files != 6 {
		t.Errorf("the suspended draft is listed as %+v", drafts)
	}
	t.Reopen()
	d = t.begin(russet.BeginOptions{})
	if !d.Resumed() || d.Base() == nil || d.Base().ID != first.ID {
		t.Errorf("resumed %v on %v", d.Resumed(), d.Base())
	}
	if sent := t.play(d, two); sent != 0 {
		t.Errorf("%d files were sent again", sent)
	}
	b := t.commit(d)
	t.has(b.ID, two)
	t.only(b.ID)
}

func staleDraft(t *T) {
	t.backup(Day(t, 1))
	d := t.begin(russet.BeginOptions{})
	t.play(d, Day(t, 2))
	t.must(d.Suspend(t.Context()))
	t.must(t.Store.Delete(t.Context(), t.list()[0].ID))
	d = t.begin(russet.BeginOptions{})
	if d.Resumed() || d.Base() != nil {
		t.Errorf("the draft of a backup that is gone is offered: resumed %v, base %v", d.Resumed(), d.Base())
	}
	three := Day(t, 3)
	t.play(d, three)
	b := t.commit(d)
	t.has(b.ID, three)
	t.only(b.ID) // the draft that was set aside goes with the next backup
}

// stumbles: a device that errors over a resumed draft gets the last finished
// backup next, and if it errors over that too, nothing.
func stumbles(t *T) {
	t.backup(Day(t, 1))
	d := t.begin(russet.BeginOptions{})
	t.play(d, Day(t, 2))
	t.must(d.Suspend(t.Context()))
	d = t.begin(russet.BeginOptions{})
	if !d.Resumed() {
		t.Error("the draft is not resumed")
	}
	t.must(d.Discard(t.Context()))
	d = t.begin(russet.BeginOptions{})
	if d.Resumed() || d.Base() == nil {
		t.Errorf("next comes a draft with base %v, resumed %v", d.Base(), d.Resumed())
	}
	t.play(d, Day(t, 2))
	t.must(d.Discard(t.Context()))
	d = t.begin(russet.BeginOptions{})
	if d.Base() != nil {
		t.Error("after two failures the device is offered the same again")
	}
	two := Day(t, 2)
	t.play(d, two)
	t.has(t.commit(d).ID, two)
	d = t.begin(russet.BeginOptions{})
	if d.Base() == nil {
		t.Error("after a success the device is offered nothing")
	}
	t.must(d.Discard(t.Context()))
}

func write(d russet.Draft, name, data string) error {
	u, err := d.Create(name)
	if err != nil {
		return err
	}
	if _, err := u.Write([]byte(data)); err != nil {
		return errors.Join(err, u.Abort())
	}
	return u.Commit()
}

func aborted(t *T) {
	t.backup(Day(t, 1))
	d := t.begin(russet.BeginOptions{})
	defer d.Discard(context.WithoutCancel(t.Context())) //nolint:errcheck // it is about the uploads
	for name, there := range map[string]bool{string(Device) + "/Info.plist": true, string(Device) + "/Snapshot/aa/new": false} {
		for _, data := range []string{"some", strings.Repeat("long ", 100_000)} {
			u, err := d.Create(name)
			t.must(err)
			_, err = u.Write([]byte(data))
			t.must(err)
			if _, err := d.Create(name + "2"); err == nil {
				t.Error("two uploads at once")
			}
			t.must(u.Abort())
			f, err := d.Open(name)
			if there != (err == nil) {
				t.Errorf("%s after an aborted upload: %v", name, err)
			}
			if err == nil {
				t.must(f.Close())
			}
		}
	}
}

func sizes(t *T) {
	contents := Contents{}
	for _, n := range []int{0, 1, 4095, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20, 3<<20 + 5} {
		contents["CameraRollDomain/"+strings.Repeat("x", 1+n%7)+string(rune('a'+len(contents)))] = strings.Repeat("0123456789", n/10+1)[:n]
	}
	to := Make(t, Device, 1, contents)
	b := t.backup(to)
	t.has(b.ID, to)
}

func twoDrafts(t *T) {
	d := t.begin(russet.BeginOptions{})
	_, err := t.Store.Begin(t.Context(), russet.BeginOptions{Device: Device})
	t.kind(err, russet.Busy, "a second draft of one device")
	again, err := t.open(t.Dir, nil)
	t.must(err)
	defer again.Close()
	_, err = again.Begin(t.Context(), russet.BeginOptions{Device: Device})
	t.kind(err, russet.Busy, "a draft of the same device through another store")
	other, err := again.Begin(t.Context(), russet.BeginOptions{Device: Other, Allow: -1})
	t.must(err)
	one, two := Day(t, 1), Make(t, Other, 2, days[1])
	t.play(d, one)
	_, err = Play(other, Other, two)
	t.must(err)
	a, b := t.commit(d), t.commit(other)
	t.has(a.ID, one)
	t.has(b.ID, two)
	t.only(a.ID, b.ID)
	_, err = t.Store.Begin(t.Context(), russet.BeginOptions{Device: "../evil"})
	t.kind(err, russet.Usage, "a draft of no device")
}

func over(t *T) {
	d := t.begin(russet.BeginOptions{})
	t.must(d.Suspend(t.Context()))
	for what, err := range map[string]error{
		"write": write(d, string(Device)+"/x", "x"), "mkdir": d.Mkdir(string(Device)), "suspend": d.Suspend(t.Context()),
		"discard": d.Discard(t.Context()), "commit": func() error { _, err := d.Commit(t.Context()); return err }(),
	} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
}

// copies: what a device copies within a draft are files of their own.
func copies(t *T) {
	one := Day(t, 1)
	t.backup(one)
	two := Day(t, 2)
	d := t.begin(russet.BeginOptions{})
	t.play(d, two)
	u := string(Device)
	kept := one.payloads()[0]
	for _, c := range [][2]string{{"Manifest.plist", "Copy.plist"}, {"Info.plist", "Copied/Info.plist"}, {"Copied", "Copied2"}} {
		t.must(d.Copy(u+"/"+c[0], u+"/"+c[1]))
	}
	want := Folder{
		"Copy.plist": two["Manifest.plist"], "Copied/Info.plist": two["Info.plist"], "Copied2/Info.plist": two["Info.plist"],
	}
	if data, ok := two[kept]; ok {
		t.must(d.Copy(u+"/"+kept, u+"/Kept"))
		want["Kept"] = data
	}
	for name, data := range two {
		want[name] = data
	}
	t.has(t.commit(d).ID, want)
}

func allowance(t *T) {
	free, err := t.Store.Free(t.Context())
	if err != nil || free <= 0 {
		t.Errorf("%d bytes are free, %v", free, err)
	}
	d := t.begin(russet.BeginOptions{Allow: 1000})
	if n, err := d.Free(); n != 1000 || err != nil {
		t.Errorf("an allowance of 1000 bytes leaves %d, %v", n, err)
	}
	t.must(write(d, string(Device)+"/x", strings.Repeat("x", 400)))
	if n, err := d.Free(); n != 600 || err != nil {
		t.Errorf("after 400 bytes it leaves %d, %v", n, err)
	}
	t.must(write(d, string(Device)+"/x", strings.Repeat("x", 4000)))
	if n, err := d.Free(); n != 0 || err != nil {
		t.Errorf("used up it leaves %d, %v", n, err)
	}
	t.must(d.Discard(t.Context()))
	d = t.begin(russet.BeginOptions{})
	if n, err := d.Free(); n < 1<<20 || err != nil {
		t.Errorf("without an allowance %d bytes are free, %v", n, err)
	}
	if n, err := d.Purge(t.Context(), 1<<30, 4); n != 0 && err == nil {
		t.Errorf("purged %d bytes", n)
	}
	t.must(d.Discard(t.Context()))
}
