package service_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/retention"
	"russet/internal/schedule"
	"russet/internal/secrets"
	"russet/internal/service"
	"russet/internal/vault/backend"
	"russet/vphone"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// drillPhone switches on an empty phone for a drill.
func drillPhone(ctx context.Context, b russet.Backup) (host.DrillPhone, func() error, error) {
	key, err := phoneKey()
	if err != nil {
		return host.DrillPhone{}, nil, err
	}
	identity := vphone.NewIdentity(99)
	identity.ProductVersion, identity.BuildVersion = b.IOS, vphone.BuildOf(b.IOS)
	d := disk.NewMemory()
	p, err := vphone.New(vphone.Options{Identity: identity, Disk: d, Key: key})
	if err != nil {
		return host.DrillPhone{}, nil, err
	}
	dir, err := os.MkdirTemp("", "russet")
	if err != nil {
		return host.DrillPhone{}, nil, errors.Join(err, p.Close())
	}
	mux, err := vphone.NewMux("", nil)
	if err != nil {
		return host.DrillPhone{}, nil, errors.Join(err, p.Close())
	}
	mux.Add(p)
	listener, err := net.Listen("unix", filepath.Join(dir, "mux"))
	if err != nil {
		return host.DrillPhone{}, nil, errors.Join(err, p.Close())
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- mux.Serve(ctx, listener) }()
	off := func() error {
		cancel()
		return errors.Join(<-served, p.Close(), os.RemoveAll(dir))
	}
	return host.DrillPhone{Mux: "UNIX:" + filepath.Join(dir, "mux"), UDID: russet.UDID(p.UDID()), Received: func() map[string]host.DrillFile {
		return received(d)
	}}, off, nil
}

func received(d disk.Disk) map[string]host.DrillFile {
	files := map[string]host.DrillFile{}
	kinds := map[disk.Kind]string{disk.Dir: "folder", disk.Symlink: "link", disk.File: "file"}
	err := d.Walk(func(e *disk.Entry) error {
		f := host.DrillFile{Kind: kinds[e.Kind], Size: e.Size}
		if e.Kind == disk.File {
			r, err := d.Open(e.Domain, e.Path)
			if err != nil {
				return err
			}
			defer r.Close()
			data, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			f.Sum, f.Size = sha256.Sum256(data), int64(len(data))
		}
		files[strings.TrimSuffix(e.Domain+"/"+e.Path, "/")] = f
		return nil
	})
	if err != nil {
		return nil
	}
	return files
}

// addVault makes a vault in a folder.
func (l *lab) addVault(name string) {
	l.Helper()
	_, err := l.host.AddVault(l.Context(), host.VaultAddition{
		Name: name, URL: "vault:" + filepath.Join(l.dir, name),
		Credentials: func(context.Context, backend.Location) (backend.Credentials, error) {
			return backend.Credentials{}, nil
		},
		NewPassword: func(context.Context) (secrets.Secret, error) { return "correct horse battery", nil },
	})
	must(l, err)
}

func (l *lab) chore(kind host.ChoreKind, store string) service.ChoreStatus {
	l.Helper()
	st, err := l.service.Status(l.Context())
	must(l, err)
	i := slices.IndexFunc(st.Chores, func(c service.ChoreStatus) bool { return c.Kind == kind && c.Store == store })
	if i < 0 {
		l.Fatalf("no chore %s of %s: %+v", kind, store, st.Chores)
	}
	return st.Chores[i]
}

// TestChores: a vault is tidied up every day, and read and tried every month; a
// damaged backup is found and told.
func TestChores(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	l.addVault("vault")
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	l.step(time.Hour)
	if n := l.backups("vault", p); n != 1 {
		t.Fatalf("%d backups", n)
	}
	if c := l.chore(host.MaintainChore, "vault"); c.Last != nil || c.Next.Sub(morning) < 20*time.Hour {
		t.Errorf("maintained at once: %+v", c)
	}
	for range 6 {
		l.step(6 * time.Hour)
	}
	if c := l.chore(host.MaintainChore, "vault"); c.Last == nil || c.Last.Outcome != "done" {
		t.Errorf("after a day: %+v %+v", c, c.Last)
	}
	for range 7 {
		l.step(2 * day)
		l.step(time.Minute)
	}
	l.step(17 * day)
	for range 5 {
		l.step(time.Hour)
	}
	for _, kind := range []host.ChoreKind{host.VerifyChore, host.DrillChore} {
		if c := l.chore(kind, "vault"); c.Last == nil || c.Last.Outcome != "done" {
			t.Errorf("%s after a month: %+v %+v", kind, c, c.Last)
		}
	}
	reports, _, err := l.host.Drills()
	if err != nil || len(reports) != 1 || !reports[0].Good {
		t.Errorf("drills: %+v, %v", reports, err)
	}
	runs, err := l.service.Chores()
	if err != nil || len(runs) < 8 {
		t.Errorf("%d chores in the history: %v", len(runs), err)
	}
	if told := l.heard(notify.Failed, notify.Damage); len(told) != 0 {
		t.Errorf("told: %+v", told)
	}
}

