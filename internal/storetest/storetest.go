// Package storetest says what every store must do, as tests that each store
// runs on itself: Run for what it does, Faults for what it does when the disk
// fails or the process dies at any moment.
package storetest

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"russet"
)

// Opener opens the store in a folder and makes it when it is not there. before,
// when not nil, is to be asked before every change the store makes on disk: an
// error stops the change and is returned by it.
type Opener func(dir string, before func(op, name string) error) (russet.Store, error)

// Password opens the encrypted backups of these tests.
const Password = "test-password"

func passwords(context.Context, russet.UDID) (string, error) { return Password, nil }

// Versions says of a store that it keeps the backups a run supersedes, as
// versions: they stay listed, whole to the last byte.
type Versions bool

// Run runs every test on fresh stores.
func Run(t *testing.T, open Opener, versions Versions) {
	for name, test := range map[string]func(*T){
		"commit then open":                 commitThenOpen,
		"incremental":                      incremental,
		"full":                             full,
		"discard leaves nothing":           discard,
		"suspend and resume":               suspendAndResume,
		"a draft of an old base":           staleDraft,
		"a device that stumbles":           stumbles,
		"an upload broken off":             aborted,
		"uploads of every size":            sizes,
		"names stay inside":                names,
		"sibling folders":                  siblings,
		"folders that are no backup":       noBackup,
		"two drafts":                       twoDrafts,
		"a draft that is over":             over,
		"a backup that is not whole":       incomplete,
		"a payload that is not its digest": wrongDigest,
		"folders nested too deeply":        tooDeep,
		"thousands of copies":              copyBomb,
		"names that differ in case":        sameButForCase,
		"copies within a draft":            copies,
		"allowance":                        allowance,
		"archive, unarchive, delete":       archive,
		"archive the same twice":           archiveTwice,
		"delete what is open":              deleteOpen,
		"reading while a run commits":      readWhileCommitting,
		"import":                           importing,
		"import of what is none":           importBad,
		"verify":                           verify,
		"encrypted":                        encrypted,
		"repair of a sound store":          repairNothing,
		"cancelled":                        cancelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newT(t, open, versions))
		})
	}
}

// T is a test with a store.
type T struct {
	*testing.T
	Dir   string
	Store russet.Store
	open  Opener

	versions Versions
	made     map[russet.BackupID]Folder // what has been found in each backup
}

func newT(t *testing.T, open Opener, versions Versions) *T {
	s := &T{T: t, Dir: t.TempDir(), open: open, versions: versions, made: map[russet.BackupID]Folder{}}
	s.Reopen()
	t.Cleanup(func() { s.Store.Close() })
	return s
}

// Reopen closes the store and opens it again.
func (t *T) Reopen() {
	t.Helper()
	if t.Store != nil {
		t.must(t.Store.Close())
	}
	s, err := t.open(t.Dir, nil)
	t.must(err)
	t.Store = s
}

func (t *T) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (t *T) kind(err error, want russet.Kind, doing string) {
	t.Helper()
	if got := russet.KindOf(err); got != want {
		t.Errorf("%s: %v (kind %d), want kind %d", doing, err, got, want)
	}
}

func (t *T) begin(opts russet.BeginOptions) russet.Draft {
	t.Helper()
	if opts.Device == "" {
		opts.Device = Device
	}
	if opts.Allow == 0 {
		opts.Allow = -1
	}
	d, err := t.Store.Begin(t.Context(), opts)
	t.must(err)
	return d
}

// play plays a run and returns how many payloads it sent.
func (t *T) play(d russet.Draft, to Folder) int {
	t.Helper()
	n, err := Play(d, Device, to)
	t.must(err)
	return n
}

func (t *T) commit(d russet.Draft) russet.Backup {
	t.Helper()
	b, err := d.Commit(t.Context())
	t.must(err)
	return b
}

// backup makes a backup of the device.
func (t *T) backup(to Folder) russet.Backup {
	t.Helper()
	d := t.begin(russet.BeginOptions{})
	t.play(d, to)
	b := t.commit(d)
	t.made[b.ID] = to
	return b
}

// last is the newest backup.
func (t *T) last() russet.Backup {
	t.Helper()
	all := t.list()
	return all[len(all)-1]
}

func (t *T) list() []russet.Backup {
	t.Helper()
	all, err := t.Store.Backups(t.Context(), "")
	t.must(err)
	return all
}

// has checks that a backup is in the store, whole byte for byte.
func (t *T) has(id russet.BackupID, want Folder) {
	t.Helper()
	c, err := t.Store.Open(t.Context(), id)
	t.must(err)
	defer c.Close()
	if diff := differ(Read(t, c.Folder()), want); diff != "" {
		t.Errorf("backup %s: %s", id, diff)
	}
	t.made[id] = want
	if c.Backup().ID != id {
		t.Errorf("backup %s says it is %s", id, c.Backup().ID)
	}
}

