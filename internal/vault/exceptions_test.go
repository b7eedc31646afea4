package vault_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"russet"
	"russet/internal/storetest"
	"russet/internal/vault"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// exception is a file out of the ordinary, and what must become of it.
type exception struct {
	row
	rebuild, why string
	cond         mobilesync.Condition
	content      string
	err          error // of reading it
}

// text is n bytes whose end is no padding.
func text(n int) string { return strings.Repeat("Canary sings in the dark. ", n/26+1)[:n-1] + "." }

// exceptions are a phone's files, with every odd kind that was ever seen.
func exceptions(tb testing.TB, s *seal) map[string]exception {
	tb.Helper()
	k3, w3 := s.newFileKey(tb, 3)
	k17, w17 := s.newFileKey(tb, 17)
	wrongClass := append([]byte{9, 0, 0, 0}, w3[4:]...)
	lost := append([]byte{3, 0, 0, 0}, []byte(text(40))...)
	curve := append([]byte{3, 0, 0, 0}, []byte(text(72))...)
	db := manifestDB(tb, nil)                   // any database
	endsIn1 := db[:len(db)-1] + "\x01"          // one whose last page looks like padding
	wal := "\x37\x7f\x06\x82" + text(24+2*4120) // frames are no whole number of pages
	e := map[string]exception{
		"whole":            {row: row{stored: encrypt(tb, k3, text(100)), key: w3, size: 100}, rebuild: "cbc", content: text(100)},
		"block":            {row: row{stored: encrypt(tb, k3, text(64)), key: w3, size: 64}, rebuild: "cbc", content: text(64)},
		"big":              {row: row{stored: encrypt(tb, k3, text(5<<20+3)), key: w3, size: 5<<20 + 3}, rebuild: "cbc", content: text(5<<20 + 3)},
		"empty, padded":    {row: row{stored: encrypt(tb, k3, ""), key: w3}, rebuild: "cbc"},
		"empty, keyless":   {row: row{}},
		"empty, keyed":     {row: row{key: w3}, why: "dataless"},
		"dataless":         {row: row{key: w3, size: 1000}, why: "dataless", cond: mobilesync.Dataless},
		"dataless keyless": {row: row{size: 1000}, why: "dataless", cond: mobilesync.Dataless},
		"unpadded":         {row: row{stored: encryptBare(tb, k3, text(48)), key: w3, size: 48}, why: "unpadded", cond: mobilesync.Unpadded, content: text(48)},
		"bad padding": {
			row: row{stored: encryptBare(tb, k3, text(45)+"\x03\x02\x03"), key: w3, size: 45},
			why: "unpadded", cond: mobilesync.Unpadded, content: text(45) + "\x03\x02\x03",
		},
		"padding of 0": {
			row: row{stored: encryptBare(tb, k3, text(32)+strings.Repeat("\x00", 16)), key: w3, size: 32},
			why: "unpadded", cond: mobilesync.Unpadded, content: text(32) + strings.Repeat("\x00", 16),
		},
		"looks padded": {row: row{stored: encryptBare(tb, k3, text(31)+"\x01"), key: w3, size: 32}, rebuild: "cbc", content: text(31)},
		"database that looks padded": {
			row: row{stored: encryptBare(tb, k3, endsIn1), key: w3, size: int64(len(db))},
			why: "unpadded", cond: mobilesync.Unpadded, content: endsIn1,
		},
		"cut off":         {row: row{stored: encrypt(tb, k3, text(100))[:90], key: w3, size: 100}, why: "truncated", cond: mobilesync.Truncated, content: text(100)[:80], err: keybag.ErrTruncated},
		"almost nothing":  {row: row{stored: "1234567", key: w3, size: 100}, why: "truncated", cond: mobilesync.Truncated, err: keybag.ErrTruncated},
		"class 17":        {row: row{stored: encrypt(tb, k17, text(70)), key: w17, size: 70, class: 7}, rebuild: "cbc", content: text(70)},
		"wrong class":     {row: row{stored: encrypt(tb, k3, text(71)), key: wrongClass, size: 71}, rebuild: "cbc", content: text(71)},
		"lost key":        {row: row{stored: encrypt(tb, k17, text(72)), key: lost, size: 72}, why: "no key", err: mobilesync.ErrUndecryptable},
		"curve key":       {row: row{stored: encrypt(tb, k17, text(73)), key: curve, size: 73}, why: "no key", err: mobilesync.ErrUndecryptable},
		"another key":     {row: row{stored: encryptBare(tb, k17, text(80)), key: w3, size: 80, digest: true}, why: "no key", err: mobilesync.ErrUndecryptable},
		"plain, keyed":    {row: row{stored: "bplist00" + text(40), key: w3, size: 48}, why: "foreign", cond: mobilesync.Foreign, content: "bplist00" + text(40)},
		"plain, odd":      {row: row{stored: "<?xml " + text(47), key: w3, size: 53}, why: "foreign", cond: mobilesync.Foreign, content: "<?xml " + text(47)},
		"plain, keyless":  {row: row{stored: text(50), size: 50}, why: "foreign", cond: mobilesync.Foreign, content: text(50)},
		"key is missing":  {row: row{stored: encrypt(tb, k3, "x"), size: 1}, why: "foreign", cond: mobilesync.Foreign, content: encrypt(tb, k3, "x")},
		"size is larger":  {row: row{stored: encrypt(tb, k3, db), key: w3, size: 1 << 20}, rebuild: "cbc", content: db},
		"size is smaller": {row: row{stored: encrypt(tb, k3, text(333)), key: w3, size: 3}, rebuild: "cbc", content: text(333)},
		"x.db":            {row: row{stored: encrypt(tb, k3, db), key: w3, size: int64(len(db))}, rebuild: "cbc", content: db},
		"y.db-wal":        {row: row{stored: encrypt(tb, k3, wal), key: w3, size: int64(len(wal))}, rebuild: "cbc", content: wal},
	}
	for name, x := range e {
		x.domain, x.path = "AppDomain-org.example", "Documents/"+name
		if x.class == 0 {
			x.class = 3
		}
		e[name] = x
	}
	return e
}

