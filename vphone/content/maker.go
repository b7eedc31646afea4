package content

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"strings"
	"time"

	"russet/vphone/content/internal/dice"
	"russet/vphone/content/internal/iosdb"
	"russet/vphone/content/internal/picture"
	"russet/vphone/disk"
	"russet/vphone/internal/plist"
)

// maker puts things on a phone. After the first mistake it does nothing more
// and keeps the mistake in err.
type maker struct {
	ctx  context.Context // of the one Make or Churn it lives for
	disk disk.Disk
	seed uint64
	now  time.Time
	dice *dice.Dice // for what nothing else depends on
	tmp  string     // for databases while they are written
	err  error

	keepPages bool // databases are copied page by page

	dirs     map[string]bool // made or found: domain, NUL, path
	inode    uint64
	files    int // put so far
	bytes    int64
	pictures [][]byte // beginnings of photos
	thumbs   [][]byte
	prose    string // a stock of text
}

// newMaker starts a maker whose draws follow from seed and label.
func newMaker(ctx context.Context, d disk.Disk, seed uint64, label string, now time.Time) (*maker, error) {
	tmp, err := os.MkdirTemp("", "vphone-")
	if err != nil {
		return nil, err
	}
	m := &maker{
		ctx: ctx, disk: d, seed: seed, now: now, dice: dice.New(seed, label), tmp: tmp,
		dirs: make(map[string]bool),
	}
	m.inode = 1<<32 + uint64(now.Sub(dayZero)/time.Second)<<8
	m.prose = m.dice.Text(64 << 10)
	for range 16 {
		m.pictures = append(m.pictures, m.picture(160, 120))
		m.thumbs = append(m.thumbs, m.picture(64, 48))
	}
	if m.err != nil {
		return nil, m.close()
	}
	return m, nil
}

func (m *maker) close() error { return errors.Join(m.err, os.RemoveAll(m.tmp)) }

// fail remembers the first mistake.
func (m *maker) fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

func (m *maker) picture(width, height int) []byte {
	b, err := picture.JPEG(m.dice, width, height)
	m.fail(err)
	return b
}

// with changes an entry before it is put.
type with func(*disk.Entry)

func at(t time.Time) with { return func(e *disk.Entry) { e.ModTime, e.ChangeTime, e.Birth = t, t, t } }

func modified(t time.Time) with { return func(e *disk.Entry) { e.ModTime, e.ChangeTime = t, t } }

func class(c uint8) with { return func(e *disk.Entry) { e.Class = c } }

func mode(bits uint32) with { return func(e *disk.Entry) { e.Mode = e.Mode&^0o7777 | bits } }

func owned(uid, gid int32) with { return func(e *disk.Entry) { e.UID, e.GID = uid, gid } }

func flagged(flags uint32) with { return func(e *disk.Entry) { e.Flags = flags } }

func encryptedOnly(e *disk.Entry) { e.EncryptedOnly = true }

// entry is what is usual for a name in a domain.
func (m *maker) entry(domain, path string, kind disk.Kind) *disk.Entry {
	m.inode++
	e := &disk.Entry{Domain: domain, Path: path, Kind: kind, UID: 501, GID: 501, Inode: m.inode}
	when := m.dice.Time(beginning, m.now)
	e.ModTime, e.ChangeTime, e.Birth = when, when, when
	switch kind {
	case disk.Dir:
		e.Mode = 0o40755
	case disk.Symlink:
		e.Mode = 0o120755
	default:
		e.Mode, e.Class = 0o100644, 3
		if m.dice.Chance(40) && !strings.HasPrefix(domain, "AppDomain") {
			e.Class = 4
		}
	}
	switch domain {
	case "RootDomain", "InstallDomain", "DatabaseDomain", "ManagedPreferencesDomain", "SystemPreferencesDomain", "KeychainDomain":
		e.UID, e.GID = 0, 0
	case "WirelessDomain":
		e.UID, e.GID = 25, 25
	}
	return e
}

func (m *maker) put(e *disk.Entry, content io.Reader, attributes []with) {
	if m.err == nil {
		m.err = m.ctx.Err()
	}
	if m.err != nil {
		return
	}
	for _, change := range attributes {
		change(e)
	}
	if err := m.disk.Put(e, content); err != nil {
		m.err = err
	}
}

