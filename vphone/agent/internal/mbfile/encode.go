package mbfile

import (
	"encoding/binary"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is the marker nibble of a binary plist object.
type kind uint8

const (
	kindInt    kind = 0x10
	kindData   kind = 0x40
	kindString kind = 0x50
	kindUTF16  kind = 0x60
	kindUID    kind = 0x80
	kindArray  kind = 0xA0
	kindDict   kind = 0xD0
)

// object is one object of the plist. Containers hold references: the keys of
// a dictionary, then its values. An MBFile has fewer than 70 objects, so one
// byte is enough for each.
type object struct {
	kind kind
	n    int64
	text string
	data []byte
	refs []uint8
}

// Encoder writes archives. It keeps its memory between calls; the zero value
// is ready. It is not safe for concurrent use.
type Encoder struct {
	objects []object
	refs    []uint8
	offsets []int
}

// Append appends the archive of f to dst.
func (e *Encoder) Append(dst []byte, f *File) []byte {
	e.objects, e.refs, e.offsets = e.objects[:0], e.refs[:0], e.offsets[:0]
	e.build(f)
	start := len(dst)
	dst = append(dst, "bplist00"...)
	for i := range e.objects {
		e.offsets = append(e.offsets, len(dst)-start)
		dst = appendObject(dst, &e.objects[i])
	}
	table := len(dst) - start
	size := 1
	if table > math.MaxUint16 {
		size = 4 // an extended attribute or a link may be long
	} else if table > math.MaxUint8 {
		size = 2
	}
	for _, offset := range e.offsets {
		dst = appendSized(dst, uint64(offset), size)
	}
	dst = append(dst, 0, 0, 0, 0, 0, 0, byte(size), 1)
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(e.objects)))
	dst = binary.BigEndian.AppendUint64(dst, 0)
	return binary.BigEndian.AppendUint64(dst, uint64(table))
}

// member is a key and its value in a dictionary being written.
type member struct {
	key   string
	value node
}

// node is a value before it has a number.
type node struct {
	object
	items   []node
	members []member
}

func integer(n int64) node     { return node{object: object{kind: kindInt, n: n}} }
func text(s string) node       { return node{object: object{kind: kindString, text: s}} }
func uid(n int) node           { return node{object: object{kind: kindUID, n: int64(n)}} }
func data(b []byte) node       { return node{object: object{kind: kindData, data: b}} }
func dict(m ...member) node    { return node{object: object{kind: kindDict}, members: m} }
func array(items ...node) node { return node{object: object{kind: kindArray}, items: items} }

func (e *Encoder) build(f *File) {
	e.add(dict(
		member{"$version", integer(100000)},
		member{"$archiver", text("NSKeyedArchiver")},
		member{"$top", dict(member{"root", uid(1)})},
		member{"$objects", array(archive(f)...)},
	))
}

// archive is the object list of an archive. Its order and that of the members
// is the one seen in a phone's own archives; readers must not rely on it.
func archive(f *File) []node {
	const self, path = 1, 2
	list := append(make([]node, 0, 9), text("$null"), node{}, text(f.Path))
	next := func(n node) node {
		list = append(list, n)
		return uid(len(list) - 1)
	}
	head := append(make([]member, 0, 16),
		member{"LastModified", integer(f.ModTime)},
		member{"ProtectionClass", integer(int64(f.Class))},
		member{"Flags", integer(int64(f.Flags))},
		member{"GroupID", integer(int64(f.GID))},
		member{"$class", node{}},
		member{"LastStatusChange", integer(f.ChangeTime)},
		member{"RelativePath", uid(path)},
		member{"Birth", integer(f.Birth)},
	)
	const classMember = 4
	if f.Target != "" {
		head = append(head, member{"Target", next(text(f.Target))})
	}
	if f.Digest != nil {
		head = append(head, member{"Digest", next(data(f.Digest))})
	}
	if f.Key != nil {
		head = append(head, member{"EncryptionKey", next(dict(
			member{"NS.data", data(f.Key)},
			member{"$class", uid(len(list) + 1)},
		))})
		next(class("NSMutableData", "NSData", "NSObject"))
	}
	if f.XAttrs != nil {
		head = append(head, member{"ExtendedAttributes", next(data(f.XAttrs))})
	}
	head[classMember].value = next(class("MBFile", "NSObject"))
	list[self] = dict(append(head,
		member{"Size", integer(f.Size)},
		member{"Mode", integer(int64(f.Mode))},
		member{"UserID", integer(int64(f.UID))},
		member{"InodeNumber", integer(int64(f.Inode))},
	)...)
	return list
}

func class(names ...string) node {
	items := make([]node, len(names))
	for i, name := range names {
		items[i] = text(name)
	}
	return dict(member{"$classname", text(names[0])}, member{"$classes", array(items...)})
}

// add numbers a value and what is in it: first itself, then keys, then values;
// equal scalars share a number.
func (e *Encoder) add(n node) uint8 {
	if n.kind != kindArray && n.kind != kindDict {
		for i := range e.objects {
			if o := &e.objects[i]; o.kind == n.kind && o.n == n.n && o.text == n.text && string(o.data) == string(n.data) {
				return uint8(i)
			}
		}
		e.objects = append(e.objects, n.object)
		return uint8(len(e.objects) - 1)
	}
	self := len(e.objects)
	e.objects = append(e.objects, n.object)
	count := len(n.items) + 2*len(n.members)
	from := len(e.refs)
	e.refs = append(e.refs, make([]uint8, count)...)
	refs := e.refs[from : from+count : from+count]
	for i, m := range n.members {
		refs[i] = e.add(text(m.key))
	}
	for i, m := range n.members {
		refs[len(n.members)+i] = e.add(m.value)
	}
	for i, item := range n.items {
		refs[i] = e.add(item)
	}
	e.objects[self].refs = refs
	e.objects[self].n = int64(max(len(n.items), len(n.members)))
	return uint8(self)
}

func appendObject(dst []byte, o *object) []byte {
	switch o.kind {
	case kindInt:
		return appendInteger(dst, o.n)
	case kindUID:
		return append(dst, byte(kindUID), byte(o.n))
	case kindData:
		return append(appendMarker(dst, kindData, len(o.data)), o.data...)
	case kindArray, kindDict:
		return append(appendMarker(dst, o.kind, int(o.n)), o.refs...)
	}
	return appendText(dst, o.text)
}

func appendText(dst []byte, s string) []byte {
	if isASCII(s) {
		return append(appendMarker(dst, kindString, len(s)), s...)
	}
	units := utf16.Encode([]rune(s))
	dst = appendMarker(dst, kindUTF16, len(units))
	for _, u := range units {
		dst = binary.BigEndian.AppendUint16(dst, u)
	}
	return dst
}

func isASCII[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// appendInteger writes 1, 2 or 4 bytes unsigned; 8 bytes are signed.
func appendInteger(dst []byte, n int64) []byte {
	switch {
	case n < 0 || n > math.MaxUint32:
		return binary.BigEndian.AppendUint64(append(dst, 0x13), uint64(n))
	case n > math.MaxUint16:
		return binary.BigEndian.AppendUint32(append(dst, 0x12), uint32(n))
	case n > math.MaxUint8:
		return binary.BigEndian.AppendUint16(append(dst, 0x11), uint16(n))
	}
	return append(dst, 0x10, byte(n))
}

func appendMarker(dst []byte, k kind, n int) []byte {
	if n < 15 {
		return append(dst, byte(k)|byte(n))
	}
	return appendInteger(append(dst, byte(k)|15), int64(n))
}

func appendSized(dst []byte, n uint64, size int) []byte {
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}
