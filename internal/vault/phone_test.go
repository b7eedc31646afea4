package vault_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"russet"
	"russet/device"
	"russet/device/devicelink"
	"russet/device/lockdown"
	"russet/internal/engine"
	"russet/internal/vault"
	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
	"russet/vphone/disk"
)

var deviceKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return vphone.NewKey() })

// tee notes what a device sends, before the vault has it: the digest of every
// file by the name it has in the end.
type tee struct {
	russet.Draft
	sums map[string][sha256.Size]byte
}

func (t *tee) Create(name string) (devicelink.Upload, error) { return t.CreateFrom("", name) }

func (t *tee) CreateFrom(source, name string) (devicelink.Upload, error) {
	up, err := t.Draft.(devicelink.SourcedFiles).CreateFrom(source, name)
	return &teeUpload{Upload: up, t: t, name: name, h: sha256.New()}, err
}

type teeUpload struct {
	devicelink.Upload
	t    *tee
	name string
	h    interface {
		io.Writer
		Sum([]byte) []byte
	}
}

func (u *teeUpload) Write(p []byte) (int, error) {
	u.h.Write(p) //nolint:errcheck // hashes do not fail
	return u.Upload.Write(p)
}

func (u *teeUpload) Commit() error {
	u.t.sums[u.name] = [sha256.Size]byte(u.h.Sum(nil))
	return u.Upload.Commit()
}

// below visits a name and everything under it.
func (t *tee) below(name string, visit func(full string)) {
	for _, full := range slices.Sorted(maps.Keys(t.sums)) {
		if full == name || strings.HasPrefix(full, name+"/") {
			visit(full)
		}
	}
}

func (t *tee) Rename(from, to string) error {
	t.below(to, func(full string) { delete(t.sums, full) })
	t.below(from, func(full string) {
		t.sums[to+strings.TrimPrefix(full, from)] = t.sums[full]
		delete(t.sums, full)
	})
	return t.Draft.Rename(from, to)
}

func (t *tee) Remove(name string) error {
	t.below(name, func(full string) { delete(t.sums, full) })
	return t.Draft.Remove(name)
}

// life is a virtual phone that is backed up into a vault, and what it sent.
type life struct {
	t     *testing.T
	phone *vphone.Phone
	pair  *lockdown.PairRecord
	store *vault.Store
	sent  map[string][sha256.Size]byte            // so far
	made  map[russet.BackupID]map[string][32]byte // of each backup: what it must give back
	dir   string
}

func (l *life) password(context.Context, russet.UDID) (string, error) {
	return l.phone.BackupPassword(), nil
}

func newLife(t *testing.T, password string, opts vault.Options, holds content.Options) *life {
	t.Helper()
	key, err := deviceKey()
	if err != nil {
		t.Fatal(err)
	}
	phone, err := vphone.New(vphone.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, phone: phone, dir: t.TempDir(), sent: map[string][32]byte{}, made: map[russet.BackupID]map[string][32]byte{}}
	t.Cleanup(func() { _ = phone.Close() })
	if err := content.MakeOn(t.Context(), phone.Disk(), holds); err != nil {
		t.Fatal(err)
	}
	if password != "" {
		if err := phone.SetBackupPassword(password); err != nil {
			t.Fatal(err)
		}
	}
	phone.Faults().Update(func(c *agent.Config) { c.Rounds = [2]int{10, 10} })
	if l.pair, err = device.Pair(t.Context(), phone, lockdown.PairOptions{}, device.Options{}); err != nil {
		t.Fatal(err)
	}
	l.reopen(opts)
	t.Cleanup(func() { _ = l.store.Close() })
	return l
}

func (l *life) reopen(opts vault.Options) {
	l.t.Helper()
	if l.store != nil {
		if err := l.store.Close(); err != nil {
			l.t.Fatal(err)
		}
	}
	s, err := openWith(l.dir, nil, opts)
	if err != nil {
		l.t.Fatal(err)
	}
	l.store = s.(*vault.Store)
}

// backUp makes a backup and notes what it must give back.
func (l *life) backUp(full bool) russet.Backup {
	l.t.Helper()
	return l.backUpWith(full, l.password)
}

