package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"russet"
	"russet/internal/folder"
	"russet/internal/storetest"
	"russet/internal/vault"
	"russet/internal/vault/backend"
	"russet/vphone/content"
)

// counted opens the vault that open made in dir, and what counts its requests.
func counted(tb testing.TB, dir string, opts vault.Options) (*vault.Store, *backend.Backend) {
	tb.Helper()
	ctx := context.Background()
	b, err := backend.Open(ctx, backend.Options{Location: backend.Location{Kind: backend.File, Path: filepath.Join(dir, "vault")}})
	must(tb, err)
	opts.Name, opts.Backend, opts.Password, opts.State = "home", b, password, filepath.Join(dir, "state")
	s, err := vault.Open(ctx, opts)
	must(tb, err)
	return s, b
}

// copyTo copies a backup of the vault in dir as "russet copy" does, and says how
// many bytes of that vault were read for it.
func copyTo(tb testing.TB, dir string, to russet.Store, id russet.BackupID) (read int64, err error) {
	tb.Helper()
	from, b := counted(tb, dir, vault.Options{})
	defer func() { err = errors.Join(err, from.Close()) }()
	before := b.Counters().BytesGot
	c, err := from.Open(tb.Context(), id)
	must(tb, err)
	_, err = to.Import(tb.Context(), c.Folder(), russet.ImportOptions{ID: id})
	return b.Counters().BytesGot - before, errors.Join(err, c.Close())
}

// TestCopyOfALife: the copies of whatever a phone lives through give back what
// the phone sent over the wire, to the last bit, and only what is new is read
// for them.
func TestCopyOfALife(t *testing.T) {
	for name, password := range map[string]string{"plain": "", "encrypted": "a backup password"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(t, password, vault.Options{}, content.Options{Profile: "tiny"})
			l.film(1)
			off := &life{t: t, made: l.made, dir: t.TempDir()}
			off.reopen(vault.Options{})
			t.Cleanup(func() { _ = off.store.Close() })
			copied := func(b russet.Backup) int64 {
				t.Helper()
				must(t, l.store.Close())
				read, err := copyTo(t, l.dir, off.store, b.ID)
				must(t, err)
				l.store = nil
				l.reopen(vault.Options{})
				t.Logf("of %d bytes %d were read", b.Size, read)
				return read
			}
			b := l.backUp(false)
			if read := copied(b); read < b.Size/2 {
				t.Errorf("of the first backup, of %d bytes, only %d were read", b.Size, read)
			}
			for day := 1; day <= 2; day++ {
				l.live(day)
				b = l.backUp(false)
				if read := copied(b); read > b.Size/3 {
					t.Errorf("day %d: of %d bytes %d were read although the vault has most of them", day, b.Size, read)
				}
			}
			must(t, l.phone.SetBackupPassword(map[bool]string{true: "another one"}[password != ""]))
			copied(l.backUp(true)) // everything comes under other keys
			l.live(3)
			copied(l.backUp(false))
			off.check()
			off.verify()
		})
	}
}

// TestCopyOfLocked: ciphertext whose keys nobody knows is taken as such; once the
// password is known it is read, and becomes content.
func TestCopyOfLocked(t *testing.T) {
	t.Parallel()
	l := newLife(t, "a backup password", vault.Options{}, content.Options{Profile: "tiny"})
	l.film(1)
	nobody := fixed("")
	off := &life{t: t, phone: l.phone, made: l.made, dir: t.TempDir()}
	off.reopen(vault.Options{})
	t.Cleanup(func() { _ = off.store.Close() })
	copied := func(b russet.Backup, pass russet.Passwords) int64 {
		t.Helper()
		must(t, l.store.Close())
		l.store = nil
		from, place := counted(t, l.dir, vault.Options{})
		c, err := from.Open(t.Context(), b.ID)
		must(t, err)
		_, err = off.store.Import(t.Context(), c.Folder(), russet.ImportOptions{ID: b.ID, Passwords: pass})
		must(t, errors.Join(err, c.Close()))
		read := place.Counters().BytesGot
		must(t, from.Close())
		l.reopen(vault.Options{})
		return read
	}
	copied(l.backUpWith(false, nobody), nobody)
	l.live(1)
	b := l.backUpWith(false, nobody)
	if read := copied(b, nobody); read > b.Size/3 {
		t.Errorf("of %d bytes %d were read", b.Size, read)
	}
	if _, locked, err := off.store.Pending(t.Context()); err != nil || locked != 2 {
		t.Errorf("%d copies are locked, %v", locked, err)
	}
	l.live(2)
	b = l.backUpWith(false, nobody)
	if read := copied(b, l.password); read < b.Size/2 {
		t.Errorf("the password is known, and of %d bytes %d were read", b.Size, read)
	}
	if _, locked, err := off.store.Pending(t.Context()); err != nil || locked != 2 {
		t.Errorf("%d copies are locked, %v", locked, err)
	}
	off.check()
	if done, err := off.store.Convert(t.Context(), l.password); err != nil || done.Backups != 2 {
		t.Errorf("converted: %+v, %v", done, err)
	}
	off.check()
	off.verify()
}

