package storetest

import (
	"russet"
)

func names(t *T) {
	t.backup(Day(t, 1))
	d := t.begin(russet.BeginOptions{})
	u := string(Device)
	for _, name := range []string{
		"", ".", "..", "/etc/passwd", "../outside", u + "/../outside", u + "/../../outside", "/" + u + "/x", u + "//x",
		u + "/", "other/x", ".russet/format", "x" + u + "/x", u + "x/x", u + "-2026/x", u + "-20260101-0000x0/x",
		u + "-20260101-000000-20260101-000000/x", string(Other) + "/x",
	} {
		open := func() error { _, err := d.Open(name); return err }
		list := func() error { _, err := d.ReadDir(name); return err }
		for what, err := range map[string]error{
			"write": write(d, name, "x"), "open": open(), "list": list(), "mkdir": d.Mkdir(name),
			"rename from": d.Rename(name, u+"/x"), "rename to": d.Rename(u+"/Info.plist", name),
			"copy from": d.Copy(name, u+"/x"), "copy to": d.Copy(u+"/Info.plist", name),
		} {
			if err == nil {
				t.Errorf("%s %q is allowed", what, name)
			}
		}
		if err := d.Remove(name); err == nil {
			t.Errorf("remove %q is allowed", name)
		}
	}
	t.must(d.Discard(t.Context()))
}

// siblings: an old device moves its folder aside, or copies it; that never
// leaves the draft.
func siblings(t *T) {
	t.backup(Day(t, 1))
	d := t.begin(russet.BeginOptions{})
	u, aside := string(Device), string(Device)+"-20260101-120000"
	t.must(d.Rename(u, aside))
	two := Day(t, 2)
	t.play(d, two)
	if _, err := d.ReadDir(aside); err != nil {
		t.Errorf("the folder that was moved aside: %v", err)
	}
	t.must(d.Remove(aside))
	t.must(d.Copy(u, aside))
	b := t.commit(d)
	t.has(b.ID, two)
	t.only(b.ID)
}

// noBackup: without the three manifests a device finds nothing.
func noBackup(t *T) {
	d := t.begin(russet.BeginOptions{})
	t.must(write(d, string(Device)+"/Status.plist", ""))
	_, err := d.Commit(t.Context())
	t.kind(err, russet.Damaged, "commit of nothing")
	if all := t.list(); len(all) != 0 {
		t.Errorf("nothing was committed as %v", all)
	}
}
