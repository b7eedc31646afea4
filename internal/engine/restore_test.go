package engine_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"russet"
	"russet/internal/engine"
	"russet/mobilesync"
	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// blank is another phone, paired with this computer, that holds nothing.
func blank(t *testing.T, o vphone.Options) *lab {
	t.Helper()
	o.Seed = 7
	l := newLab(t, o, content.Options{Profile: "small-files", Files: 1, Size: 1})
	return l
}

func fullRestore(from, to *lab) engine.RestoreOptions {
	return engine.RestoreOptions{
		Source: from.udid, Target: to.udid, System: true, RemoveNotRestored: true, Reboot: false,
		Events: to.note,
	}
}

// wantSame compares what two phones hold.
func wantSame(t *testing.T, a, b disk.Disk, plain bool) {
	t.Helper()
	differences, err := content.Compare(a, b, content.CompareOptions{Plain: plain, Most: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
}

func TestRestoreOntoAnotherPhone(t *testing.T) {
	t.Parallel()
	from := newLab(t, vphone.Options{}, content.Options{})
	from.mustBackUp()
	to := blank(t, vphone.Options{})
	result, err := engine.Restore(t.Context(), to.connect(), from.latest(), fullRestore(from, to))
	if err != nil {
		t.Fatal(err)
	}
	if result.Sent < 5<<20 || len(result.Missing) != 0 {
		t.Errorf("result: %+v", result)
	}
	want := []russet.Stage{russet.Waiting, russet.Preparing, russet.Sending}
	if got := to.stages(); !slices.Equal(got, want) {
		t.Errorf("stages %q", got)
	}
	wantSame(t, from.phone.Disk(), to.phone.Disk(), true)
}

func TestRestoreEncrypted(t *testing.T) {
	t.Parallel()
	from := newLab(t, vphone.Options{BackupPassword: "secret"}, fewFiles())
	from.mustBackUp()
	to := blank(t, vphone.Options{})
	opts := fullRestore(from, to)

	_, err := engine.Restore(t.Context(), to.connect(), from.latest(), opts)
	wantKind(t, err, russet.Password)
	opts.Password = "wrong"
	_, err = engine.Restore(t.Context(), to.connect(), from.latest(), opts)
	if e := wantKind(t, err, russet.Password); e.Code != 207 || strings.Contains(e.Error(), "wrong\"") {
		t.Errorf("error: %v", e)
	}
	if _, err := fs.Stat(os.DirFS(to.phone.MediaDir()), "iTunesRestore/RestoreApplications.plist"); err == nil {
		t.Error("the list of apps was left behind")
	}
	opts.Password = "secret"
	if _, err := engine.Restore(t.Context(), to.connect(), from.latest(), opts); err != nil {
		t.Fatal(err)
	}
	wantSame(t, from.phone.Disk(), to.phone.Disk(), false)
}

func TestRestoreReboots(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.mustBackUp()
	opts := fullRestore(l, l)
	opts.Reboot = true
	if _, err := engine.Restore(t.Context(), l.connect(), l.latest(), opts); err != nil {
		t.Error(err)
	}
}

// altered is a backup in which something is not as it was.
type altered struct {
	russet.Contents
	files fstest.MapFS
}

func (a altered) Folder() fs.FS { return a.files }

// alter copies the newest backup into memory.
func (l *lab) alter() altered {
	l.t.Helper()
	a := altered{Contents: l.latest(), files: fstest.MapFS{}}
	for name, data := range tree(l.t, a.Contents.Folder()) {
		a.files[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return a
}

func TestRestoreRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.mustBackUp()
	payload := func(a altered) string {
		for name := range a.files {
			if len(name) == 43 {
				return name
			}
		}
		t.Fatal("there is no payload")
		return ""
	}
	tests := map[string]struct {
		spoil func(altered)
		phone func()
		kind  russet.Kind
		code  int
	}{
		"no status":   {func(a altered) { delete(a.files, "Status.plist") }, nil, russet.Damaged, 0},
		"no manifest": {func(a altered) { delete(a.files, "Manifest.db") }, nil, russet.Damaged, 0},
		"torn lists":  {func(a altered) { a.files["Manifest.plist"].Data = nil }, nil, russet.Damaged, 0},
		"torn info":   {func(a altered) { a.files["Info.plist"].Data = nil }, nil, russet.Damaged, 0},
		"file gone":   {func(a altered) { delete(a.files, payload(a)) }, nil, russet.Damaged, 205},
		"Find My": {func(altered) {}, func() {
			if err := l.phone.SetCondition(agent.FindMy, true); err != nil {
				t.Fatal(err)
			}
		}, russet.Unsupported, 211},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := l.alter()
			tt.spoil(a)
			if tt.phone != nil {
				tt.phone()
			}
			_, err := engine.Restore(t.Context(), l.connect(), a, fullRestore(l, l))
			if e := wantKind(t, err, tt.kind); e.Code != tt.code {
				t.Errorf("code %d", e.Code)
			}
			if err := l.phone.SetCondition(agent.FindMy, false); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestRestoreOfAlteredFile: a file that rotted in the store is sent, since the
// phone is half restored by then, and named.
func TestRestoreOfAlteredFile(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	e := &disk.Entry{
		Domain: "CameraRollDomain", Path: "Media/DCIM/100APPLE/IMG_0001.JPG", Kind: disk.File, Mode: 0o100644, Class: 3,
		ModTime: content.Day(1), ChangeTime: content.Day(1), Birth: content.Day(0), Inode: 1_000_001,
	}
	if err := l.phone.Disk().Put(e, strings.NewReader("a photo")); err != nil {
		t.Fatal(err)
	}
	l.mustBackUp()
	name := mobilesync.FileIDOf(e.Domain, e.Path).Name()
	if err := os.WriteFile(filepath.Join(l.dir, string(l.udid), name), []byte("a ph0to"), 0o600); err != nil {
		t.Fatal(err)
	}
	result, err := engine.Restore(t.Context(), l.connect(), l.latest(), fullRestore(l, l))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Damaged) != 1 || result.Damaged[0].Path != name {
		t.Errorf("damaged: %+v", result.Damaged)
	}
}

func TestCheckRestore(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.mustBackUp()
	good, err := engine.CheckRestore(t.Context(), l.connect(), l.latest(), fullRestore(l, l))
	if err != nil {
		t.Fatal(err)
	}
	if len(good.Refusals) != 0 || good.Encrypted || good.BackupIOS == "" || good.BackupIOS != good.DeviceIOS ||
		good.Available <= 0 || good.Size <= 0 || len(good.NotRestored) < 3 {
		t.Errorf("%+v", good)
	}
	if err := l.phone.SetCondition(agent.FindMy, true); err != nil {
		t.Fatal(err)
	}
	a := l.alter()
	delete(a.files, "Status.plist")
	bad, err := engine.CheckRestore(t.Context(), l.connect(), a, fullRestore(l, l))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []russet.Kind
	for _, e := range bad.Refusals {
		kinds = append(kinds, e.Kind)
	}
	if !slices.Equal(kinds, []russet.Kind{russet.Damaged, russet.Unsupported}) || !bad.FindMy {
		t.Errorf("refusals %v", kinds)
	}
}

// TestFindMyUnknown: a value that a phone does not let be read is no reason against
// a restore; the phone refuses by itself what it must.
func TestFindMyUnknown(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.mustBackUp()
	l.phone.WithholdValues("com.apple.fmip", true)
	check, err := engine.CheckRestore(t.Context(), l.connect(), l.latest(), fullRestore(l, l))
	if err != nil {
		t.Fatal(err)
	}
	if len(check.Refusals) != 0 || !slices.ContainsFunc(check.Warnings, func(w string) bool { return strings.Contains(w, "Find My") }) {
		t.Errorf("refusals %v, warnings %q", check.Refusals, check.Warnings)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	opts := engine.PasswordOptions{UDID: l.udid, Events: l.note}
	steps := []struct {
		before, after string // of the change
		kind          russet.Kind
		want          string // what the phone has then
	}{
		{"", "", russet.Usage, ""},
		{"x", "", russet.Password, ""},
		{"", "one", 0, "one"},
		{"", "two", russet.Password, "one"},
		{"wrong", "two", russet.Password, "one"},
		{"one", "two", 0, "two"},
		{"wrong", "", russet.Password, "two"},
		{"two", "", 0, ""},
	}
	for _, s := range steps {
		err := engine.ChangePassword(t.Context(), l.connect(), s.before, s.after, opts)
		if kind := russet.KindOf(err); kind != s.kind {
			t.Errorf("%q to %q: kind %d, %v", s.before, s.after, kind, err)
		}
		if got := l.phone.BackupPassword(); got != s.want {
			t.Errorf("after %q to %q the phone has %q", s.before, s.after, got)
		}
	}
}

// TestRestoreWithoutAnAnswer: a phone that restarts is not always heard to say
// that it is done. Its apps have their data then, so the list that brings them
// back stays with it.
func TestRestoreWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.mustBackUp()
	opts := fullRestore(l, l)
	opts.Reboot = true
	l.phone.Faults().Update(func(c *agent.Config) { c.NoResponse = true })
	_, err := engine.Restore(t.Context(), l.connect(), l.latest(), opts)
	if e := wantKind(t, err, russet.Interrupted); !strings.Contains(e.Hint, "restarting") {
		t.Errorf("hint: %q", e.Hint)
	}
	if _, err := fs.Stat(os.DirFS(l.phone.MediaDir()), "iTunesRestore/RestoreApplications.plist"); err != nil {
		t.Errorf("the list of apps: %v", err)
	}
}

// TestRestoreThatReadNothing: 0 from a phone that did not even read what there is
// to restore is no restore.
func TestRestoreThatReadNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.mustBackUp()
	l.phone.Faults().Update(func(c *agent.Config) { c.EmptySuccess = true })
	_, err := engine.Restore(t.Context(), l.connect(), l.latest(), fullRestore(l, l))
	if e := wantKind(t, err, russet.Failed); !strings.Contains(e.What, "has not read") {
		t.Errorf("error: %v", e)
	}
}