func (l *life) backUpWith(full bool, pass russet.Passwords) russet.Backup {
	l.t.Helper()
	b, err := l.finished(full, pass).Commit(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	l.note(b.ID)
	return b
}

// note notes what a backup must give back: what the device has sent by now.
func (l *life) note(id russet.BackupID) {
	want := map[string][32]byte{}
	for name, sum := range l.sent {
		want[strings.TrimPrefix(name, l.phone.UDID()+"/")] = sum
	}
	l.made[id] = want
}

// finished is a draft whose device has finished.
func (l *life) finished(full bool, pass russet.Passwords) russet.Draft {
	l.t.Helper()
	ctx, udid := l.t.Context(), russet.UDID(l.phone.UDID())
	dev, err := device.Connect(ctx, l.phone, l.pair, device.Options{})
	if err != nil {
		l.t.Fatal(err)
	}
	defer dev.Close()
	d, err := l.store.Begin(ctx, russet.BeginOptions{
		Device: udid, Allow: -1, Full: full, Passwords: pass, Encrypted: l.phone.BackupPassword() != "",
	})
	if err != nil {
		l.t.Fatal(err)
	}
	if full || d.Base() == nil {
		l.sent = map[string][32]byte{}
	}
	if _, err := engine.Backup(ctx, dev, &tee{d, l.sent}, engine.BackupOptions{UDID: udid}); err != nil {
		l.t.Fatal(errors.Join(err, d.Suspend(ctx)))
	}
	return d
}

// check compares every backup ever made with what the device sent for it.
func (l *life) check() {
	l.t.Helper()
	for id, want := range l.made {
		c, err := l.store.Open(l.t.Context(), id)
		if err != nil {
			l.t.Fatal(err)
		}
		got := map[string][32]byte{}
		err = fs.WalkDir(c.Folder(), ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			f, err := c.Folder().Open(name)
			if err != nil {
				return err
			}
			h := sha256.New()
			n, err := io.Copy(h, f)
			if info, e := f.Stat(); e != nil || info.Size() != n {
				l.t.Errorf("%s has %d bytes and says %d", name, n, info.Size())
			}
			got[path.Clean(name)] = [32]byte(h.Sum(nil))
			return errors.Join(err, f.Close())
		})
		if err = errors.Join(err, c.Close()); err != nil {
			l.t.Fatal(err)
		}
		for name, sum := range want {
			if got[name] != sum {
				l.t.Errorf("backup %s gives back %q otherwise than it was sent", id, name)
			}
		}
		if len(got) != len(want) {
			l.t.Errorf("backup %s has %d files, %d were sent", id, len(got), len(want))
		}
	}
}

// verify reads every byte of every backup.
func (l *life) verify() {
	l.t.Helper()
	for id := range l.made {
		r, err := l.store.Verify(l.t.Context(), id, russet.VerifyOptions{Full: true})
		if err != nil || len(r.Problems) > 0 || len(r.Notes) > 0 {
			l.t.Errorf("backup %s verifies as %+v, %v", id, r, err)
		}
	}
}

func (l *life) live(day int) {
	l.t.Helper()
	if err := content.Churn(l.t.Context(), l.phone.Disk(), content.ChurnOptions{Day: day}); err != nil {
		l.t.Fatal(err)
	}
}

// film puts a film on the phone: too big to be read twice during a run.
func (l *life) film(n int) {
	l.t.Helper()
	data := make([]byte, 9<<20)
	rand.NewChaCha8([32]byte{byte(n)}).Read(data) //nolint:errcheck // it never fails
	copy(data, "\x00\x00\x00\x14ftypqt  ")
	e := &disk.Entry{
		Domain: "CameraRollDomain", Path: fmt.Sprintf("Media/DCIM/100APPLE/IMG_%04d.MOV", 9000+n), Kind: disk.File, Mode: 0o100644, Class: 3,
		ModTime: content.Day(n), ChangeTime: content.Day(n), Birth: content.Day(0), Inode: uint64(1_000_000 + n),
	}
	if err := l.phone.Disk().Put(e, bytes.NewReader(data)); err != nil {
		l.t.Fatal(err)
	}
}

