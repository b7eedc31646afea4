package mobilesync

import (
	"fmt"
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