func rowsOf(e map[string]exception) []row {
	var rows []row
	for _, x := range e {
		rows = append(rows, x.row)
	}
	return rows
}

// TestExceptions: whatever a device or another program stored comes back to the
// last bit, is described as what it is, and reads as it would from its folder.
func TestExceptions(t *testing.T) {
	t.Parallel()
	s := newSeal(t)
	e := exceptions(t, s)
	rows := rowsOf(e)
	v := store(t, t.TempDir(), vault.Options{})
	defer v.Close()
	opts := russet.BeginOptions{Full: true, Passwords: fixed(storetest.Password)}
	asFolder(t, s.folder(t, storetest.Device, 1, rows, ""), e)

	for i, way := range []struct {
		name string
		bear func(f storetest.Folder) russet.Backup
	}{
		{"spooled", func(f storetest.Folder) russet.Backup {
			opts.Encrypted = true
			return send(t, v, opts, f, rows)
		}},
		{"not told", func(f storetest.Folder) russet.Backup {
			opts.Encrypted = false
			return send(t, v, opts, f, rows)
		}},
		{"imported", func(f storetest.Folder) russet.Backup {
			b, err := v.Import(t.Context(), mapFS(f), russet.ImportOptions{Passwords: opts.Passwords})
			must(t, err)
			return b
		}},
	} {
		f := s.folder(t, storetest.Device, i+1, rows, strings.Repeat("no page", i))
		b := way.bear(f)
		inspect(t, v, way.name, b, f, e)
		if _, err := v.Convert(t.Context(), opts.Passwords); err != nil {
			t.Errorf("%s: converted: %v", way.name, err)
		}
		inspect(t, v, way.name+", converted", b, f, e)
	}
	fromVault(t, v, e)
}

// fromVault copies a backup into another vault, without its password.
func fromVault(t *testing.T, v *vault.Store, e map[string]exception) {
	all, err := v.Backups(t.Context(), "")
	must(t, err)
	c, err := v.Open(t.Context(), all[0].ID)
	must(t, err)
	defer c.Close()
	other := store(t, t.TempDir(), vault.Options{})
	defer other.Close()
	b, err := other.Import(t.Context(), c.Folder(), russet.ImportOptions{ID: all[0].ID})
	must(t, err)
	inspect(t, other, "from another vault", b, storetest.Read(t, c.Folder()), e)
}