// TestDamageIsFound: a byte that rotted in a store is found by the chore, told,
// and no longer told when the backup has gone.
func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	l.step(0)
	_, err := l.host.SetChore(t.Context(), host.Chore{Kind: host.VerifyChore, Store: "main", Every: day, Window: schedule.Hours{From: 8 * 60, To: 10 * 60}})
	must(t, err)
	spoil(t, filepath.Join(l.dir, "backups", p.UDID()))
	l.heard()
	p.Unplug()
	for range 48 {
		l.step(30 * time.Minute)
	}
	told := l.heard(notify.Damage)
	if len(told) != 1 || told[0].Store != "main" {
		t.Fatalf("told: %+v, chore %+v", told, l.chore(host.VerifyChore, "main"))
	}
	if c := l.chore(host.VerifyChore, "main"); c.Last == nil || c.Last.Outcome != "damaged" || c.Last.Start.Hour() < 8 || c.Last.Start.Hour() >= 10 {
		t.Errorf("chore: %+v", c.Last)
	}
	if st, err := l.service.Status(t.Context()); err != nil || len(st.Alarms) != 1 || st.Alarms[0].Kind != notify.Damage {
		t.Errorf("alarms: %+v, %v", st.Alarms, err)
	}
	list, err := l.host.Backups(t.Context(), "main", "", false)
	must(t, err)
	must(t, l.host.Delete(t.Context(), list[0]))
	l.service.Recheck()
	l.step(time.Minute)
	if st, err := l.service.Status(t.Context()); err != nil || len(st.Alarms) != 0 {
		t.Errorf("alarms: %+v, %v", st.Alarms, err)
	}
}

// TestBrokenBackup: a backup that is not even opened, because what says what it
// is has been damaged, is told as well.
func TestBrokenBackup(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	p.Unplug()
	must(t, os.Truncate(filepath.Join(l.dir, "backups", p.UDID(), "Status.plist"), 10))
	l.heard()
	_, err := l.host.SetChore(t.Context(), host.Chore{Kind: host.VerifyChore, Store: "main", Every: day})
	must(t, err)
	l.step(time.Hour)
	if told := l.heard(notify.Damage); len(told) != 1 || !strings.Contains(told[0].Text, "Status.plist") || told[0].Name != "Anna's iPhone" {
		t.Errorf("told: %+v, chore %+v", told, l.chore(host.VerifyChore, "main").Last)
	}
}

// TestChoreFails: a chore that cannot be done is tried again, and told when that
// does not help; it is over when it was done, or when nobody wants it.
func TestChoreFails(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	fails := true
	l.drill = func(ctx context.Context, b russet.Backup) (host.DrillPhone, func() error, error) {
		if fails {
			return host.DrillPhone{}, nil, errors.New("no memory")
		}
		return drillPhone(ctx, b)
	}
	l.start()
	l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	chore := host.Chore{Kind: host.DrillChore, Store: "main", Every: day}
	_, err := l.host.SetChore(t.Context(), chore)
	must(t, err)
	l.heard()
	for range 24 {
		l.step(30 * time.Minute)
	}
	told := l.heard(notify.Damage)
	if len(told) != 1 || told[0].Store != "main" || !strings.Contains(told[0].Text, "no memory") {
		t.Errorf("told: %+v", told)
	}
	alarms := func() int {
		st, err := l.service.Status(t.Context())
		must(t, err)
		return len(st.Alarms)
	}
	if n := alarms(); n != 1 {
		t.Errorf("%d alarms", n)
	}
	chore.Every = 0
	_, err = l.host.SetChore(t.Context(), chore)
	must(t, err)
	l.step(time.Hour)
	if n := alarms(); n != 0 {
		t.Errorf("%d alarms about what nobody wants", n)
	}
	chore.Every = day
	_, err = l.host.SetChore(t.Context(), chore)
	must(t, err)
	fails = false
	l.step(day)
	l.step(time.Hour)
	if c := l.chore(host.DrillChore, "main"); c.Last == nil || c.Last.Outcome != "done" || alarms() != 0 {
		t.Errorf("at last: %+v, %d alarms", c.Last, alarms())
	}
}

