package devicelink

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
)

// download sends files. A file that cannot be read gets an error of its own
// and the next one follows: devices ask for several of which some need not be
// there. An empty list is legal, at the end of a restore.
func (s *server) download(m message) error {
	names := m.strings(1)
	s.began(Request{Message: m.name(), Name: first(names), Items: len(names), Percent: m.percent(3), Bytes: max(0, m.int(4))})
	var failures items
	s.out = s.out[:0]
	for _, raw := range names {
		if raw == "" { // its length would say that there are no more
			failures.add(raw, s.unreadable(raw, &NameError{Name: raw, Reason: "empty"}))
			continue
		}
		if err := s.room(4 + len(raw)); err != nil {
			return err
		}
		s.out = binary.BigEndian.AppendUint32(s.out, uint32(len(raw)))
		s.out = append(s.out, raw...)
		local, err := s.send(raw)
		if err != nil {
			return err
		}
		if err := s.endFile(codeOf(local)); err != nil {
			return err
		}
		if local != nil {
			failures.add(raw, s.unreadable(raw, local))
		}
	}
	if err := s.room(4); err != nil {
		return err
	}
	s.out = binary.BigEndian.AppendUint32(s.out, 0)
	if err := s.flush(); err != nil {
		return err
	}
	switch {
	case !m.wellFormed():
		return s.replyCode(CodeBadParameter)
	case len(failures.failing) == 0:
		return s.done()
	}
	// Not -15, whatever failed: nothing was to be written.
	return s.reply(answer{code: CodeMultiple, text: CodeMultiple.text(), extra: failures.failing})
}

// unreadable tells of a file that could not be sent. That one is not there is
// an answer like any other: the first backup asks for its predecessor.
func (s *server) unreadable(raw string, err error) Code {
	if errors.Is(err, fs.ErrNotExist) {
		s.log.Debug("the device asked for a file that is not there", "name", raw)
		if s.Missing != nil {
			s.Missing(raw)
		}
		return CodeNotExist
	}
	return s.failed("read", raw, err)
}

// room makes room for n bytes in out.
func (s *server) room(n int) error {
	if len(s.out)+n <= cap(s.out) {
		return nil
	}
	return s.flush()
}

// send sends the contents of a file: local is what went wrong with the file,
// err with the connection.
func (s *server) send(raw string) (local, err error) {
	name, err := Within(s.Folders, raw)
	if err != nil {
		return err, nil
	}
	f, err := s.Files.Open(name)
	if err != nil {
		return err, nil
	}
	defer func() {
		if err := f.Close(); err != nil {
			s.log.Debug("closing a file that was read", "name", name, "error", err)
		}
	}()
	const head = 5
	for {
		if err := s.room(head + frameData); err != nil {
			return nil, err
		}
		at := len(s.out)
		data := s.out[at+head : at+head+frameData]
		n, err := io.ReadFull(f, data)
		if n > 0 {
			s.out = s.out[:at+head+n]
			binary.BigEndian.PutUint32(s.out[at:], uint32(n+1))
			s.out[at+4] = frameMore
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, nil
		default:
			return err, nil
		}
	}
}

// endFile ends a file: with nothing, or with the negated code and its text.
func (s *server) endFile(code Code) error {
	var text string
	if code != CodeOK {
		text = code.text()
	}
	if err := s.room(5 + len(text)); err != nil {
		return err
	}
	s.out = binary.BigEndian.AppendUint32(s.out, uint32(1+len(text)))
	s.out = append(s.out, byte(-code))
	s.out = append(s.out, text...)
	return nil
}
