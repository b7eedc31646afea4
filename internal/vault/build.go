package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"russet/internal/facts"
	"russet/internal/overlay"
	"russet/internal/vault/depot"
	"russet/mobilesync"
	"russet/mobilesync/keybag"
)

// builder is the commit check, and makes the tree of the version on its way:
// every file row of Manifest.db has its file, what stayed has the size and the
// key it was recorded with, what was received has reached the vault.
type builder struct {
	ctx    context.Context
	s      *Store
	w      *session
	start  time.Time
	from   arrivals
	b      *mobilesync.Backup
	v      *version
	keys   *keybag.Unlocked
	shards []depot.Entry // the indexes written so far
	copies []depot.Entry // second copies of the manifests
	other  []entry       // index of what are no payloads
	odd    int           // rows that make no sense
	rekey  int           // files that stayed, whose row has another key now

	label   string        // of the incomplete version of an import; "" for a draft
	partial []depot.Entry // folders that are done, and as ownDir the backup it takes from
	told    time.Time     // when the vault was last told of them
}

// arrivals is where the files of a new version come from: a draft, or a folder
// that is imported.
type arrivals interface {
	// list lists a folder, sorted by name.
	list(name string) ([]overlay.Item, error)
	// ready is told of a folder of payloads and its rows before they are asked
	// for one by one.
	ready(c *builder, name string, items []overlay.Item, rows []mobilesync.Record) error
	// file keeps one file. row is nil for what is no payload, or has none.
	file(c *builder, name string, it overlay.Item, row *mobilesync.Record) (entry, error)
}

// Bounds against a device that makes folders, files or copies for ever.
const (
	maxDepth  = 64
	maxCopies = 1 << 10
	maxOther  = 1 << 16
)

// build makes the tree of a draft whose device has finished.
func (d *draft) build(ctx context.Context, b *mobilesync.Backup, v *version) (depot.Entry, error) {
	if err := d.ingest.wait(); err != nil {
		return depot.Entry{}, err
	}
	if !b.Locked() {
		if err := d.normalise(ctx, b); err != nil {
			return depot.Entry{}, err
		}
	}
	c := &builder{ctx: ctx, s: d.s, w: d.w, start: d.note.Started, from: &draftArrivals{d: d}, b: b, v: v, keys: b.Keys()}
	return c.build()
}

// build makes the tree of a new version.
func (c *builder) build() (depot.Entry, error) {
	if c.b.Locked() {
		c.v.rec.Locked = true
		c.v.rec.Unchecked = append(c.v.rec.Unchecked, "whether every file of the manifest is there: the backup's password is not known")
	}
	if err := c.tell(); err != nil {
		return depot.Entry{}, err
	}
	entries, err := c.folder("")
	if err != nil {
		return depot.Entry{}, err
	}
	if err := c.others(); err != nil {
		return depot.Entry{}, err
	}
	if err := c.missingFolders(entries); err != nil {
		return depot.Entry{}, err
	}
	if c.odd > 0 {
		c.v.rec.Unchecked = append(c.v.rec.Unchecked, fmt.Sprintf("%d rows of the manifest that make no sense", c.odd))
	}
	if c.rekey > 0 {
		c.v.rec.Unchecked = append(c.v.rec.Unchecked, fmt.Sprintf("%d files that the device did not send again although the manifest has another key for them", c.rekey))
	}
	own, err := c.own()
	if err != nil {
		return depot.Entry{}, err
	}
	return c.w.WriteDir(c.ctx, "", append(entries, own), c.start)
}

// folder writes the files and folders in a folder of the backup.
func (c *builder) folder(name string) ([]depot.Entry, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	if strings.Count(name, "/") >= maxDepth {
		return nil, facts.Damaged("its folders are nested too deeply: %.100q…", name)
	}
	items, err := c.from.list(name)
	if err != nil {
		return nil, err
	}
	if a, b, same := overlay.SameButForCase(items); same {
		return nil, facts.Damaged("%q and %q in %q differ only in case", a, b, name)
	}
	if isPayloadDir(name) {
		return c.payloads(name, items)
	}
	var entries []depot.Entry
	for _, it := range items {
		below := path.Join(name, it.Name)
		switch {
		case it.Folder && below == ownDir:
			return nil, facts.Damaged("it has a folder called %q, a name that is ours", ownDir)
		case it.Folder && below == snapshotDir:
			if err := c.leftovers(); err != nil {
				return nil, err
			}
		case it.Folder:
			e, err := c.subfolder(below, it.Name)
			if err != nil {
				return nil, err
			}
			entries = append(entries, e)
		default:
			e, err := c.file(below, it, nil)
			if err != nil {
				return nil, err
			}
			if c.other = append(c.other, e); len(c.other) > maxOther {
				return nil, facts.Damaged("it holds too many files that are no payloads, %q among them", below)
			}
			entries = append(entries, c.inTree(it.Name, &e, nil))
		}
	}
	return entries, nil
}