// pair is a vault with two backups of a phone, and one to which the first has
// been copied.
type pair struct {
	from, to   string // folders
	made       []russet.Backup
	folders    []storetest.Folder
	old, fresh []string // packs that the first backup, and the second, brought to the first vault
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{from: t.TempDir(), to: t.TempDir()}
	v, to := store(t, p.from, vault.Options{}), store(t, p.to, vault.Options{})
	for day := 1; day <= 2; day++ {
		f := storetest.Make(t, storetest.Device, day, hurtContents(t, day))
		b, err := storetest.Backup(t.Context(), v, storetest.Device, f)
		must(t, err)
		p.made, p.folders = append(p.made, b), append(p.folders, f)
		if day == 1 {
			p.old = blobs(t, p.from, "p")
		}
	}
	p.fresh = slices.DeleteFunc(blobs(t, p.from, "p"), func(name string) bool { return slices.Contains(p.old, name) })
	must(t, v.Close())
	_, err := copyTo(t, p.from, to, p.made[0].ID)
	must(t, err)
	must(t, to.Close())
	return p
}

// copy makes the second copy.
func (p *pair) copy(t *testing.T, v *vault.Store) error {
	t.Helper()
	_, err := copyTo(t, p.from, v, p.made[1].ID)
	return err
}

// only checks which copies there are, by their number, and that they give back
// what they should, every byte of it.
func (p *pair) only(t *testing.T, v *vault.Store, want ...int) {
	t.Helper()
	all, err := v.Backups(t.Context(), "")
	must(t, err)
	if len(all) != len(want) {
		t.Errorf("there are %d copies, not %d", len(all), len(want))
	}
	for _, n := range want {
		p.whole(t, v, n)
	}
}

// whole checks a copy, every byte of it.
func (p *pair) whole(t *testing.T, v *vault.Store, n int) {
	t.Helper()
	c, err := v.Open(t.Context(), p.made[n].ID)
	must(t, err)
	sameFolder(t, "the copy", storetest.Read(t, c.Folder()), p.folders[n])
	must(t, c.Close())
	report, err := v.Verify(t.Context(), p.made[n].ID, russet.VerifyOptions{Full: true})
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("copy %d verifies as %+v, %v", n, report.Problems, err)
	}
}

// middle spoils a file in its middle.
func middle(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	must(t, err)
	must(t, os.Chmod(file, 0o600))
	flip(t, file, info.Size()/2)
}

// spoilPhoto damages the packs of the first backup where they hold a photo,
// which the second has, too.
func (p *pair) spoilPhoto(t *testing.T) {
	t.Helper()
	for _, pack := range p.old {
		info, err := os.Stat(pack)
		must(t, err)
		must(t, os.Chmod(pack, 0o600))
		for i := range int64(8) {
			at := info.Size() * (2*i + 1) / 16
			flip(t, pack, at)
			v := store(t, p.from, vault.Options{})
			report, err := v.Verify(t.Context(), p.made[1].ID, russet.VerifyOptions{Full: true})
			must(t, errors.Join(err, v.Close()))
			if n := len(report.Problems); n == 1 && strings.HasSuffix(report.Problems[0].Path, ".JPG") {
				return
			}
			flip(t, pack, at) // as it was
		}
	}
	t.Fatal("no photo was found in the packs")
}

