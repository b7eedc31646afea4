package vault_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"russet"
	"russet/device/devicelink"
	"russet/internal/storetest"
	"russet/internal/vault"
)

const (
	spoolLimit = 2 << 20
	mediaSize  = 1<<20 + 4321
	filmSize   = 9 << 20
)

// randomText is n bytes that no compressor makes smaller.
func randomText(seed uint64, n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b) //nolint:errcheck // it never fails
	return string(b)
}

// bulky is a phone that does not fit into the spool.
func bulky(tb testing.TB, s *seal) []row {
	tb.Helper()
	db := manifestDB(tb, nil) + strings.Repeat("Canary of a database page. 12345", 50_000)[:1_536_000]
	rows := []row{
		s.padded(tb, "CameraRollDomain", "Media/DCIM/film.mov", "\x00\x00\x00\x18ftypqt  "+randomText(1, filmSize)),
		s.padded(tb, "HomeDomain", "Library/SMS/sms.db", db),
		s.padded(tb, "HomeDomain", "Library/Notes.sqlite-wal", "\x37\x7f\x06\x82"+text(1<<20+99)),
		s.padded(tb, "HomeDomain", "Library/small.plist", text(200)),
		s.padded(tb, "HomeDomain", "Library/Ring/long.m4r", randomText(2, mediaSize)), // with a digest
	}
	for i := range 6 {
		rows = append(rows, s.padded(tb, "CameraRollDomain", "Media/DCIM/"+string(rune('a'+i))+".JPG", "\xFF\xD8\xFFCanary"+randomText(uint64(10+i), mediaSize)))
	}
	return rows
}

var errStop = errors.New("the cable is out")

// watched is a draft that looks at its spool after every file, and stops where
// the device begins to move.
type watched struct {
	named
	stop bool
	most int64 // the spool held
	sent int
}

func (w *watched) Create(name string) (devicelink.Upload, error) {
	if strings.Contains(name, "Snapshot/") && len(name) > 60 {
		w.sent++
	}
	w.most = max(w.most, vault.SpoolBytes(w.Draft))
	up, err := w.named.Create(name)
	return &watchedUpload{up, w}, err
}

func (w *watched) Rename(from, to string) error {
	if w.stop {
		return errStop
	}
	return w.Draft.Rename(from, to)
}

type watchedUpload struct {
	devicelink.Upload
	w *watched
}

func (u *watchedUpload) Write(p []byte) (int, error) {
	n, err := u.Upload.Write(p)
	u.w.most = max(u.w.most, vault.SpoolBytes(u.w.Draft))
	return n, err
}

// TestSpool: a phone that does not fit into the spool, a SIGKILL in the middle.
func TestSpool(t *testing.T) {
	t.Parallel()
	s := newSeal(t)
	rows := bulky(t, s)
	f := s.folder(t, storetest.Device, 1, rows, "")
	dir := t.TempDir()
	v := store(t, dir, vault.Options{Spool: spoolLimit})
	opts := russet.BeginOptions{Device: storetest.Device, Encrypted: true, Passwords: fixed(storetest.Password), Allow: -1}
	d, err := v.Begin(t.Context(), opts)
	must(t, err)
	w := &watched{named: named{d, paths(rows)}, stop: true}
	if _, err := storetest.Play(w, storetest.Device, f); !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	if w.most > spoolLimit+filmSize+64 {
		t.Errorf("the spool held %d bytes", w.most)
	}
	vault.WaitNormalised(d)
	killed := t.TempDir()
	must(t, os.CopyFS(killed, os.DirFS(dir))) // what a SIGKILL leaves
	secret(t, dir, f)
	must(t, d.Suspend(context.WithoutCancel(t.Context())))
	must(t, v.Close())

	v = store(t, killed, vault.Options{Spool: spoolLimit})
	defer v.Close()
	d, err = v.Begin(t.Context(), opts)
	must(t, err)
	if !d.Resumed() {
		t.Error("after a SIGKILL the draft is not resumed")
	}
	w = &watched{named: named{d, paths(rows)}}
	_, err = storetest.Play(believing{w, storetest.Device, f}, storetest.Device, f)
	must(t, err)
	if w.sent != 0 {
		t.Errorf("after a SIGKILL %d files were sent again", w.sent)
	}
	b, err := d.Commit(t.Context())
	must(t, err)
	bulkyWell(t, v, b, f, rows, true)
	if _, err := v.Convert(t.Context(), nil); err != nil {
		t.Error(err)
	}
	bulkyWell(t, v, b, f, rows, false)
	secret(t, killed, f)
}