// only checks that the store lists these backups and nothing else, no drafts. A
// store that keeps versions lists those that were superseded too; they are
// looked through again.
func (t *T) only(want ...russet.BackupID) {
	t.Helper()
	var got []russet.BackupID
	for _, b := range t.list() {
		if b.Problem != "" {
			t.Errorf("backup %s has a problem: %s", b.ID, b.Problem)
		}
		if old, known := t.made[b.ID]; bool(t.versions) && known && !slices.Contains(want, b.ID) {
			t.has(b.ID, old)
			continue
		}
		got = append(got, b.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the store lists %v, not %v", got, want)
	}
	drafts, err := t.Store.Drafts(t.Context(), "")
	t.must(err)
	if len(drafts) > 0 {
		t.Errorf("the store has drafts %v", drafts)
	}
}

// The days of the phone: what is on it, day by day.
var days = []Contents{
	{
		"HomeDomain/Library/SMS/sms.db": "messages of day 1", "HomeDomain/Library/empty": "",
		"CameraRollDomain/Media/DCIM/1.JPG": "photo 1", "CameraRollDomain/Media/DCIM/2.JPG": "photo 2",
		"AppDomain-org.example/Documents/a": "a",
	},
	{
		"HomeDomain/Library/SMS/sms.db": "messages of days 1 and 2", "HomeDomain/Library/empty": "",
		"CameraRollDomain/Media/DCIM/2.JPG": "photo 2", "CameraRollDomain/Media/DCIM/3.JPG": "photo 3",
		"AppDomain-org.example/Documents/a": "a",
	},
	{
		"HomeDomain/Library/SMS/sms.db": "messages of days 1 to 3", "HomeDomain/Library/empty": "no more",
		"CameraRollDomain/Media/DCIM/3.JPG": "photo 3", "AppDomain-org.example/Documents/a": "a",
	},
}

// Day makes the folder of the phone's n-th day, from 1.
func Day(tb testing.TB, n int) Folder {
	tb.Helper()
	return Make(tb, Device, n, days[(n-1)%len(days)])
}

func commitThenOpen(t *T) {
	t.only()
	one := Day(t, 1)
	d := t.begin(russet.BeginOptions{})
	if d.Base() != nil || d.Resumed() {
		t.Errorf("the first draft has base %v, resumed %v", d.Base(), d.Resumed())
	}
	t.play(d, one)
	b := t.commit(d)
	t.has(b.ID, one)
	t.only(b.ID)
	size := 0
	for _, data := range one {
		size += len(data)
	}
	if b.Device != Device || b.Name != "A phone" || b.IOS != "26.0" || b.Files != 5 || b.Size != int64(size) ||
		b.Added <= 0 || (!bool(t.versions) && b.Added < b.Size) || b.Encrypted || b.Archived || b.Draft || b.Time.Day() != 1 {
		t.Errorf("the backup is described as %+v", b)
	}
	t.Reopen()
	t.has(b.ID, one)
	t.only(b.ID)
	c, err := t.Store.Open(t.Context(), b.ID)
	t.must(err)
	defer c.Close()
	t.must(fstest.TestFS(c.Folder(), append(one.payloads(), "Status.plist", "Manifest.db")...))
}

func incremental(t *T) {
	var ids []russet.BackupID
	for n := range 4 {
		to := Day(t, n+1)
		d := t.begin(russet.BeginOptions{})
		if n > 0 && (d.Base() == nil || d.Base().ID != ids[n-1]) {
			t.Fatalf("on day %d the base is %v", n+1, d.Base())
		}
		sent := t.play(d, to)
		b := t.commit(d)
		if n > 0 && sent == len(to.payloads()) {
			t.Error("an incremental run sent everything")
		}
		t.has(b.ID, to)
		t.only(b.ID)
		if slices.Contains(ids, b.ID) {
			t.Errorf("two states have the identity %s", b.ID)
		}
		ids = append(ids, b.ID)
	}
	if t.versions {
		return
	}
	_, err := t.Store.Open(t.Context(), ids[0])
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the superseded backup opens: %v", err)
	}
}

func full(t *T) {
	t.backup(Day(t, 1))
	two := Day(t, 2)
	d := t.begin(russet.BeginOptions{Full: true})
	if d.Base() != nil {
		t.Error("a full draft has a base")
	}
	if _, err := d.Open(string(Device) + "/Status.plist"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the device finds a Status.plist: %v", err)
	}
	if entries, err := d.ReadDir(string(Device)); err == nil && len(entries) > 0 {
		t.Errorf("the device finds %v", entries)
	}
	if sent := t.play(d, two); sent != len(two.payloads()) {
		t.Errorf("%d of %d files were sent", sent, len(two.payloads()))
	}
	b := t.commit(d)
	t.has(b.ID, two)
	t.only(b.ID)
}

func discard(t *T) {
	one := Day(t, 1)
	b := t.backup(one)
	d := t.begin(russet.BeginOptions{})
	t.play(d, Day(t, 2))
	t.must(d.Discard(t.Context()))
	t.only(b.ID)
	t.has(b.ID, one)
	t.Reopen()
	t.only(b.ID)
	t.has(b.ID, one)
	d = t.begin(russet.BeginOptions{})
	if d.Resumed() || d.Base() == nil {
		t.Errorf("after a discarded draft: resumed %v, base %v", d.Resumed(), d.Base())
	}
	t.must(d.Discard(t.Context()))
}

//go:embed testdata
var testdata embed.FS

// mini is one of the small backups of the test vectors: "plain" or "encrypted".
func mini(tb testing.TB, name string) Folder {
	tb.Helper()
	sub, err := fs.Sub(testdata, "testdata/"+name)
	if err != nil {
		tb.Fatal(err)
	}
	return Read(tb, sub)
}
