package link

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Status bytes of a file frame. Failures are the negated DeviceLink code.
const (
	frameEnd  = 0x00
	frameData = 0x0C
	// frameError is the only failure byte idevicebackup2 understands in an
	// upload: at 0x06 it takes the text for the next path. [L]
	frameError = 0x0B
)

const (
	maxName = 4096
	// maxFrame is what a phone's agent survives: 1 MiB was measured to work,
	// 128 MiB to get it killed. [T] Between them this is a guess.
	maxFrame = 16 << 20
)

// FrameHead is the length of what stands before the data of a frame.
const FrameHead = 5

// PutFrameHead writes the head of a data frame of n bytes.
func PutFrameHead(dst []byte, n int) {
	binary.BigEndian.PutUint32(dst, uint32(n+1))
	dst[4] = frameData
}

// AppendNames appends the start of a file in an upload.
func AppendNames(dst []byte, device, host string) []byte {
	for _, name := range []string{device, host} {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(name)))
		dst = append(dst, name...)
	}
	return dst
}

// AppendEnd appends the good end of a file.
func AppendEnd(dst []byte) []byte { return append(dst, 0, 0, 0, 1, frameEnd) }

// AppendFailure appends the end of a file that could not be read.
func AppendFailure(dst []byte, text string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(text)+1))
	return append(append(dst, frameError), text...)
}

// StartUpload announces a batch of files whose sizes sum up to total. Their
// frames follow with Raw.
func (c *Conn) StartUpload(progress float64, total int64) error {
	const name = "DLMessageUploadFiles"
	if err := c.hooks.Message(name, true); err != nil {
		return err
	}
	return c.write([]any{name, map[string]any{}, progress, total})
}

// EndUpload ends the batch and waits for the host's answer.
func (c *Conn) EndUpload() (Status, error) {
	if err := c.CloseUpload(); err != nil {
		return Status{}, err
	}
	return c.status()
}

// CloseUpload ends the batch; Answer waits for what the host says to it.
func (c *Conn) CloseUpload() error {
	if err := c.Raw([]byte{0, 0, 0, 0}); err != nil {
		return err
	}
	return c.flush()
}

// Answer waits for a status.
func (c *Conn) Answer() (Status, error) { return c.status() }

// FileError is a file the host could not deliver.
type FileError struct {
	Code int64 // of DeviceLink
	Text string
}

// Error reads as "no such file (-6)".
func (e *FileError) Error() string { return fmt.Sprintf("%s (%d)", e.Text, e.Code) }

// Download is a batch of files on their way from the host.
type Download struct {
	c      *Conn
	paths  []string
	next   int
	inFile bool
	left   int   // of the current frame
	end    error // how the current file ended
	fatal  error // the connection can't go on
	done   bool
}

// StartDownload asks for files.
func (c *Conn) StartDownload(progress float64, paths []string) (*Download, error) {
	if err := c.Send("DLMessageDownloadFiles", paths, map[string]any{}, progress, 0); err != nil {
		return nil, err
	}
	return &Download{c: c, paths: paths}, nil
}

// Next goes to the next file the host sends, dropping what is left of the one
// before. The host sends them in the order they were asked for, and may leave
// some out: libimobiledevice stops at the first it does not have. [L]
func (d *Download) Next() (path string, ok bool, err error) {
	if _, err := io.Copy(io.Discard, d); d.fatal != nil {
		return "", false, err
	}
	n, err := d.c.number()
	if err != nil {
		return "", false, d.fail(fmt.Errorf("receiving files: %w", err))
	}
	if n == 0 {
		d.done = true
		return "", false, nil
	}
	if n > maxName {
		return "", false, d.fail(broken("a file name of %d bytes", n))
	}
	name := make([]byte, n)
	if _, err := io.ReadFull(d.c.r, name); err != nil {
		return "", false, d.fail(fmt.Errorf("receiving files: %w", err))
	}
	for d.next < len(d.paths) && d.paths[d.next] != string(name) {
		d.next++
	}
	if d.next == len(d.paths) {
		return "", false, d.fail(broken("file %.60q was not asked for", name))
	}
	d.next++
	d.inFile, d.left, d.end = true, 0, nil
	return string(name), true, nil
}

func (d *Download) fail(err error) error {
	d.fatal, d.inFile = err, false
	return err
}

// Read reads the current file. It ends with io.EOF, or with a *FileError when
// the host could not read on.
func (d *Download) Read(p []byte) (int, error) {
	if d.fatal != nil {
		return 0, d.fatal
	}
	if !d.inFile {
		if d.end != nil {
			return 0, d.end
		}
		return 0, io.EOF
	}
	if d.left == 0 {
		if err := d.frame(); err != nil {
			return 0, err
		}
	}
	n, err := d.c.r.Read(p[:min(len(p), d.left)])
	d.left -= n
	if err != nil {
		return n, d.fail(fmt.Errorf("receiving a file: %w", err))
	}
	return n, nil
}

// frame reads frame heads until one brings data, or the file ends.
func (d *Download) frame() error {
	for {
		n, err := d.c.number()
		if err != nil {
			return d.fail(fmt.Errorf("receiving a file: %w", err))
		}
		if n == 0 {
			return d.fail(broken("a frame without a status"))
		}
		code, err := d.c.r.ReadByte()
		if err != nil {
			return d.fail(fmt.Errorf("receiving a file: %w", err))
		}
		switch {
		case n > maxFrame:
			return d.fail(broken("a frame of %d bytes: out of memory", n))
		case code == frameData && n > 1:
			d.left = int(n - 1)
			return nil
		case code == frameData:
		case code == frameEnd && n == 1:
			d.inFile, d.end = false, nil
			return io.EOF
		default:
			return d.failure(code, int(n-1))
		}
	}
}

func (d *Download) failure(code byte, n int) error {
	if n > maxName {
		return d.fail(broken("an error text of %d bytes", n))
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(d.c.r, text); err != nil {
		return d.fail(fmt.Errorf("receiving a file: %w", err))
	}
	d.inFile, d.end = false, &FileError{Code: -int64(code), Text: string(text)}
	return d.end
}

// Finish drops what is left of the batch and returns the host's status.
func (d *Download) Finish() (Status, error) {
	for !d.done {
		if _, _, err := d.Next(); err != nil {
			return Status{}, err
		}
	}
	return d.c.status()
}