// inspect looks at a backup in every way there is.
func inspect(t *testing.T, v *vault.Store, way string, b russet.Backup, f storetest.Folder, e map[string]exception) {
	t.Helper()
	c, err := v.Open(t.Context(), b.ID)
	must(t, err)
	defer c.Close()
	sameFolder(t, way, storetest.Read(t, c.Folder()), f)
	lines, err := vault.Lines(c)
	must(t, err)
	for name, x := range e {
		l := lines[x.name()]
		if l.Rebuild != x.rebuild || l.Why != x.why || l.Stored != int64(len(x.stored)) {
			t.Errorf("%s: %s is kept as %+v, not rebuild %q, why %q", way, name, l, x.rebuild, x.why)
		}
	}
	for _, name := range []string{"Info.plist", "Status.plist", "Manifest.plist"} {
		if l := lines[name]; l.Why != "" || l.Rebuild != "" {
			t.Errorf("%s: %s is kept as %+v", way, name, l)
		}
	}
	asBackup(t, way, c.Folder(), "", e)
	asBackup(t, way+", with the password", c.Folder(), storetest.Password, e)
	report, err := v.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true})
	if err != nil || len(report.Problems) > 0 || len(report.Notes) > 0 {
		t.Errorf("%s: verified: %v, %v", way, report, err)
	}
}

func asFolder(t *testing.T, f storetest.Folder, e map[string]exception) {
	t.Helper()
	asBackup(t, "the folder itself", mapFS(f), storetest.Password, e)
}

// asBackup reads the files of a backup as everybody does.
func asBackup(t *testing.T, way string, fsys fs.FS, password string, e map[string]exception) {
	t.Helper()
	b, err := mobilesync.Open(t.Context(), fsys, mobilesync.Options{Password: password})
	if err != nil {
		t.Errorf("%s: open: %v", way, err)
		return
	}
	defer b.Close()
	for name, x := range e {
		r, err := b.Lookup(t.Context(), x.domain, x.path)
		must(t, err)
		got, cond, err := contentOf(b, &r)
		switch {
		case x.err == nil && err != nil, !errors.Is(err, x.err):
			t.Errorf("%s: %s reads with %v, not %v", way, name, err, x.err)
		case errors.Is(err, mobilesync.ErrUndecryptable):
		case got != x.content || cond != x.cond:
			t.Errorf("%s: %s reads as %d bytes, %v, not %d, %v", way, name, len(got), cond, len(x.content), x.cond)
		}
	}
}

func contentOf(b *mobilesync.Backup, r *mobilesync.Record) (string, mobilesync.Condition, error) {
	c, err := b.Content(r)
	if err != nil {
		return "", 0, err
	}
	defer c.Close()
	data, err := io.ReadAll(c)
	if int64(len(data)) != c.Size() {
		err = errors.Join(err, fmt.Errorf("%d bytes were read of %d", len(data), c.Size()))
	}
	return string(data), c.Condition(), err
}

// TestPasswordLater: without the password, or with a wrong one, everything is
// kept as it came; when it becomes known, also what later backups carried over
// becomes content.
func TestPasswordLater(t *testing.T) {
	t.Parallel()
	s := newSeal(t)
	e := exceptions(t, s)
	rows := rowsOf(e)
	v := store(t, t.TempDir(), vault.Options{})
	defer v.Close()
	ctx := t.Context()
	var made []russet.Backup
	var folders []storetest.Folder
	for i, pass := range []russet.Passwords{nil, fixed("wrong"), fixed(""), fixed(storetest.Password)} {
		// The last run carries everything over from one without the password.
		f := s.folder(t, storetest.Device, i+1, rows, "")
		b := send(t, v, russet.BeginOptions{Full: i == 1, Encrypted: i != 2, Passwords: pass}, f, rows)
		made, folders = append(made, b), append(folders, f)
	}
	f := s.folder(t, storetest.Device, 9, rows, "")
	b, err := v.Import(ctx, mapFS(f), russet.ImportOptions{Passwords: fixed("wrong")})
	must(t, err)
	made, folders = append(made, b), append(folders, f)
	for i, b := range made {
		locked(t, v, b, folders[i], i == 3)
	}
	// What was carried over into a backup whose password is known needs none.
	if done, err := v.Convert(ctx, fixed("wrong")); err != nil || done.Backups != 1 {
		t.Errorf("converted with a wrong password: %+v, %v", done, err)
	}
	if _, n, err := v.Pending(ctx); err != nil || n != 4 {
		t.Errorf("%d backups wait for the password, %v", n, err)
	}
	done, err := v.Convert(ctx, fixed(storetest.Password))
	if err != nil || done.Backups != 4 {
		t.Errorf("converted: %+v, %v", done, err)
	}
	for i, b := range made {
		inspect(t, v, fmt.Sprintf("run %d, converted later", i), b, folders[i], e)
	}
	if bytes, n, err := v.Pending(ctx); err != nil || n != 0 || bytes != 0 {
		t.Errorf("%d bytes and %d backups are still to be converted, %v", bytes, n, err)
	}
}

