package mbfile

import "math"

// Decode reads an archive. Numbers that do not fit their field are refused.
func Decode(blob []byte) (File, error) {
	a, err := openArchive(blob)
	if err != nil {
		return File{}, err
	}
	var f File
	for _, field := range []struct {
		key      string
		min, max int64
		set      func(int64)
	}{
		{"LastModified", math.MinInt64, math.MaxInt64, func(n int64) { f.ModTime = n }},
		{"LastStatusChange", math.MinInt64, math.MaxInt64, func(n int64) { f.ChangeTime = n }},
		{"Birth", math.MinInt64, math.MaxInt64, func(n int64) { f.Birth = n }},
		{"Size", math.MinInt64, math.MaxInt64, func(n int64) { f.Size = n }},
		{"InodeNumber", math.MinInt64, math.MaxInt64, func(n int64) { f.Inode = uint64(n) }},
		{"Mode", 0, math.MaxUint32, func(n int64) { f.Mode = uint32(n) }},
		{"Flags", 0, math.MaxUint32, func(n int64) { f.Flags = uint32(n) }},
		{"ProtectionClass", 0, math.MaxUint8, func(n int64) { f.Class = uint8(n) }},
		{"UserID", math.MinInt32, math.MaxUint32, func(n int64) { f.UID = int32(n) }},
		{"GroupID", math.MinInt32, math.MaxUint32, func(n int64) { f.GID = int32(n) }},
	} {
		n, err := a.number(field.key)
		if err != nil {
			return File{}, err
		}
		if n < field.min || n > field.max {
			return File{}, malformed("%s is %d", field.key, n)
		}
		field.set(n)
	}
	if f.Path, err = a.words("RelativePath"); err != nil {
		return File{}, err
	}
	if f.Target, err = a.words("Target"); err != nil {
		return File{}, err
	}
	for key, into := range map[string]*[]byte{
		"Digest": &f.Digest, "EncryptionKey": &f.Key, "ExtendedAttributes": &f.XAttrs,
	} {
		if *into, err = a.bytes(key); err != nil {
			return File{}, err
		}
	}
	return f, nil
}
