package vault

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"path"
	"strings"

	"russet/device/devicelink"
	"russet/internal/facts"
	"russet/internal/overlay"
)

// smallFile is how much of a file is held in memory before it is decided where
// it goes: most files of a phone are smaller.
const smallFile = 1 << 20

// upload is a file on its way from the device; it implements devicelink.Upload.
type upload struct {
	d      *draft
	source string // its path on the device, if it said
	name   string
	size   int64
	seg    *segment // of the spool, for a big file
	stream *stream  // into the vault, for a big file
}

// Create begins a file.
func (d *draft) Create(name string) (devicelink.Upload, error) { return d.CreateFrom("", name) }

// CreateFrom begins a file that comes from a path on the device.
func (d *draft) CreateFrom(source, name string) (devicelink.Upload, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.allowed("create", name); err != nil {
		return nil, err
	}
	if d.upload != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: errors.New("the upload of another file is not over")}
	}
	if d.hash == nil {
		d.hash, d.buf = sha256.New(), make([]byte, 0, smallFile)
	}
	d.hash.Reset()
	d.buf = d.buf[:0]
	d.upload = &upload{d: d, source: source, name: name}
	return d.upload, nil
}

// Write takes the next bytes of the file.
func (u *upload) Write(p []byte) (int, error) {
	if u.d == nil {
		return 0, fs.ErrClosed
	}
	d := u.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if u.seg == nil && u.stream == nil {
		if len(d.buf)+len(p) <= cap(d.buf) {
			d.buf = append(d.buf, p...)
			u.took(p)
			return len(p), nil
		}
		if err := u.begin(); err != nil {
			return 0, err
		}
	}
	if err := u.pass(p); err != nil {
		return 0, err
	}
	u.took(p)
	return len(p), nil
}

func (u *upload) took(p []byte) {
	u.d.hash.Write(p) //nolint:errcheck // hashes do not fail
	u.size += int64(len(p))
}

// begin decides where a big file goes, and passes on what is there of it.
func (u *upload) begin() error {
	d := u.d
	direct, err := d.direct()
	if err != nil {
		return err
	}
	if direct && !d.isDatabase(u.source, u.name) || d.spool == nil {
		u.stream = d.ingest.begin(d.buf, u.source)
	} else if u.seg, err = d.spool.begin(); err != nil {
		return err
	}
	return u.pass(d.buf)
}

func (u *upload) pass(p []byte) error {
	if u.stream != nil {
		u.stream.write(p)
		return nil
	}
	return u.seg.write(p)
}

// Commit puts the file in its place.
func (u *upload) Commit() error {
	d := u.d
	if d == nil {
		return fs.ErrClosed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id := d.over.Next()
	var s sum
	d.hash.Sum(s[:0])
	err := u.keep(id, s)
	if err == nil {
		err = d.over.Put(u.name, overlay.Object{Size: u.size, Sum: [16]byte(s[:16])})
	}
	u.d, d.upload = nil, nil
	if err != nil {
		return err
	}
	return d.received(u.name, u.size)
}

// keep sees to it that the bytes are in the spool or on their way to the vault.
func (u *upload) keep(id overlay.ID, s sum) error {
	d := u.d
	switch {
	case u.stream != nil:
		object, err := u.stream.end()
		if err != nil {
			return err
		}
		return d.places.put(id, place{size: u.size, sum: s, id: object, length: u.size, content: s, why: d.why()})
	case u.seg != nil:
		if err := u.seg.commit(); err != nil {
			return err
		}
		p := place{seg: u.seg.n, size: u.size, sum: s, database: d.isDatabase(u.source, u.name)}
		d.bigs = append(d.bigs, big{id: id, seg: p.seg, size: p.size, database: p.database})
		return d.places.put(id, p)
	}
	direct, err := d.direct()
	if err != nil {
		return err
	}
	if direct {
		return d.ingest.add(ingestJob{id: id, sum: s, why: d.why(), path: u.source, data: d.buf})
	}
	seg, off, err := d.spool.add(d.buf)
	if err != nil {
		return err
	}
	return d.places.put(id, place{seg: seg, off: off, size: u.size, sum: s})
}

// why is why what goes straight to the vault stays ciphertext; "" on a plain
// phone.
func (d *draft) why() string {
	if d.spool == nil {
		return ""
	}
	return whyPending
}

// Abort drops the file.
func (u *upload) Abort() error {
	d := u.d
	if d == nil {
		return fs.ErrClosed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return u.abort()
}

func (u *upload) abort() error {
	u.d.upload, u.d = nil, nil
	switch {
	case u.stream != nil:
		u.stream.abort()
		return nil
	case u.seg != nil:
		return u.seg.abort()
	default:
		return nil
	}
}

// direct reports whether what comes next goes straight to the vault: always
// from a plain phone, else when the spool is full and nothing more can leave it.
func (d *draft) direct() (bool, error) {
	if d.spool == nil {
		return true, nil
	}
	if d.spool.used < d.s.opts.Spool {
		return false, nil
	}
	if err := d.makeRoom(); err != nil {
		return false, err
	}
	return d.spool.used >= d.s.opts.Spool, nil
}

// isDatabase guesses what is in a file that is still ciphertext: by its path on
// the device or, where the device says none, by its row in the last backup. The
// manifests are databases in this sense: they are held until the commit.
func (d *draft) isDatabase(source, name string) bool {
	if source == "" && d.base != nil {
		below := strings.TrimPrefix(strings.TrimPrefix(name, string(d.note.Device)+"/"), "Snapshot/")
		if it, err := d.base.lookup(below); err == nil && it.entry != nil {
			source = it.entry.Path
		}
	}
	if base := path.Base(name); base == facts.ManifestDB || base == facts.ManifestPlist {
		return true
	}
	source = strings.TrimSuffix(source, "-wal")
	switch strings.ToLower(path.Ext(source)) {
	case ".db", ".sqlite", ".sqlite3", ".sqlitedb", ".storedata", ".data", ".localstorage":
		return true
	default:
		return false
	}
}

// findBigs finds again what can leave the spool of a draft that is resumed.
func (d *draft) findBigs() error {
	for id := overlay.ID(1); d.spool != nil && id < d.over.Next(); id++ {
		if _, live := d.over.Object(id); !live {
			continue
		}
		p, ok, err := d.places.get(id)
		if err != nil {
			return err
		}
		if ok && p.seg != 0 && p.size > smallFile {
			d.bigs = append(d.bigs, big{id: id, seg: p.seg, size: p.size, database: p.database})
		}
	}
	return nil
}

// big is a file with a segment of its own.
type big struct {
	id       overlay.ID
	seg      uint32
	size     int64
	database bool
}
