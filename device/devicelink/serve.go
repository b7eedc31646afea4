package devicelink

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"russet/internal/plist"
)

// Service is what a device is served, and who hears of it. Functions may be
// nil; they are called by the goroutine that serves.
type Service struct {
	Files Files
	// Folders are the UDIDs whose folders the device may name; see Within.
	Folders []string

	// Began is called with each request, before anything is done about it.
	Began func(Request)
	// Received is called for each file that was received whole and is in its
	// place.
	Received func(name string)
	// Unread is called for a file that the device could not read and broke
	// off: normal life, not a failure.
	Unread func(Unread)
	// Missing is called for a file that the device asked for and that is not
	// there. In a backup that is an answer like any other.
	Missing func(name string)
	// Failed is called for what could not be done here. The device hears of
	// it too and usually ends the run with an error that says less.
	Failed func(*FileError)
	// Short is called when the device finds too little space. Its need is
	// known only then: what Free answered, plus asked, less 2 GiB.
	Short func(free, asked int64)

	// FirstLimit and Limit replace the limits on silence of the same names.
	FirstLimit, Limit time.Duration
}

// Request is one request of the device.
type Request struct {
	Message string  // "DLMessageUploadFiles"
	Name    string  // the file or folder, the first of several; may be ""
	Items   int     // how many files or folders it names; 0 where it does not say
	Percent float64 // of the whole run, 0 to 100; -1 when the device does not say
	Bytes   int64   // how many bytes of file data follow, as the device estimates; 0 if it does not
}

// Unread is a file that the device could not read.
type Unread struct {
	Device string // the device's own path of it
	Name   string // the name it would have had here
	Code   Code
	Text   string // the device's words
}

