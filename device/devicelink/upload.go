package devicelink

import "fmt"

// maxBatch bounds the files of one batch. Devices send 128.
const maxBatch = 1 << 20

// maxText is how much of a device's error text is kept.
const maxText = 1024

// upload receives a batch of files. The stream is read to its end whatever
// happens here, then the batch is answered once.
func (s *server) upload(m message) error {
	s.began(Request{Message: m.name(), Percent: m.percent(2), Bytes: max(0, m.int(3))})
	var failures items
	for range maxBatch {
		more, err := s.uploadOne(&failures)
		if err != nil {
			return err
		}
		if !more {
			return s.replyItems(&failures)
		}
	}
	return &ProtocolError{What: fmt.Sprintf("a batch of more than %d files", maxBatch)}
}

// uploadOne receives one file; more is false at the end of the batch. An error
// is one of the connection.
func (s *server) uploadOne(failures *items) (more bool, err error) {
	n, err := s.in.uint32()
	if err != nil || n == 0 {
		return false, err
	}
	device, err := s.path(n)
	if err != nil {
		return false, err
	}
	s.device = append(s.device[:0], device...)
	s.in.take(len(device))

	if n, err = s.in.uint32(); err != nil {
		return false, err
	}
	host, err := s.path(n)
	if err != nil {
		return false, err
	}
	raw := string(host)
	s.in.take(len(host))
	return true, s.receive(raw, failures)
}

// path returns a view of a name of n bytes.
func (s *server) path(n uint32) ([]byte, error) {
	if n > MaxPath {
		return nil, &ProtocolError{What: fmt.Sprintf("a name of %d bytes", n)}
	}
	return s.in.peek(int(n))
}

// receive takes the frames of one file.
func (s *server) receive(raw string, failures *items) error {
	f := incoming{server: s, raw: raw, failures: failures}
	name, err := Within(s.Folders, raw)
	if err == nil {
		if files, ok := s.Files.(SourcedFiles); ok {
			f.up, err = files.CreateFrom(string(s.device), name)
		} else {
			f.up, err = s.Files.Create(name)
		}
	}
	if err != nil {
		f.fail(err)
	}
	for {
		n, err := s.in.uint32()
		if err != nil {
			return f.drop(err)
		}
		if n == 0 || n > MaxFrame {
			return f.drop(&ProtocolError{What: fmt.Sprintf("a frame of %d bytes", n)})
		}
		code, err := s.in.peek(1)
		if err != nil {
			return f.drop(err)
		}
		s.in.take(1)
		rest := int(n) - 1
		switch code[0] {
		case frameMore:
			if err := f.data(rest); err != nil {
				return f.drop(err)
			}
		case frameEnd:
			return f.end(rest)
		default:
			return f.broken(Code(-int64(code[0])), rest)
		}
	}
}

// incoming is a file on its way from the device.
type incoming struct {
	*server
	raw      string
	up       Upload // nil once it has failed: what follows is read and dropped
	failures *items
}

// data passes n bytes on, straight from the connection's buffer.
func (f *incoming) data(n int) error {
	for n > 0 {
		if f.up == nil {
			return f.in.discard(n)
		}
		p, err := f.in.piece(n)
		if err != nil {
			return err
		}
		if _, err := f.up.Write(p); err != nil {
			f.abort()
			f.fail(err)
		}
		f.in.take(len(p))
		n -= len(p)
	}
	return nil
}

// end is the device's word that the file is whole.
func (f *incoming) end(rest int) error {
	if err := f.in.discard(rest); err != nil {
		return f.drop(err)
	}
	if f.up == nil {
		return nil
	}
	if err := f.up.Commit(); err != nil {
		f.fail(err)
		return nil
	}
	f.files.Add(1)
	if f.Received != nil {
		f.Received(f.raw)
	}
	return nil
}

// broken is the device's word that it could not read the file to its end:
// nothing of it stays, and the batch goes on.
func (f *incoming) broken(code Code, rest int) error {
	text, err := f.in.peek(min(rest, maxText))
	if err != nil {
		return f.drop(err)
	}
	u := Unread{Device: string(f.device), Name: f.raw, Code: code, Text: string(text)}
	if err := f.in.discard(rest); err != nil {
		return f.drop(err)
	}
	f.abort()
	f.log.Debug("the device could not read a file", "device path", u.Device, "name", u.Name, "text", u.Text)
	if f.Unread != nil {
		f.Unread(u)
	}
	return nil
}

// drop ends the file because the connection ended.
func (f *incoming) drop(err error) error {
	f.abort()
	return err
}

func (f *incoming) abort() {
	if f.up == nil {
		return
	}
	if err := f.up.Abort(); err != nil {
		f.log.Warn("dropping a file", "name", f.raw, "error", err)
	}
	f.up = nil
}

func (f *incoming) fail(err error) {
	f.up = nil
	f.failures.add(f.raw, f.failed("receive", f.raw, err))
}