func (c *builder) subfolder(name, leaf string) (depot.Entry, error) {
	entries, err := c.folder(name)
	if err != nil {
		return depot.Entry{}, err
	}
	e, err := c.w.WriteDir(c.ctx, name, entries, newestOf(entries))
	e.Name = leaf
	if err == nil && name == leaf {
		err = c.beat(e)
	}
	return e, err
}

// inTree is a file in its folder. It has the time the device's file was
// modified, which stays while the file does: a folder in which nothing changed
// is the same as in the last version, and is not stored again.
func (c *builder) inTree(leaf string, e *entry, row *mobilesync.Record) depot.Entry {
	t := c.v.rec.Time
	if row != nil {
		t = row.ModTime()
	}
	return depot.Entry{Name: leaf, ID: e.id, Size: e.Size, ModTime: t}
}

// newestOf is the time of a folder.
func newestOf(entries []depot.Entry) (t time.Time) {
	for _, e := range entries {
		if e.ModTime.After(t) {
			t = e.ModTime
		}
	}
	return t
}

// snapshotDir is where the device gathers files before it moves them.
const snapshotDir = "Snapshot"

// leftovers looks at a Snapshot that the device did not remove. It is no part
// of a backup; with a manifest in it the device was not done.
func (c *builder) leftovers() error {
	items, err := c.from.list(snapshotDir)
	if err != nil {
		return err
	}
	for _, it := range items {
		if it.Name == facts.ManifestDB || it.Name == facts.ManifestPlist {
			return facts.Damaged("the device called it finished and left %s in its %s", it.Name, snapshotDir)
		}
	}
	c.s.log.Info("the device left its Snapshot behind; it is dropped", "entries", len(items))
	return nil
}

// payloads writes a folder "ab" with its index, and compares it with the rows
// of Manifest.db.
func (c *builder) payloads(name string, items []overlay.Item) ([]depot.Entry, error) {
	rows, err := c.rows(name)
	if err != nil {
		return nil, err
	}
	if err := c.from.ready(c, name, items, rows); err != nil {
		return nil, err
	}
	index := newIndexWriter(c.w)
	entries := make([]depot.Entry, 0, len(items))
	for _, it := range items {
		below := name + "/" + it.Name
		if it.Folder {
			index.w.Abort()
			return nil, facts.Damaged("%q is a folder where the files are", below)
		}
		for len(rows) > 0 && rows[0].ID.String() < it.Name {
			index.w.Abort()
			return nil, notReceived(&rows[0])
		}
		var row *mobilesync.Record
		if len(rows) > 0 && rows[0].ID.String() == it.Name {
			row, rows = &rows[0], rows[1:]
		}
		e, err := c.file(below, it, row)
		if err != nil {
			index.w.Abort()
			return nil, err
		}
		index.add(&e)
		entries = append(entries, c.inTree(it.Name, &e, row))
		if facts.IsPayload(below) {
			c.v.rec.Files++
		}
	}
	if len(rows) > 0 {
		index.w.Abort()
		return nil, notReceived(&rows[0])
	}
	shard, err := index.result(name)
	c.shards = append(c.shards, shard)
	return entries, err
}

func notReceived(r *mobilesync.Record) error {
	return facts.Damaged("%s of %q (%s) was not received", r.Path, r.Domain, r.ID)
}

// rows lists the files that are to be in a folder.
func (c *builder) rows(name string) ([]mobilesync.Record, error) {
	if c.v.rec.Locked {
		return nil, nil
	}
	var first byte
	if _, err := fmt.Sscanf(name, "%02x", &first); err != nil {
		return nil, err
	}
	var rows []mobilesync.Record
	for r, err := range c.b.RecordsUnder(c.ctx, first) {
		if _, odd := errors.AsType[*mobilesync.RowError](err); odd {
			c.odd++
			continue
		}
		if err != nil {
			return nil, facts.NotWhole(err)
		}
		if r.Kind == mobilesync.File {
			rows = append(rows, r)
		}
	}
	return rows, c.ctx.Err()
}