// A FileError is something that could not be done with a file or folder here.
type FileError struct {
	Doing string // "receive", "read", "make", …
	Name  string // as the device said it
	Err   error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s %q: %v", e.Doing, e.Name, e.Err) }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// Serve answers the device's requests until it sends a message for the service
// that uses DeviceLink, and returns that.
//
// When ctx is done it stops between two frames and returns the context's
// cause; Disconnect can still say goodbye. Other errors are a *LostError, a
// *DisconnectError or a *ProtocolError.
func (c *Conn) Serve(ctx context.Context, svc Service) (plist.Dict, error) {
	defer c.link.obey(ctx)()
	s := &server{Conn: c, Service: svc, ctx: ctx}
	c.link.setLimit(orElse(svc.FirstLimit, FirstLimit))
	for first := true; ; first = false {
		m, err := c.readMessage()
		if err != nil {
			return nil, c.cause(ctx, err)
		}
		if first {
			c.link.setLimit(orElse(svc.Limit, IdleLimit))
		}
		switch m.name() {
		case "DLMessageProcessMessage":
			return m.dict(1), nil
		case "DLMessageDisconnect":
			return nil, &DisconnectError{Reason: m.text(1)}
		case "DLMessagePing":
			continue
		}
		if err := s.handle(m); err != nil {
			return nil, c.cause(ctx, err)
		}
	}
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// server is one call of Serve.
type server struct {
	*Conn
	Service
	ctx  context.Context
	free int64 // what Free answered last

	logged int // failures that were logged
}

// handle acts on one request and answers it. An error means that the
// connection is of no use any more.
func (s *server) handle(m message) error {
	if !m.wellFormed() && m.name() != "DLMessageDownloadFiles" { // which ends its frames first
		return s.malformed(m)
	}
	switch m.name() {
	case "DLMessageUploadFiles":
		return s.upload(m)
	case "DLMessageDownloadFiles":
		return s.download(m)
	case "DLContentsOfDirectory":
		return s.contents(m)
	case "DLMessageCreateDirectory":
		return s.createDirectory(m)
	case "DLMessageMoveItems", "DLMessageMoveFiles":
		return s.move(m)
	case "DLMessageRemoveItems", "DLMessageRemoveFiles":
		return s.remove(m, m.strings(1))
	case "DLMessageRemoveDirectory":
		return s.remove(m, []string{m.text(1)})
	case "DLMessageCopyItem":
		return s.copyItem(m)
	case "DLMessageGetFreeDiskSpace":
		return s.freeDiskSpace(m)
	case "DLMessagePurgeDiskSpace":
		return s.purge(m)
	}
	// Silence would hang the device; -1 is what it knows from other hosts.
	s.log.Warn("unknown DeviceLink message", "name", m.name())
	s.began(Request{Message: m.name(), Percent: -1})
	return s.reply(answer{code: CodeFailed, text: "Unknown message", extra: plist.Dict{}})
}

func (s *server) began(r Request) {
	if s.Began != nil {
		s.Began(r)
	}
}

// maxLogged bounds what a hostile device can make a log hold.
const maxLogged = 100

// failed tells of a local failure and gives its code.
func (s *server) failed(doing, name string, err error) Code {
	if s.logged++; s.logged <= maxLogged {
		s.log.Warn("a request of the device failed", "doing", doing, "name", name, "error", err)
	}
	if s.Failed != nil {
		s.Failed(&FileError{Doing: doing, Name: name, Err: err})
	}
	return codeOf(err)
}

func (s *server) createDirectory(m message) error {
	raw := m.text(1)
	s.began(Request{Message: m.name(), Name: raw, Items: 1, Percent: m.percent(3)})
	name, err := Within(s.Folders, raw)
	if err == nil {
		err = s.Files.Mkdir(name)
	}
	if err != nil {
		code := s.failed("make folder", raw, err)
		return s.reply(answer{code: code, text: code.text(), extra: emptyParameter})
	}
	return s.made()
}

// malformed answers a request whose names are in no shape that has any: 0 would
// say that it was done.
func (s *server) malformed(m message) error {
	s.log.Warn("malformed DeviceLink message", "name", m.name())
	s.began(Request{Message: m.name(), Percent: -1})
	return s.replyCode(CodeBadParameter)
}

func (s *server) move(m message) error {
	pairs := m.dict(1)
	sources := slices.Sorted(maps.Keys(pairs))
	s.began(Request{Message: m.name(), Name: first(sources), Items: len(sources), Percent: m.percent(3)})
	var failures items
	for _, source := range sources {
		target, _ := pairs[source].(string)
		if err := s.moveOne(source, target); err != nil {
			failures.add(source, s.failed("move", source, err))
		}
	}
	return s.replyItems(&failures)
}

func (s *server) moveOne(source, target string) error {
	from, err := Within(s.Folders, source)
	if err != nil {
		return err
	}
	to, err := Within(s.Folders, target)
	if err != nil {
		return err
	}
	return s.Files.Rename(from, to)
}

func (s *server) remove(m message, names []string) error {
	s.began(Request{Message: m.name(), Name: first(names), Items: len(names), Percent: m.percent(3)})
	var failures items
	for _, raw := range names {
		name, err := Within(s.Folders, raw)
		if err == nil {
			err = s.Files.Remove(name)
		}
		if err != nil {
			failures.add(raw, s.failed("remove", raw, err))
		}
	}
	return s.replyItems(&failures)
}

func (s *server) copyItem(m message) error {
	source, target := m.text(1), m.text(2)
	s.began(Request{Message: m.name(), Name: source, Items: 1, Percent: m.percent(4)})
	from, err := Within(s.Folders, source)
	if err == nil {
		var to string
		if to, err = Within(s.Folders, target); err == nil {
			err = s.Files.Copy(from, to)
		}
	}
	if err != nil {
		return s.replyCode(s.failed("copy", source, err))
	}
	return s.done()
}

func (s *server) freeDiskSpace(m message) error {
	s.began(Request{Message: m.name(), Percent: -1})
	free, err := s.Files.Free()
	if err != nil {
		// The device then leaves out its own check of the space.
		code := s.failed("ask for free space", "", err)
		return s.reply(answer{code: code, text: code.text(), extra: int64(0)})
	}
	s.free = max(0, free)
	return s.reply(answer{extra: s.free})
}

func (s *server) purge(m message) error {
	asked := max(0, m.int(1))
	s.began(Request{Message: m.name(), Percent: -1, Bytes: asked})
	freed, err := s.Files.Purge(s.ctx, asked, int(min(m.int(2), 1<<16)))
	if err == nil {
		return s.reply(answer{extra: max(0, freed)})
	}
	s.log.Info("the device finds too little space", "free", s.free, "asked", asked, "error", err)
	if s.Short != nil {
		s.Short(s.free, asked)
	}
	return s.reply(answer{code: CodeFailed, text: "Operation not supported", extra: emptyParameter})
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