// believing is a draft whose device, as devices do, believes the listing and
// reads no payload back.
type believing struct {
	*watched
	device russet.UDID
	f      storetest.Folder
}

func (b believing) Open(name string) (fs.File, error) {
	leaf := strings.TrimPrefix(name, string(b.device)+"/Snapshot/")
	if data, ok := b.f[leaf]; ok && strings.Contains(leaf, "/") {
		list, err := b.ReadDir(string(b.device) + "/Snapshot/" + leaf[:2])
		for _, e := range list {
			if info, err := e.Info(); err == nil && e.Name() == leaf[3:] && info.Size() == int64(len(data)) {
				return mapFS(storetest.Folder{"x": data}).Open("x")
			}
		}
		return nil, errors.Join(err, fs.ErrNotExist)
	}
	return b.watched.Open(name)
}

// bulkyWell looks at the backup of a bulky phone: all of it is there, and only
// what is large and no database waits for its conversion.
func bulkyWell(t *testing.T, v *vault.Store, b russet.Backup, f storetest.Folder, rows []row, waits bool) {
	t.Helper()
	c, err := v.Open(t.Context(), b.ID)
	must(t, err)
	defer c.Close()
	sameFolder(t, "bulky", storetest.Read(t, c.Folder()), f)
	lines, err := vault.Lines(c)
	must(t, err)
	for i := range rows {
		l := lines[rows[i].name()]
		why, rebuild := "", "cbc"
		if waits && strings.HasSuffix(rows[i].path, ".mov") {
			why, rebuild = "pending", ""
		}
		if l.Why != why || l.Rebuild != rebuild {
			t.Errorf("%s is kept as %+v, not %q", rows[i].path, l, why)
		}
	}
	report, err := v.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: true})
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("verified: %+v, %v", report, err)
	}
}

// secret looks through every file of the vault and of the computer's part for
// what must not be there in the clear, and for anything that is not random.
func secret(t *testing.T, dir string, f storetest.Folder) {
	t.Helper()
	words := []string{"Canary", "canary", phoneNumber, storetest.Password, password, "HomeDomain", "CameraRollDomain", "sms.db", "SQLite format 3", "bplist00", "A phone"}
	cipher := []byte(f[largest(f)][4096:4160])
	files := 0
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		files++
		rel, _ := filepath.Rel(dir, name)
		for _, word := range words {
			if bytes.Contains(data, []byte(word)) {
				t.Errorf("%s holds %q in the clear", rel, word)
			}
		}
		if bytes.Contains(data, cipher) {
			t.Errorf("%s holds what the device sent as it sent it", rel)
		}
		own := strings.HasPrefix(rel, "state") && !strings.Contains(rel, "spool")
		if n := len(data); n >= 4096 && !own && entropy(data) < 7.9 {
			t.Errorf("%s, %d bytes, has an entropy of %.2f bits", rel, n, entropy(data))
		}
		return err
	})
	must(t, err)
	if files < 10 {
		t.Errorf("only %d files were looked at", files)
	}
}

func largest(f storetest.Folder) (name string) {
	for n, data := range f {
		if len(data) > len(f[name]) {
			name = n
		}
	}
	return name
}

// entropy is in bits per byte.
func entropy(data []byte) float64 {
	var count [256]float64
	for _, b := range data {
		count[b]++
	}
	sum := 0.0
	for _, n := range count {
		if n > 0 {
			p := n / float64(len(data))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

// TestNewKeyForOldFile: the device sends another manifest, with another key for
// a file that was decrypted already.
func TestNewKeyForOldFile(t *testing.T) {
	t.Parallel()
	s := newSeal(t)
	rows := []row{s.padded(t, "AppDomain-a", "Documents/a", text(1000)), s.padded(t, "AppDomain-a", "Documents/b", text(2000))}
	first := s.folder(t, storetest.Device, 1, rows, "")
	_, rows[0].key = s.newFileKey(t, 3)
	second := s.folder(t, storetest.Device, 2, rows, "")
	v := store(t, t.TempDir(), vault.Options{})
	defer v.Close()
	d, err := v.Begin(t.Context(), russet.BeginOptions{Device: storetest.Device, Encrypted: true, Passwords: fixed(storetest.Password), Allow: -1})
	must(t, err)
	if _, err := storetest.Play(&watched{named: named{Draft: d}, stop: true}, storetest.Device, first); !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	vault.WaitNormalised(d)
	_, err = storetest.Play(d, storetest.Device, second)
	must(t, err)
	b, err := d.Commit(t.Context())
	must(t, err)
	c, err := v.Open(t.Context(), b.ID)
	must(t, err)
	defer c.Close()
	sameFolder(t, "with another key", storetest.Read(t, c.Folder()), second)
}