// missingFolders asks for the rows whose folder is not there at all.
func (c *builder) missingFolders(entries []depot.Entry) error {
	for i := range 256 {
		name := fmt.Sprintf("%02x", i)
		if slices.ContainsFunc(entries, func(e depot.Entry) bool { return e.Name == name && e.Dir }) {
			continue
		}
		rows, err := c.rows(name)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			return notReceived(&rows[0])
		}
	}
	return nil
}

// file is one file of the new version.
func (c *builder) file(name string, it overlay.Item, row *mobilesync.Record) (entry, error) {
	e, err := c.from.file(c, name, it, row)
	if err != nil {
		return e, err
	}
	e.settle(row, c.v.rec.Locked)
	c.v.rec.Size += e.Stored
	if e.Why == whyPending {
		c.v.rec.Pending += e.Stored
	}
	return e, nil
}

// manifest keeps one of the two manifests, twice: without Manifest.db the rest
// of an encrypted backup is noise. want is the checksum of what came, if it is
// known; f is the file of another store, if that is where it comes from.
func (c *builder) manifest(e entry, f fs.File, src source, want *sum) (entry, error) {
	key := keyFrom(f)
	if m := c.b.Manifest(); key == nil && e.Name == facts.ManifestDB && c.keys != nil && m.ManifestKey != nil {
		k, err := c.keys.FileKey(m.ManifestKey)
		if err != nil {
			return e, facts.Damaged("the key of %s does not open with the others", e.Name)
		}
		key = &k
	}
	s, err := c.stowManifest(f, src, key, want, e.Name)
	if err != nil {
		return e, err
	}
	e.take(&s, key)
	if c.v.rec.Locked && e.Name == facts.ManifestDB {
		e.Why = whyPassword
	}
	again, err := c.w.Reader(c.ctx, s.id)
	if err != nil {
		return e, err
	}
	defer again.Close()
	copied, err := c.w.copyApart(io.NewSectionReader(again, 0, s.length), e.Name)
	c.copies = append(c.copies, depot.Entry{Name: e.Name, ID: copied, Size: s.length, ModTime: c.v.rec.Time})
	return e, err
}

func (c *builder) stowManifest(f fs.File, src source, key *keybag.Key, want *sum, name string) (stowed, error) {
	if f != nil {
		return c.w.stowFrom(c.ctx, f, src, key, name)
	}
	return c.w.stow(c.ctx, src, key, want, name)
}

// take makes an entry of what a file became in the vault.
func (e *entry) take(s *stowed, key *keybag.Key) {
	e.id, e.Size, e.Sum, e.Why = s.id, s.length, s.sum, s.why
	switch e.Key.key = key; {
	case s.cbc:
		e.Rebuild, e.Content = rebuildCBC, &s.content
	case s.why == whyNoKey:
		e.Key.key = nil
	}
}

// settle adds what the file's row, or that it has none, says to why it is kept
// as it came.
func (e *entry) settle(row *mobilesync.Record, locked bool) {
	secret := facts.IsPayload(e.Name) || e.Name == facts.ManifestDB
	switch {
	case e.Rebuild != "":
	case row != nil && e.Stored == 0:
		if e.Why = ""; e.Key.key != nil || row.Size > 0 {
			e.Why = whyDataless
		}
	case row == nil && locked && secret && e.Why == "":
		e.Why = whyPassword
	case row == nil && e.Why == whyPassword && (!locked || !secret):
		e.Why = "" // no password would tell more of it
	}
}

// copyApart writes a file once more, into other packs than the first copy.
func (w *session) copyApart(in io.Reader, name string) (depot.ID, error) {
	kind := depot.Meta
	if name == facts.ManifestDB {
		kind = depot.MetaPages
	}
	out := w.Writer(kind)
	if _, err := io.CopyBuffer(struct{ io.Writer }{out}, in, make([]byte, copyBuffer)); err != nil {
		out.Abort()
		return "", err
	}
	return out.Result()
}

// others writes the index of what are no payloads.
func (c *builder) others() error {
	slices.SortFunc(c.other, func(a, b entry) int { return strings.Compare(a.Name, b.Name) })
	index := newIndexWriter(c.w)
	for i := range c.other {
		index.add(&c.other[i])
	}
	shard, err := index.result(otherShard)
	c.shards = append(c.shards, shard)
	return err
}