// dir makes a directory and those above it.
func (m *maker) dir(domain, path string, attributes ...with) {
	key := domain + "\x00" + path
	if m.err != nil || m.dirs[key] {
		return
	}
	if path != "" {
		m.dir(domain, path[:max(strings.LastIndexByte(path, '/'), 0)])
	}
	m.dirs[key] = true
	if _, err := m.disk.Lookup(domain, path); err == nil {
		return
	}
	m.put(m.entry(domain, path, disk.Dir), nil, attributes)
}

func (m *maker) file(domain, path string, content io.Reader, attributes ...with) {
	m.dir(domain, path[:max(strings.LastIndexByte(path, '/'), 0)])
	e := m.entry(domain, path, disk.File)
	m.files++
	if p, ok := content.(*disk.PatternReader); ok {
		m.bytes += p.Len()
		m.put(e, p, attributes) // the disk recognises it
		return
	}
	c := &counted{Reader: content}
	m.put(e, c, attributes)
	m.bytes += c.n
}

type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

func (m *maker) bytesFile(domain, path string, content []byte, attributes ...with) {
	m.file(domain, path, bytes.NewReader(content), attributes...)
}

func (m *maker) link(domain, path, target string) {
	m.dir(domain, path[:max(strings.LastIndexByte(path, '/'), 0)])
	e := m.entry(domain, path, disk.Symlink)
	e.Target = target
	m.put(e, nil, nil)
}

// media puts a file of which only the beginning means something.
func (m *maker) media(domain, path string, head []byte, seed uint64, size int64, attributes ...with) {
	m.file(domain, path, disk.NewPatternReader(disk.Pattern{Head: head, Seed: seed, Size: size}), attributes...)
}

// photo puts a JPEG, of at least its own size.
func (m *maker) photo(domain, path string, seed uint64, size int64, attributes ...with) {
	if m.err == nil {
		m.media(domain, path, m.pictures[seed%uint64(len(m.pictures))], seed, size, attributes...)
	}
}

// plist puts a binary property list.
func (m *maker) plist(domain, path string, v any, attributes ...with) {
	m.bytesFile(domain, path, m.binary(v), attributes...)
}

func (m *maker) binary(v any) []byte {
	b, err := plist.Binary(v)
	m.fail(err)
	return b
}

// text cuts n bytes out of the stock, at a place that seed decides.
func (m *maker) text(seed uint64, n int) string {
	n = min(n, len(m.prose)/2)
	start := int(seed % uint64(len(m.prose)-n))
	return strings.ToValidUTF8(m.prose[start:start+n], ".")
}

// database writes a new database and puts its compacted copy.
func (m *maker) database(domain, path string, write func(*iosdb.DB), attributes ...with) {
	if m.err != nil {
		return
	}
	db, err := iosdb.Create(m.ctx, m.tmp)
	if err != nil {
		m.fail(err)
		return
	}
	write(db)
	m.store(db, domain, path, attributes...)
}

// store puts the compacted copy of a database and closes it. What the backup
// agent saw when it scanned was the open file: longer by the free pages in
// it, or shorter by those that were still in its -wal.
func (m *maker) store(db *iosdb.DB, domain, path string, attributes ...with) {
	err := func() error {
		compact, err := m.copy(db)
		if err != nil {
			return err
		}
		f, err := os.Open(compact)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		d := dice.New(m.seed, "scan", m.now.String(), domain, path)
		scan := info.Size() + int64(d.Between(-3, 6))*4096
		scanned := func(e *disk.Entry) { e.ScanSize = max(scan, 4096) }
		m.file(domain, path, f, append([]with{modified(m.now), scanned}, attributes...)...)
		return m.err
	}()
	if err = errors.Join(err, db.Close()); err != nil {
		m.fail(fmt.Errorf("writing %s in %s: %w", path, domain, err))
	}
}

// copy is the database as a backup gets it.
func (m *maker) copy(db *iosdb.DB) (string, error) {
	if m.keepPages {
		_, err := db.Flush()
		return db.Live(), err
	}
	return db.Compact()
}

// share is part/whole of n, without overflow for phones of any size.
func share(n, part, whole int64) int64 {
	if n <= 0 || part <= 0 || whole <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(n), uint64(part))
	if hi >= uint64(whole) {
		return n
	}
	q, _ := bits.Div64(hi, lo, uint64(whole))
	return int64(q)
}
