package mobilesync

import (
	"errors"
	"fmt"
	"math"
	"time"

	"russet/internal/plist"
)

// MBFile is the archived record the device keeps of one file, directory or
// symbolic link: the column "file" of Manifest.db.
type MBFile struct {
	// RelativePath repeats the row's column.
	RelativePath string
	// Mode is st_mode, type bits included.
	Mode uint32
	// Size is st_size when the device listed the file. What it stored may be
	// longer or shorter: databases are stored as compacted copies, with what
	// was still in their logs.
	Size int64
	// Modified, Changed and Born are Unix seconds; Modified alone decides
	// whether the device sends a file again.
	Modified, Changed, Born int64
	// HasModified tells a missing Modified from 1970.
	HasModified bool
	Inode       uint64
	// UserID and GroupID are signed: -2 is "nobody".
	UserID, GroupID int64
	// ProtectionClass is the class on the device; EncryptionKey begins with
	// the class in the keybag, which may be another.
	ProtectionClass int64
	Flags           int64
	// Encoding and Compression other than 0 mean content this package cannot
	// interpret; none was ever seen.
	Encoding, Compression int64
	// EncryptionKey is four bytes of class and the wrapped key, nil in a
	// plain backup.
	EncryptionKey []byte
	// Digest is the SHA-1 of the stored bytes, present in some domains only.
	Digest []byte
	// ExtendedAttributes is a binary property list, see Attributes.
	ExtendedAttributes []byte
	// Target is where a symbolic link leads on the device.
	Target string
}

// ModTime is Modified as a time, zero if the record has none.
func (m *MBFile) ModTime() time.Time {
	if !m.HasModified {
		return time.Time{}
	}
	return time.Unix(m.Modified, 0).UTC()
}

// Attributes decodes the extended attributes, nil if there are none.
func (m *MBFile) Attributes() (map[string][]byte, error) {
	if len(m.ExtendedAttributes) == 0 {
		return nil, nil
	}
	d, err := plist.ParseDict(m.ExtendedAttributes)
	if err != nil {
		return nil, fmt.Errorf("read extended attributes: %w", err)
	}
	attrs := make(map[string][]byte, len(d))
	for name := range d {
		attrs[name] = d.Data(name)
	}
	return attrs, nil
}

var errArchive = errors.New("not an archived MBFile")

// ParseMBFile reads a record from its NSKeyedArchiver archive.
func ParseMBFile(blob []byte) (MBFile, error) {
	a, err := openArchive(blob)
	if err != nil {
		return MBFile{}, err
	}
	var m MBFile
	path := a.fill(&m)
	m.RelativePath = string(path)
	m.ownBytes()
	return m, nil
}

// ownBytes copies what are views of the archive, all in one piece.
func (m *MBFile) ownBytes() {
	n := len(m.EncryptionKey) + len(m.Digest) + len(m.ExtendedAttributes)
	if n == 0 {
		return
	}
	all := make([]byte, 0, n)
	for _, field := range []*[]byte{&m.EncryptionKey, &m.Digest, &m.ExtendedAttributes} {
		if *field != nil {
			from := len(all)
			all = append(all, *field...)
			*field = all[from:len(all):len(all)]
		}
	}
}

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

// Marshal archives the record as the device does. It is not byte for byte
// what a device would write: keep a device's own blob where there is one.
func (m *MBFile) Marshal() ([]byte, error) {
	objects := []any{"$null", nil}
	add := func(v any) plist.UID {
		objects = append(objects, v)
		return plist.UID(len(objects) - 1)
	}
	class := func(names ...string) plist.UID {
		return add(plist.Dict{"$classname": names[0], "$classes": names})
	}
	file := plist.Dict{
		"RelativePath": add(m.RelativePath), "Mode": m.Mode, "Size": m.Size,
		"LastStatusChange": m.Changed, "Birth": m.Born, "InodeNumber": m.Inode,
		"UserID": m.UserID, "GroupID": m.GroupID, "ProtectionClass": m.ProtectionClass, "Flags": m.Flags,
	}
	if m.HasModified {
		file["LastModified"] = m.Modified
	}
	if m.Digest != nil {
		file["Digest"] = add(m.Digest)
	}
	if m.ExtendedAttributes != nil {
		file["ExtendedAttributes"] = add(m.ExtendedAttributes)
	}
	if m.Target != "" {
		file["Target"] = add(m.Target)
	}
	if m.EncryptionKey != nil {
		file["EncryptionKey"] = add(plist.Dict{
			"NS.data": m.EncryptionKey, "$class": class("NSMutableData", "NSData", "NSObject"),
		})
	}
	file["$class"] = class("MBFile", "NSObject")
	objects[1] = file
	return plist.MarshalBinary(plist.Dict{
		"$version": 100000, "$archiver": "NSKeyedArchiver", "$objects": objects,
		"$top": plist.Dict{"root": plist.UID(1)},
	})
}