// locked looks at a backup whose password was not known.
func locked(t *testing.T, v *vault.Store, b russet.Backup, f storetest.Folder, known bool) {
	t.Helper()
	c, err := v.Open(t.Context(), b.ID)
	must(t, err)
	defer c.Close()
	sameFolder(t, "locked", storetest.Read(t, c.Folder()), f)
	if known {
		return
	}
	lines, err := vault.Lines(c)
	must(t, err)
	for name, l := range lines {
		want := "no password"
		if strings.HasSuffix(name, ".plist") {
			want = ""
		}
		if l.Why != want || l.Rebuild != "" || l.Key {
			t.Errorf("without the password %s is kept as %+v", name, l)
		}
	}
	report, err := v.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true})
	if err != nil || len(report.Problems) > 0 || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "password is not known") {
		t.Errorf("verified without the password: %+v, %v", report, err)
	}
	report, err = v.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true, Passwords: fixed(storetest.Password)})
	notes := strings.Join(report.Notes, "; ")
	if err != nil || len(report.Problems) > 0 || len(report.Notes) != 2 || !strings.Contains(notes, "as they came") || !strings.Contains(notes, "no key") {
		t.Errorf("verified with the password: %+v, %v", report, err)
	}
}

// TestSealedIsLookedInto: with the password, what arrived before it was known is
// decrypted, its digests are compared and its databases are opened; nothing in
// the vault changes.
func TestSealedIsLookedInto(t *testing.T) {
	t.Parallel()
	s := newSeal(t)
	db := manifestDB(t, []row{s.padded(t, "HomeDomain", "any", "thing")})
	torn := []byte(db)
	for i := len(torn) - 4096; i < len(torn); i++ {
		torn[i] = 0xff
	}
	rows := []row{
		s.padded(t, "HomeDomain", "Library/good.db", db), s.padded(t, "HomeDomain", "Library/torn.db", string(torn)),
		s.padded(t, "HomeDomain", "Library/good.txt", text(100)), s.padded(t, "HomeDomain", "Library/other.txt", text(200)),
	}
	f := s.folder(t, storetest.Device, 1, rows, "")
	other := []byte(rows[3].stored)
	other[20] ^= 1 // not what its digest says, but what came
	f[rows[3].name()], rows[3].stored = string(other), string(other)
	dir := t.TempDir()
	v := store(t, dir, vault.Options{})
	defer v.Close()
	b := send(t, v, russet.BeginOptions{Full: true, Encrypted: true}, f, rows)
	before := storetest.Read(t, os.DirFS(filepath.Join(dir, "vault")))
	for name, pass := range map[string]russet.Passwords{"none": nil, "wrong": fixed("wrong")} {
		report, err := v.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true, Passwords: pass})
		if err != nil || len(report.Problems) > 0 || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "password is not known") {
			t.Errorf("with the password %s: %+v, %v", name, report, err)
		}
	}
	report, err := v.Verify(t.Context(), b.ID, russet.VerifyOptions{Passwords: fixed(storetest.Password)})
	if err != nil || len(report.Problems)+len(report.Notes) > 0 {
		t.Errorf("the structure: %+v, %v", report, err)
	}
	report, err = v.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true, Passwords: fixed(storetest.Password)})
	must(t, err)
	found := map[string]string{}
	for _, p := range report.Problems {
		found[p.Path] = p.What
	}
	if len(found) != 2 || !strings.HasPrefix(found["HomeDomain/Library/torn.db"], "database: ") || !strings.HasPrefix(found["HomeDomain/Library/other.txt"], "digest: ") {
		t.Errorf("found %+v", report.Problems)
	}
	sameFolder(t, "the vault", storetest.Read(t, os.DirFS(filepath.Join(dir, "vault"))), before)
}
