package disk

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"
)

// The kinds of records in an index file.
const (
	recordPut byte = 1 + iota
	recordRemove
	recordCut  // a removed entry of the source, written when the index is packed
	recordBorn // the recipe of the source; only as the first record
)

var errRecord = errors.New("the phone's index holds a damaged record")

// record is one change of a phone's directory.
type record struct {
	op     byte
	node   *node  // recordPut
	at     place  // recordRemove, recordCut
	recipe Recipe // recordBorn
}

func (r record) append(to []byte) []byte {
	to = append(to, r.op)
	switch r.op {
	case recordPut:
		return appendNode(to, r.node)
	case recordBorn:
		to = binary.AppendUvarint(to, r.recipe.Seed)
		to = binary.AppendVarint(to, int64(r.recipe.Rows))
		return binary.AppendVarint(to, r.recipe.Bytes)
	}
	return appendText(appendText(to, r.at.domain), r.at.path)
}

func appendText[T ~string | ~[]byte](to []byte, s T) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

func appendTime(to []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(to, t.Unix()), uint64(t.Nanosecond()))
}

func appendNode(to []byte, n *node) []byte {
	to = appendText(appendText(to, n.Domain), n.Path)
	to = append(to, byte(n.Kind), n.Class)
	to = binary.AppendUvarint(to, uint64(n.Mode))
	to = binary.AppendVarint(to, int64(n.UID))
	to = binary.AppendVarint(to, int64(n.GID))
	to = appendTime(appendTime(appendTime(to, n.ModTime), n.ChangeTime), n.Birth)
	to = binary.AppendUvarint(to, n.Inode)
	to = binary.AppendUvarint(to, uint64(n.Flags))
	to = appendText(to, n.Target)
	to = binary.AppendVarint(to, n.ScanSize)
	only := byte(0)
	if n.EncryptedOnly {
		only = 1
	}
	to = append(to, only)
	to = binary.AppendUvarint(to, uint64(len(n.XAttrs)))
	for _, name := range slices.Sorted(maps.Keys(n.XAttrs)) {
		to = appendText(appendText(to, name), n.XAttrs[name])
	}
	return appendBlob(to, n.blob)
}

func appendBlob(to []byte, b blob) []byte {
	to = append(to, byte(b.kept))
	to = binary.AppendUvarint(to, b.number)
	to = binary.AppendVarint(to, b.size)
	if b.kept == keptAsPattern {
		to = appendBlob(to, *b.head)
	}
	return to
}

// decoder takes a record apart; after the first mistake it yields zeros.
type decoder struct {
	rest []byte
	bad  bool
}

func decodeRecord(payload []byte) (record, error) {
	d := &decoder{rest: payload}
	r := record{op: d.byte()}
	switch r.op {
	case recordPut:
		r.node = d.node()
		if !d.bad && check(&r.node.Entry) != nil {
			return r, errRecord
		}
	case recordRemove, recordCut:
		r.at = place{d.text(), d.text()}
	case recordBorn:
		r.recipe = Recipe{Seed: d.uvarint(), Rows: int(d.varint()), Bytes: d.varint()}
		d.bad = d.bad || r.recipe.Rows < 0 || r.recipe.Rows > maxRows
	default:
		d.bad = true
	}
	if d.bad || len(d.rest) > 0 {
		return r, errRecord
	}
	return r, nil
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) time() time.Time {
	sec := d.varint()
	return time.Unix(sec, int64(d.uvarint()%1e9)).UTC()
}

func (d *decoder) node() *node {
	n := &node{}
	n.Domain, n.Path = d.text(), d.text()
	n.Kind, n.Class = Kind(d.byte()), d.byte()
	n.Mode = uint32(d.uvarint())
	n.UID, n.GID = int32(d.varint()), int32(d.varint())
	n.ModTime, n.ChangeTime, n.Birth = d.time(), d.time(), d.time()
	n.Inode = d.uvarint()
	n.Flags = uint32(d.uvarint())
	n.Target = d.text()
	n.ScanSize = d.varint()
	n.EncryptedOnly = d.byte() == 1
	for range d.uvarint() {
		if d.bad {
			break
		}
		if n.XAttrs == nil {
			n.XAttrs = make(map[string][]byte)
		}
		name := d.text()
		n.XAttrs[name] = []byte(d.text())
	}
	n.blob = d.blob(true)
	n.Size = n.blob.size
	return n
}

func (d *decoder) blob(headed bool) blob {
	b := blob{kept: kept(d.byte()), number: d.uvarint(), size: d.varint()}
	switch {
	case b.kept == keptAsPattern && headed:
		head := d.blob(false)
		b.head = &head
	case b.kept == keptNowhere && b.size == 0, b.kept == keptInPack, b.kept == keptInFile:
	default:
		d.bad = true
	}
	if b.size < 0 || b.size > Capacity {
		d.bad = true
	}
	return b
}
