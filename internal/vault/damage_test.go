package vault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"russet"
	"russet/internal/storetest"
	"russet/internal/vault"
	"russet/internal/vault/backend"
)

// hurt is a vault with a past that gets damaged: two backups of a phone.
type hurt struct {
	dir     string
	made    []russet.Backup
	folders []storetest.Folder
}

func hurtContents(tb testing.TB, day int) storetest.Contents {
	tb.Helper()
	c := storetest.Contents{
		"HomeDomain/Library/SMS/sms.db": manifestDB(tb, nil) + randomText(uint64(day), 100_000)[:98304],
	}
	for i := range 4 {
		c[fmt.Sprintf("CameraRollDomain/Media/%d.JPG", i)] = "\xFF\xD8\xFF" + randomText(uint64(30+i), 150_000)
	}
	for i := range 20 {
		c[fmt.Sprintf("AppDomain-a/Documents/%d", i)] = fmt.Sprintf("note %d of day %d", i, day*(i%2))
	}
	return c
}

func newHurt(t *testing.T) *hurt {
	h := &hurt{dir: t.TempDir()}
	v := h.open(t, h.dir, vault.Options{})
	for day := 1; day <= 2; day++ {
		f := storetest.Make(t, storetest.Device, day, hurtContents(t, day))
		b, err := storetest.Backup(t.Context(), v, storetest.Device, f)
		must(t, err)
		h.made, h.folders = append(h.made, b), append(h.folders, f)
	}
	must(t, v.Close())
	return h
}

// open opens the vault of a copy.
func (h *hurt) open(tb testing.TB, dir string, opts vault.Options) *vault.Store {
	tb.Helper()
	s, err := h.try(dir, opts)
	must(tb, err)
	return s
}

func (h *hurt) try(dir string, opts vault.Options) (*vault.Store, error) {
	ctx := context.Background()
	place := backend.Options{Location: backend.Location{Kind: backend.File, Path: filepath.Join(dir, "vault")}, Create: h.made == nil}
	if strings.HasSuffix(dir, "mirrored") || h.made == nil {
		place.Mirror = filepath.Join(dir, "mirror")
	}
	b, err := backend.Open(ctx, place)
	if err != nil {
		return nil, err
	}
	opts.Name, opts.Backend, opts.Password, opts.State = "home", b, password, filepath.Join(dir, "state")
	if h.made == nil {
		if err := vault.Create(ctx, opts); err != nil {
			return nil, err
		}
	}
	return vault.Open(ctx, opts)
}

// copy copies the vault; with a mirror if the name says so.
func (h *hurt) copy(tb testing.TB, name string) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), name)
	must(tb, os.CopyFS(dir, os.DirFS(h.dir)))
	return dir
}

// blobs lists the files of the blobs whose names begin with one of these.
func blobs(tb testing.TB, dir string, prefixes ...string) []string {
	tb.Helper()
	var files []string
	root := filepath.Join(dir, "vault")
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, name)
		id := strings.TrimSuffix(strings.ReplaceAll(rel, "/", ""), ".f")
		if err == nil && e.Type().IsRegular() && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(id, p) }) {
			files = append(files, name)
		}
		return err
	})
	must(tb, err)
	slices.Sort(files)
	return files
}

// condition is what a damaged vault says of itself.
type condition struct {
	open, list    error
	quick, full   int // problems
	read          int // files that read as they were
	wrong, failed int // files that read as something else, or say that they cannot
	words         string
	unread        []string // chunks, although nothing was found
}

func (h *hurt) look(t *testing.T, dir string, opts vault.Options) (c condition) {
	t.Helper()
	v, err := h.try(dir, opts)
	if c.open = err; err != nil {
		c.words = err.Error()
		return c
	}
	defer v.Close()
	return h.lookAt(t, v)
}

func (h *hurt) lookAt(t *testing.T, v *vault.Store) (c condition) {
	t.Helper()
	if _, c.list = v.Backups(t.Context(), ""); c.list != nil {
		c.words = c.list.Error()
		return c
	}
	for i, b := range h.made {
		for _, full := range []bool{false, true} {
			report, err := v.Verify(t.Context(), b.ID, russet.VerifyOptions{Full: full})
			n := len(report.Problems)
			if err != nil {
				n++
				c.words += "; " + err.Error()
			}
			for _, p := range report.Problems {
				c.words += "; " + p.Path + ": " + p.What
			}
			if full {
				c.full += n
			} else {
				c.quick += n
			}
		}
		h.read(t, v, b, h.folders[i], &c)
	}
	return c
}