// TestCopiesGoAgain: the policy holds in a vault to which only copies come, and
// what it does not keep there is not copied again.
func TestCopiesGoAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.addVault("home")
	l.addVault("away")
	keep := func(store string, latest int) {
		_, err := l.host.ChangePolicy(t.Context(), host.Scope{Store: store}, func(retention.Policy) (retention.Policy, error) {
			return retention.Policy{KeepLatest: latest}, nil
		})
		must(t, err)
	}
	keep("home", 100)
	keep("away", 2)
	_, err := l.host.SetChore(t.Context(), host.Chore{Kind: host.CopyChore, Store: "home", To: "away", Every: day})
	must(t, err)
	l.heard()
	for range 5 {
		l.step(day)
		l.step(time.Hour)
	}
	c := l.chore(host.CopyChore, "home")
	if home, away := l.backups("home", p), l.backups("away", p); home != 5 || away != 2 || c.Last == nil || c.Last.Text != "1 backups copied" {
		t.Errorf("%d backups at home, %d away; the last copy: %+v", home, away, c.Last)
	}
}

// TestCopyGoesOn: a backup that is damaged and cannot be copied does not keep the
// later ones back, and the chore counts as failed.
func TestCopyGoesOn(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	anna := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	ben := l.phone("Ben's iPhone", vphone.Options{})
	l.step(time.Hour)
	anna.Unplug()
	ben.Unplug()
	l.addVault("away")
	payloads, err := filepath.Glob(filepath.Join(l.dir, "backups", anna.UDID(), "??", strings.Repeat("?", 40)))
	if err != nil || len(payloads) == 0 {
		t.Fatalf("%d payloads, %v", len(payloads), err)
	}
	must(t, os.Remove(payloads[0]))
	_, err = l.host.SetChore(t.Context(), host.Chore{Kind: host.CopyChore, Store: "main", To: "away", Every: day})
	must(t, err)
	l.step(time.Minute)
	if a, b := l.backups("away", anna), l.backups("away", ben); a != 0 || b != 1 {
		t.Errorf("%d copies of the damaged backup, %d of the other", a, b)
	}
	if c := l.chore(host.CopyChore, "main"); c.Last == nil || c.Last.Outcome != "failed" || !strings.Contains(c.Last.Error, "was not received") || c.Last.Text != "1 of 2 backups copied" {
		t.Errorf("the chore: %+v", c.Last)
	}
}

// TestAnotherStands: where the backup that a policy would keep cannot be copied,
// because it is damaged, the one before it is.
func TestAnotherStands(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.addVault("home")
	l.step(0)
	had := packs(t, filepath.Join(l.dir, "home"))
	must(t, content.Churn(t.Context(), p.Disk(), content.ChurnOptions{Seed: 1, Day: 1}))
	l.step(day)
	for name := range packs(t, filepath.Join(l.dir, "home")) {
		if !had[name] {
			must(t, os.Remove(name))
		}
	}
	p.Unplug()
	l.addVault("away")
	_, err := l.host.ChangePolicy(t.Context(), host.Scope{Store: "away"}, func(retention.Policy) (retention.Policy, error) {
		return retention.Policy{KeepLatest: 1}, nil
	})
	must(t, err)
	_, err = l.host.SetChore(t.Context(), host.Chore{Kind: host.CopyChore, Store: "home", To: "away", Every: day})
	must(t, err)
	l.step(time.Minute)
	c := l.chore(host.CopyChore, "home")
	if home, away := l.backups("home", p), l.backups("away", p); home != 2 || away != 1 || c.Last == nil || c.Last.Outcome != "failed" || c.Last.Text != "1 of 2 backups copied" {
		t.Errorf("%d backups at home, %d away; the copy: %+v", home, away, c.Last)
	}
}

// packs are the files of a vault that hold data.
func packs(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	must(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, name); err == nil && !d.IsDir() && strings.HasPrefix(rel, "p") {
			found[name] = true
		}
		return err
	}))
	return found
}

// spoil changes a byte in the largest file of a folder.
func spoil(t *testing.T, dir string) {
	t.Helper()
	var largest string
	var size int64
	must(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(name, "/"+filepath.Base(dir)+"/") || len(filepath.Base(name)) != 40 {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			largest, size = name, info.Size()
		}
		return err
	}))
	data, err := os.ReadFile(largest)
	must(t, err)
	data[len(data)/2] ^= 1
	must(t, os.Chmod(largest, 0o600))
	info, err := os.Stat(largest)
	must(t, err)
	must(t, os.WriteFile(largest, data, 0o600))
	must(t, os.Chtimes(largest, info.ModTime(), info.ModTime()))
}
