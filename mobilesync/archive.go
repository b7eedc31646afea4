package mobilesync

import (
	"errors"
	"math"

	"russet/internal/plist"
)

var errArchive = errors.New("not an archived MBFile")

// archive is a keyed archive whose root object is a dictionary. Reading one
// in place takes a twentieth of decoding it, and a listing reads a million.
type archive struct {
	doc     plist.Doc
	objects plist.Collection
	root    plist.Collection
}

func openArchive(blob []byte) (a archive, err error) {
	if a.doc, err = plist.OpenBinary(blob); err != nil {
		return a, err
	}
	frame, ok := a.doc.Dict(a.doc.Top())
	if !ok {
		return a, errArchive
	}
	objects, ok := a.doc.Lookup(&frame, "$objects")
	if !ok {
		return a, errArchive
	}
	if a.objects, ok = a.doc.Array(objects); !ok {
		return a, errArchive
	}
	topRef, ok := a.doc.Lookup(&frame, "$top")
	if !ok {
		return a, errArchive
	}
	top, ok := a.doc.Dict(topRef)
	if !ok {
		return a, errArchive
	}
	uid, ok := a.doc.Lookup(&top, "root")
	if !ok {
		return a, errArchive
	}
	root, ok := a.object(uid)
	if !ok {
		return a, errArchive
	}
	if a.root, ok = a.doc.Dict(root); !ok {
		return a, errArchive
	}
	return a, nil
}

// object follows a UID; object 0 is the archive's null.
func (a *archive) object(r plist.Ref) (plist.Ref, bool) {
	uid, ok := a.doc.UID(r)
	if !ok || uid == 0 || uid >= plist.UID(a.objects.Len()) {
		return 0, false
	}
	return a.objects.Item(int(uid)), true
}

func (a *archive) int(r plist.Ref) int64 {
	n, _ := a.doc.Int(r)
	return n
}

func (a *archive) string(r plist.Ref) string {
	o, ok := a.object(r)
	if !ok {
		return ""
	}
	s, _ := a.doc.String(o)
	return s
}

// text is string without a copy where none is needed.
func (a *archive) text(r plist.Ref) []byte {
	o, ok := a.object(r)
	if !ok {
		return nil
	}
	if b, ok := a.doc.ASCII(o); ok {
		return b
	}
	s, _ := a.doc.String(o)
	return []byte(s)
}

// data accepts a data object, or the NSMutableData that wraps one.
func (a *archive) data(r plist.Ref) []byte {
	o, ok := a.object(r)
	if !ok {
		return nil
	}
	if b, ok := a.doc.Data(o); ok {
		return b
	}
	wrapper, ok := a.doc.Dict(o)
	if !ok {
		return nil
	}
	inner, ok := a.doc.Lookup(&wrapper, "NS.data")
	if !ok {
		return nil
	}
	if b, ok := a.doc.Data(inner); ok {
		return b
	}
	if inner, ok = a.object(inner); !ok {
		return nil
	}
	b, _ := a.doc.Data(inner)
	return b
}

// fill sets the record's fields; the bytes are views. It returns the relative
// path, because most callers have it already.
func (a *archive) fill(m *MBFile) (path []byte) {
	for i := range a.root.Len() {
		key, ok := a.doc.ASCII(a.root.Key(i))
		if !ok {
			continue
		}
		v := a.root.Value(i)
		switch string(key) {
		case "RelativePath":
			path = a.text(v)
		case "Target":
			m.Target = a.string(v)
		case "EncryptionKey":
			m.EncryptionKey = a.data(v)
		case "Digest":
			m.Digest = a.data(v)
		case "ExtendedAttributes":
			m.ExtendedAttributes = a.data(v)
		default:
			a.number(m, string(key), v)
		}
	}
	return path
}

func (a *archive) number(m *MBFile, key string, r plist.Ref) {
	switch key {
	case "Mode":
		m.Mode = uint32(a.int(r) & math.MaxUint32)
	case "Size":
		m.Size = max(a.int(r), 0)
	case "LastModified":
		m.Modified, m.HasModified = a.doc.Int(r)
	case "LastStatusChange":
		m.Changed = a.int(r)
	case "Birth":
		m.Born = a.int(r)
	case "InodeNumber":
		m.Inode = uint64(a.int(r))
	case "UserID":
		m.UserID = a.int(r)
	case "GroupID":
		m.GroupID = a.int(r)
	case "ProtectionClass":
		m.ProtectionClass = a.int(r)
	case "Flags":
		m.Flags = a.int(r)
	case "ContentEncodingMethod":
		m.Encoding = a.int(r)
	case "ContentCompressionMethod":
		m.Compression = a.int(r)
	}
}
