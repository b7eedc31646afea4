package afc

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
)

// maxHandles is how many files a host may have open.
const maxHandles = 256

// Info is what GetDeviceInfo answers.
type Info struct {
	Model       string
	Total, Free int64 // bytes
}

// Serve answers one connection over a folder until the host leaves. Locks are
// shared between the connections of a phone.
func Serve(conn net.Conn, root *os.Root, locks *Locks, info func() Info, log *slog.Logger) error {
	s := &server{root: root, locks: locks, info: info, files: map[uint64]*file{}}
	defer s.closeAll()
	for {
		p, err := readPacket(conn)
		if err != nil {
			return err
		}
		op, params, payload, err := s.handle(p, conn)
		status, isStatus := errors.AsType[Status](err)
		if err != nil && !isStatus {
			return err
		}
		log.Debug("afc", "op", p.op, "status", uint64(status))
		if op == opStatus {
			params = binary.LittleEndian.AppendUint64(nil, uint64(status))
		}
		if err := writeReply(conn, p.number, op, params, payload); err != nil {
			return err
		}
	}
}

type server struct {
	root  *os.Root
	locks *Locks
	info  func() Info
	files map[uint64]*file
	last  uint64 // handle given out
}

type file struct {
	*os.File
	name string
}

func (s *server) closeAll() {
	for _, f := range s.files {
		s.locks.release(f)
		f.Close()
	}
}

// handle does what a packet asks and reads its payload. An error that is a
// Status is the host's, any other ends the connection.
func (s *server) handle(p packet, stream io.Reader) (op uint64, params, payload []byte, err error) {
	if p.op == opWrite {
		return opStatus, nil, nil, s.write(p, stream)
	}
	if p.payload > maxParams {
		return 0, nil, nil, errPacket
	}
	// Where parameters end and a payload begins differs between clients.
	rest := make([]byte, p.payload)
	if _, err := io.ReadFull(stream, rest); err != nil {
		return 0, nil, nil, err
	}
	a := &args{rest: append(p.params, rest...)}
	switch p.op {
	case opReadDir, opFileInfo, opDeviceInfo, opRead:
		payload, err = s.query(p.op, a)
		op = opData
	case opOpen:
		op = opOpened
		params, err = s.open(a)
	case opTell:
		op = opTold
		params, err = s.tell(a)
	case opSeek, opClose, opSetSize, opLock:
		op, err = opStatus, s.onHandle(p.op, a)
	default:
		op, err = opStatus, s.onPath(p.op, a)
	}
	if err != nil {
		return opStatus, nil, nil, statusOf(err)
	}
	return op, params, payload, nil
}

func (s *server) query(op uint64, a *args) ([]byte, error) {
	switch op {
	case opDeviceInfo:
		info := s.info()
		return pairs("Model", info.Model, "FSTotalBytes", strconv.FormatInt(info.Total, 10),
			"FSFreeBytes", strconv.FormatInt(info.Free, 10), "FSBlockSize", "4096"), nil
	case opRead:
		f, err := s.file(a)
		if err != nil {
			return nil, err
		}
		buf := make([]byte, min(a.number(), maxRead))
		n, err := io.ReadFull(f, buf)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = nil
		}
		return buf[:n], err
	case opReadDir:
		return s.readDir(a)
	}
	return s.fileInfo(a)
}

// pairs writes keys and values, each ended by a zero byte.
func pairs(words ...string) []byte {
	var b []byte
	for _, w := range words {
		b = append(append(b, w...), 0)
	}
	return b
}

func (s *server) file(a *args) (*file, error) {
	f, ok := s.files[a.number()]
	if a.bad || !ok {
		return nil, StatusArgument
	}
	return f, nil
}

func (s *server) open(a *args) ([]byte, error) {
	mode, name := a.number(), s.name(a)
	flags, ok := map[uint64]int{
		1: os.O_RDONLY,
		2: os.O_RDWR | os.O_CREATE,
		3: os.O_WRONLY | os.O_CREATE | os.O_TRUNC,
		4: os.O_RDWR | os.O_CREATE | os.O_TRUNC,
		5: os.O_WRONLY | os.O_CREATE | os.O_APPEND,
		6: os.O_RDWR | os.O_CREATE | os.O_APPEND,
	}[mode]
	switch {
	case a.bad || !ok:
		return nil, StatusArgument
	case len(s.files) >= maxHandles:
		return nil, StatusNoResources
	}
	if info, err := s.root.Stat(name); err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return nil, StatusIsDir
		}
		return nil, StatusPermission // a pipe would block for ever
	}
	f, err := s.root.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, err
	}
	s.last++
	s.files[s.last] = &file{File: f, name: name}
	return binary.LittleEndian.AppendUint64(nil, s.last), nil
}

func (s *server) tell(a *args) ([]byte, error) {
	f, err := s.file(a)
	if err != nil {
		return nil, err
	}
	at, err := f.Seek(0, io.SeekCurrent)
	return binary.LittleEndian.AppendUint64(nil, uint64(at)), err
}

func (s *server) onHandle(op uint64, a *args) error {
	handle := (&args{rest: a.rest}).number()
	f, err := s.file(a)
	if err != nil {
		return err
	}
	if op == opClose {
		delete(s.files, handle)
		s.locks.release(f)
		return f.Close()
	}
	n := a.number()
	if a.bad {
		return StatusArgument
	}
	switch op {
	case opSetSize:
		return truncate(f, n)
	case opLock:
		return s.locks.apply(f, n)
	}
	offset := int64(a.number())
	if a.bad || n > io.SeekEnd {
		return StatusArgument
	}
	_, err = f.Seek(offset, int(n))
	return err
}

// write streams the payload into the file: hosts send as much as they like.
// Whatever happens, the payload is read to its end.
func (s *server) write(p packet, stream io.Reader) error {
	a := &args{rest: p.params}
	f, err := s.file(a)
	payload := &io.LimitedReader{R: stream, N: int64(p.payload)}
	if err == nil {
		_, err = f.Write(a.rest)
	}
	if err == nil {
		_, err = io.Copy(f.File, payload)
	}
	if _, drainErr := io.Copy(io.Discard, payload); drainErr != nil {
		return drainErr
	}
	if payload.N > 0 {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return statusOf(err)
	}
	return nil
}