// TestBitIdentity: whatever a phone lives through, each of its backups gives
// back what the phone sent over the wire, to the last bit.
func TestBitIdentity(t *testing.T) {
	for name, password := range map[string]string{"plain": "", "encrypted": "a backup password"} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t, password, vault.Options{}, content.Options{Profile: "tiny"})
			l.backUp(false)
			for day := 1; day <= 3; day++ {
				l.live(day)
				l.backUp(false)
			}
			unchanged := l.backUp(false)
			full := l.backUp(true)
			if full.Added > unchanged.Size/4 {
				t.Errorf("a full backup of an unchanged phone added %d of %d bytes", full.Added, full.Size)
			}
			if err := l.phone.SetBackupPassword("another one"); err != nil {
				t.Fatal(err)
			}
			l.backUp(false)
			if err := l.phone.SetBackupPassword(""); err != nil {
				t.Fatal(err)
			}
			l.live(4)
			l.backUp(false)
			l.check()
			l.verify()
		})
	}
}

// TestConversion: what went to the vault as ciphertext, because the spool was
// full or nobody knew the password, becomes content; the backups stay what they
// are.
func TestConversion(t *testing.T) {
	l := newLife(t, "a backup password", vault.Options{Spool: 1 << 20}, content.Options{Profile: "tiny"})
	l.film(1)
	l.film(2)
	l.backUp(false)
	pending, _, err := l.store.Pending(t.Context())
	if err != nil || pending == 0 {
		t.Fatalf("%d bytes wait for their conversion, %v", pending, err)
	}
	l.live(1)
	l.backUp(false)
	done, err := l.store.Convert(t.Context(), l.password)
	if err != nil || done.Bytes < pending || done.Backups == 0 {
		t.Errorf("converted: %+v, %v", done, err)
	}
	if left, locked, err := l.store.Pending(t.Context()); err != nil || left != 0 || locked != 0 {
		t.Errorf("%d bytes are left, %d backups locked, %v", left, locked, err)
	}
	l.check()
	l.verify()
	l.reopen(vault.Options{})
	if b := l.backUp(true); b.Added > b.Size/10 {
		t.Errorf("a full backup after the conversion added %d of %d bytes", b.Added, b.Size)
	}
	l.check()
}

// TestLaterPassword: a backup whose password nobody knew is read when it becomes
// known.
func TestLaterPassword(t *testing.T) {
	l := newLife(t, "a backup password", vault.Options{}, content.Options{Profile: "tiny"})
	b := l.backUpWith(false, func(context.Context, russet.UDID) (string, error) { return "", nil })
	if _, locked, err := l.store.Pending(t.Context()); err != nil || locked != 1 {
		t.Errorf("%d backups are locked, %v", locked, err)
	}
	done, err := l.store.Convert(t.Context(), l.password)
	if err != nil || done.Backups != 1 || done.Bytes < b.Size/2 {
		t.Errorf("converted: %+v of %d bytes, %v", done, b.Size, err)
	}
	l.check()
	l.verify()
}

// TestPasswordGone: a run decrypted files beside the device and was broken off
// in its commit, and whoever finishes it does not know the password any more.
func TestPasswordGone(t *testing.T) {
	l := newLife(t, "a backup password", vault.Options{}, content.Options{Profile: "tiny"})
	d := l.finished(false, l.password)
	vault.WaitNormalised(d)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Commit(gone); !errors.Is(err, context.Canceled) {
		t.Fatalf("a commit that was broken off: %v", err)
	}
	l.reopen(vault.Options{})
	all, err := l.store.Backups(t.Context(), "")
	if err != nil || len(all) != 1 {
		t.Fatalf("there are the backups %v, %v", all, err)
	}
	l.note(all[0].ID)
	l.check()
	if _, locked, err := l.store.Pending(t.Context()); err != nil || locked != 1 {
		t.Errorf("%d backups are locked, %v", locked, err)
	}
	if done, err := l.store.Convert(t.Context(), l.password); err != nil || done.Backups != 1 {
		t.Errorf("converted: %+v, %v", done, err)
	}
	l.check()
	l.verify()
}