// TestCopyFromDamaged: what is damaged where it is copied from is not needed if
// it is there already; else the copy ends with a word about it, and there is
// none.
func TestCopyFromDamaged(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.spoilPhoto(t)
	to := store(t, p.to, vault.Options{})
	defer to.Close()
	must(t, p.copy(t, to))
	p.only(t, to, 0, 1)
	must(t, to.Delete(t.Context(), p.made[1].ID))
	for _, pack := range p.fresh {
		middle(t, pack)
	}
	err := p.copy(t, to)
	if russet.KindOf(err) != russet.Damaged || !strings.Contains(err.Error(), "damaged where it is copied from") {
		t.Errorf("a copy of what is damaged: %v", err)
	}
	p.only(t, to, 0)
}

// TestCopyNotAsSaid: a file that reads well where it comes from, and is not what
// its index says, is not copied.
func TestCopyNotAsSaid(t *testing.T) {
	t.Parallel()
	s := newSeal(t)
	rows := []row{
		s.padded(t, "CameraRollDomain", "Media/1.JPG", "\xFF\xD8\xFF"+randomText(1, 5000)),
		s.padded(t, "HomeDomain", "Library/a", "a"),
	}
	from := store(t, t.TempDir(), vault.Options{})
	defer from.Close()
	b := send(t, from, russet.BeginOptions{Encrypted: true, Passwords: fixed(storetest.Password)}, s.folder(t, storetest.Device, 1, rows, ""), rows)
	for _, name := range []string{rows[0].name(), "Info.plist", "Manifest.db"} {
		c, err := from.Open(t.Context(), b.ID)
		must(t, err)
		must(t, vault.SayOtherwise(c, name))
		to := store(t, t.TempDir(), vault.Options{})
		_, err = to.Import(t.Context(), c.Folder(), russet.ImportOptions{ID: b.ID})
		if russet.KindOf(err) != russet.Damaged || !strings.Contains(err.Error(), name) {
			t.Errorf("a copy of what is not what it is said to be: %v", err)
		}
		all, err := to.Backups(t.Context(), "")
		if err != nil || len(all) > 0 {
			t.Errorf("there is a copy: %+v, %v", all, err)
		}
		must(t, errors.Join(c.Close(), to.Close()))
	}
}

// TestCopyToDamaged: what the vault has lost is not taken for being there. A
// copy that needs it ends with a word about it; once the vault has been
// repaired, what was lost comes from the other vault.
func TestCopyToDamaged(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, pack := range blobs(t, p.to, "p") {
		must(t, os.Remove(pack))
	}
	to := store(t, p.to, vault.Options{})
	err := p.copy(t, to)
	e, ok := errors.AsType[*russet.Error](err)
	if !ok || e.Kind != russet.Damaged || !strings.Contains(e.Hint, "russet repair home") {
		t.Errorf("a copy to a vault whose packs are gone: %+v", err)
	}
	all, err := to.Backups(t.Context(), "")
	if err != nil || len(all) != 1 {
		t.Errorf("there are %d copies, %v", len(all), err)
	}
	_, err = to.Repair(t.Context())
	must(t, err)
	must(t, to.Close())
	to = store(t, p.to, vault.Options{})
	defer to.Close()
	must(t, p.copy(t, to))
	p.whole(t, to, 1)
}

// TestCopyAfterRot: a file that is known to be damaged in the earlier copy is
// read from where it comes from.
func TestCopyAfterRot(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, pack := range blobs(t, p.to, "p") {
		middle(t, pack)
	}
	to := store(t, p.to, vault.Options{})
	did, err := to.Repair(t.Context())
	if err != nil || len(did) == 0 {
		t.Fatalf("repaired: %+v, %v", did, err)
	}
	must(t, to.Close())
	to = store(t, p.to, vault.Options{})
	defer to.Close()
	must(t, p.copy(t, to))
	p.whole(t, to, 1)
}

