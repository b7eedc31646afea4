package folder

import (
	"errors"
	"io/fs"

	"github.com/zeebo/xxh3"

	"russet/device/devicelink"
	"russet/internal/durable"
	"russet/internal/overlay"
)

// smallFile is how much of a file is held back before it gets a name on disk:
// most files of a phone are smaller, and one that is broken off leaves nothing.
const smallFile = 64 << 10

// upload is a file on its way from the device; it implements devicelink.Upload.
type upload struct {
	d    *draft
	name string
	size int64
	file *durable.File // nil while the file is small
}

// Create begins a file.
func (d *draft) Create(name string) (devicelink.Upload, error) {
	if err := d.allowed("create", name); err != nil {
		return nil, err
	}
	if d.upload != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: errors.New("the upload of another file is not over")}
	}
	if d.hash == nil {
		d.hash, d.buf = xxh3.New(), make([]byte, 0, smallFile)
	}
	d.hash.Reset()
	d.buf = d.buf[:0]
	d.upload = &upload{d: d, name: name}
	return d.upload, nil
}

// Write takes the next bytes of the file.
func (u *upload) Write(p []byte) (int, error) {
	if u.d == nil {
		return 0, fs.ErrClosed
	}
	d := u.d
	if u.file == nil && len(d.buf)+len(p) > cap(d.buf) {
		if err := u.begin(); err != nil {
			return 0, err
		}
	}
	if u.file == nil {
		d.buf = append(d.buf, p...)
	} else if n, err := u.file.Write(p); err != nil {
		return n, err
	}
	d.hash.Write(p) //nolint:errcheck // hashes do not fail
	u.size += int64(len(p))
	return len(p), nil
}

// begin gives a file that is not small its place on disk.
func (u *upload) begin() error {
	id := u.d.over.Next()
	shard, err := u.d.objects.in(id)
	if err != nil {
		return err
	}
	if u.file, err = shard.Create(objectName(id), publicFile); err != nil {
		u.file = nil
		return err
	}
	_, err = u.file.Write(u.d.buf)
	return err
}

// Commit puts the file in its place.
func (u *upload) Commit() error {
	d := u.d
	if d == nil {
		return fs.ErrClosed
	}
	id := d.over.Next()
	shard, err := d.objects.in(id)
	if err == nil && u.file == nil {
		err = shard.WriteNew(objectName(id), d.buf, publicFile)
	} else if err == nil {
		err = u.file.Close()
		u.file = nil
	}
	if err == nil {
		sum := d.hash.Sum128().Bytes()
		err = d.over.Put(u.name, overlay.Object{Size: u.size, Sum: sum})
	}
	u.d, d.upload = nil, nil
	if err != nil {
		if _, live := d.over.Object(id); !live {
			err = errors.Join(err, d.objects.remove(id))
		}
		return err
	}
	return d.received(u.name, u.size)
}

// Abort drops the file.
func (u *upload) Abort() error {
	d := u.d
	if d == nil {
		return fs.ErrClosed
	}
	u.d, d.upload = nil, nil
	if u.file == nil {
		return nil
	}
	return errors.Join(u.file.Close(), d.objects.remove(d.over.Next()))
}

func (d *draft) abortUpload() error {
	if d.upload == nil {
		return nil
	}
	return d.upload.Abort()
}