func (h *hurt) read(t *testing.T, v *vault.Store, b russet.Backup, f storetest.Folder, c *condition) {
	t.Helper()
	o, err := v.Open(t.Context(), b.ID)
	if err != nil {
		c.failed += len(f)
		return
	}
	defer o.Close()
	for name, want := range f {
		switch got, err := fs.ReadFile(o.Folder(), name); {
		case err != nil:
			c.failed++
		case string(got) != want:
			c.wrong++
			t.Errorf("%s of %s reads as other bytes than were stored", name, b.ID)
		default:
			c.read++
		}
	}
}

func (h *hurt) all() int { return len(h.folders[0]) + len(h.folders[1]) }

func (c condition) well(h *hurt) bool {
	return c.open == nil && c.list == nil && c.quick == 0 && c.full == 0 && c.failed == 0 && c.wrong == 0 && c.read == h.all()
}

func (c condition) String() string {
	return fmt.Sprintf("open %v, list %v, verify %d, in full %d problems, %d files good, %d not: %.600s", c.open, c.list, c.quick, c.full, c.read, c.failed, c.words)
}

func flip(tb testing.TB, name string, at int64) {
	tb.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	must(tb, err)
	defer f.Close()
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	must(tb, err)
	b[0] ^= 1 << (at % 8)
	_, err = f.WriteAt(b[:], at)
	must(tb, err)
}

// put writes the first of two characters, or the second where the first is
// already.
func put(tb testing.TB, name string, at int64, either string) {
	tb.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	must(tb, err)
	defer f.Close()
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	must(tb, err)
	c := either[0]
	if b[0] == c {
		c = either[1]
	}
	_, err = f.WriteAt([]byte{c}, at)
	must(tb, err)
}

// flips flips bits all over a file. What lies where in a pack follows from which
// core was first: a single bit may hit what a second copy mends.
func flips(tb testing.TB, name string) {
	tb.Helper()
	info, err := os.Stat(name)
	must(tb, err)
	for i := range int64(16) {
		flip(tb, name, (2*i+1)*info.Size()/34)
	}
}

func largestOf(tb testing.TB, files []string) string {
	tb.Helper()
	return slices.MaxFunc(files, func(a, b string) int {
		x, err := os.Stat(a)
		must(tb, err)
		y, err := os.Stat(b)
		must(tb, err)
		return int(x.Size() - y.Size())
	})
}

func each(tb testing.TB, dir string, do func(string) error, prefixes ...string) {
	tb.Helper()
	for _, name := range blobs(tb, dir, prefixes...) {
		must(tb, do(name))
	}
}

func empty(name string) error { return os.Truncate(name, 0) }