// TestCopyToFolder: of a copy to a folder that has an earlier one only what is
// new is read from the vault, and what was changed in the folder since, be it of
// the same size and date, is not taken for what it was.
func TestCopyToFolder(t *testing.T) {
	t.Parallel()
	for _, tampered := range []bool{false, true} {
		p := newPair(t)
		dir := t.TempDir()
		to, err := folder.Open(t.Context(), dir, folder.Options{Name: "away", Create: true})
		must(t, err)
		first, err := copyTo(t, p.from, to, p.made[0].ID)
		must(t, err)
		photos := 0
		for name, data := range p.folders[0] {
			if !strings.HasPrefix(data, "\xFF\xD8\xFF") || p.folders[1][name] != data {
				continue
			}
			if photos++; !tampered {
				continue
			}
			files, err := filepath.Glob(filepath.Join(dir, string(storetest.Device)+"-*", name))
			if err != nil || len(files) != 1 {
				t.Fatalf("%q is in the folder as %v, %v", name, files, err)
			}
			info, err := os.Stat(files[0])
			must(t, err)
			flip(t, files[0], 1000)
			must(t, os.Chtimes(files[0], info.ModTime(), info.ModTime()))
		}
		second, err := copyTo(t, p.from, to, p.made[1].ID)
		must(t, err)
		t.Logf("%d photos; read: %d bytes, then %d", photos, first, second)
		if small := second < first/2; photos == 0 || small == tampered {
			t.Errorf("changed in the folder: %v; for the first copy %d bytes were read, for the second %d", tampered, first, second)
		}
		c, err := to.Open(t.Context(), p.made[1].ID)
		must(t, err)
		sameFolder(t, "the copy", storetest.Read(t, c.Folder()), p.folders[1])
		must(t, c.Close())
		report, err := to.Verify(t.Context(), p.made[1].ID, russet.VerifyOptions{Full: true})
		if err != nil || len(report.Problems) > 0 {
			t.Errorf("the copy verifies as %+v, %v", report.Problems, err)
		}
		must(t, to.Close())
	}
}

// TestCopyOfDamagedToFolder: a copy to a folder says that it is the vault that
// is damaged, and leaves nothing.
func TestCopyOfDamagedToFolder(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, pack := range p.fresh {
		middle(t, pack)
	}
	to, err := folder.Open(t.Context(), t.TempDir(), folder.Options{Name: "away", Create: true})
	must(t, err)
	defer to.Close()
	_, err = copyTo(t, p.from, to, p.made[1].ID)
	if !vault.IsDamage(err) {
		t.Errorf("a copy of what is damaged: %v", err)
	}
	all, err := to.Backups(t.Context(), "")
	if err != nil || len(all) > 0 {
		t.Errorf("there is a copy: %+v, %v", all, err)
	}
}

// TestCopyToServer: of a second copy from a disk to a server only what is new is
// read and written. A server that dies in the middle leaves the earlier copy as
// it was.
func TestCopyToServer(t *testing.T) {
	for name, start := range far {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			r := newRemote(t, start(t))
			first, err := copyTo(t, p.from, r.store, p.made[0].ID)
			must(t, err)
			r.reopen()
			r.server.KillAfter(60_000)
			if _, err := copyTo(t, p.from, r.store, p.made[1].ID); russet.KindOf(err) != russet.NotConnected {
				t.Errorf("a copy to a server that died: %v", err)
			}
			r.server.Start()
			r.reopen()
			p.only(t, r.store, 0)
			r.reopen()
			before := r.back.Counters()
			second, err := copyTo(t, p.from, r.store, p.made[1].ID)
			must(t, err)
			after := r.back.Counters()
			t.Logf("read from the disk: %d bytes, then %d; from the server %d in %d requests", first, second, after.BytesGot-before.BytesGot, after.Gets-before.Gets)
			if second > first/2 || after.BytesPut-before.BytesPut > first/2 {
				t.Errorf("of the first copy %d bytes were read, of the second %d, and %d written", first, second, after.BytesPut-before.BytesPut)
			}
			p.only(t, r.store, 0, 1)
		})
	}
}