// TestDamage is the table of what may happen to the files of a vault: what it
// says, what survives, what a repair mends with this computer's copies of the
// metadata and without, and what the phone mends by sending the same again.
func TestDamage(t *testing.T) {
	t.Parallel()
	h := newHurt(t)
	big := func(dir, prefix string) string { return largestOf(t, blobs(t, dir, prefix)) }
	for name, row := range map[string]struct {
		do   func(dir string)
		open russet.Kind // of the error to open it; 0 when it opens
		says string      // in what is said of it
		bare string      // mended without a mirror: "all", "sent" when the phone sends it again, "" when not
	}{
		"nothing":                  {func(string) {}, 0, "", "all"},
		"bits of a pack":           {func(dir string) { flips(t, big(dir, "p")) }, 0, "checksum", "sent"},
		"a pack is gone":           {func(dir string) { must(t, os.Remove(big(dir, "p"))) }, 0, "is lost", "sent"},
		"a pack is empty":          {func(dir string) { must(t, empty(big(dir, "p"))) }, 0, "is lost", "sent"},
		"a pack is cut off":        {func(dir string) { must(t, os.Truncate(big(dir, "p"), 300_000)) }, 0, "is lost", "sent"},
		"metadata is gone":         {func(dir string) { must(t, os.Remove(big(dir, "q"))) }, 0, "not found", ""},
		"metadata is empty":        {func(dir string) { must(t, empty(big(dir, "q"))) }, 0, "not found", ""},
		"all metadata is gone":     {func(dir string) { each(t, dir, os.Remove, "q") }, 0, "not found", ""},
		"an index is empty":        {func(dir string) { must(t, empty(big(dir, "x"))) }, 0, "", "all"},
		"an index is damaged":      {func(dir string) { flip(t, big(dir, "x"), 100) }, russet.Damaged, "repair", "all"},
		"all indexes are gone":     {func(dir string) { each(t, dir, os.Remove, "x") }, russet.Damaged, "index is lost", "all"},
		"the format is gone":       {func(dir string) { each(t, dir, os.Remove, "kopia.repository") }, russet.Failed, "does not exist", ""},
		"the format is damaged":    {func(dir string) { put(t, blobs(t, dir, "kopia.repository")[0], 600, "AB") }, russet.Password, "do not open it", ""},
		"the format is illegible":  {func(dir string) { put(t, blobs(t, dir, "kopia.repository")[0], 600, "!?") }, russet.Damaged, "stored data is damaged", ""},
		"the settings are damaged": {func(dir string) { flip(t, blobs(t, dir, "kopia.blobcfg")[0], 10) }, russet.Damaged, "repair", ""},
	} {
		places := []string{"bare", "mirrored"}
		if row.bare != "" && name != "an index is damaged" {
			places = places[:1] // the mirror makes no difference
		} else if name == "metadata is empty" || name == "all metadata is gone" {
			places = places[1:]
		}
		for _, place := range places {
			dir := h.copy(t, place)
			row.do(dir)
			c := h.look(t, dir, vault.Options{})
			switch {
			case (c.open != nil) != (row.open != 0), c.open != nil && russet.KindOf(c.open) != row.open, !strings.Contains(said(c), row.says), c.wrong > 0:
				t.Errorf("%s, %s: %v (kind %d)", name, place, c, russet.KindOf(c.open))
			case name != "nothing" && c.well(h):
				t.Errorf("%s, %s: nothing is noticed", name, place)
			}
			want := row.bare
			if want == "" && place == "mirrored" {
				want = "all"
			}
			h.repair(t, dir, name+", "+place, want)
		}
	}
}

func said(c condition) string {
	if e, ok := errors.AsType[*russet.Error](c.open); ok {
		return e.What + e.Hint
	}
	return c.words
}

// repair repairs a vault, and has the phone send everything again if that takes
// it.
func (h *hurt) repair(t *testing.T, dir, what, want string) {
	t.Helper()
	v, err := h.try(dir, vault.Options{Repair: true})
	if err != nil {
		if want != "" {
			t.Errorf("%s: opened for repair: %v", what, err)
		}
		return
	}
	defer func() { must(t, v.Close()) }()
	did, err := v.Repair(t.Context())
	if err != nil && want != "" {
		t.Errorf("%s: repaired: %v, %v", what, did, err)
	}
	unmended := slices.ContainsFunc(did, func(r russet.Repair) bool { return !r.Mended })
	if sound := strings.HasPrefix(what, "nothing"); unmended != (want == "sent") && want != "" || sound != (len(did) == 0) && want != "" {
		t.Errorf("%s: repaired: %v", what, did)
	}
	c := h.lookAt(t, v)
	if c.well(h) != (want == "all") {
		t.Errorf("%s: after the repair: %v", what, c)
	}
	if want != "sent" {
		return
	}
	// The phone is offered what is whole, and sends the rest again.
	d, err := v.Begin(t.Context(), russet.BeginOptions{Device: storetest.Device, Allow: -1})
	must(t, err)
	to := storetest.Make(t, storetest.Device, 3, hurtContents(t, 2))
	sent, err := storetest.Play(d, storetest.Device, to)
	must(t, err)
	if sent == 0 {
		t.Errorf("%s: the damaged files are not hidden from the phone", what)
	}
	if _, err := d.Commit(t.Context()); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	report, err := v.Verify(t.Context(), h.made[1].ID, russet.VerifyOptions{Full: true})
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("%s: once the phone has sent everything again the old backup has %v, %v", what, report.Problems, err)
	}
	if did, err = v.Repair(t.Context()); err != nil || len(did) == 0 || !did[len(did)-1].Mended {
		t.Errorf("%s: repaired again: %v, %v", what, did, err)
	}
}
