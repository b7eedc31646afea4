package devicelink

import (
	"encoding/binary"
	"fmt"
	"math"

	"russet/internal/plist"
)

// message is what the device sends between files: a list that begins with a
// name. Items that are missing or of another type read as zero values, for
// devices leave trailing ones out.
type message []any

func (m message) item(i int) any {
	if i < len(m) {
		return m[i]
	}
	return nil
}

func (m message) text(i int) string {
	s, _ := m.item(i).(string)
	return s
}

func (m message) name() string { return m.text(0) }

func (m message) dict(i int) plist.Dict {
	d, _ := m.item(i).(plist.Dict)
	return d
}

func (m message) int(i int) int64 {
	switch v := m.item(i).(type) {
	case int64:
		return v
	case uint64:
		return math.MaxInt64
	case float64:
		return int64(max(-math.MaxInt32, min(v, 1<<53)))
	}
	return 0
}

// percent is a progress value: 0 to 100, or -1 where the device says nothing
// of use.
func (m message) percent(i int) float64 {
	var p float64
	switch v := m.item(i).(type) {
	case float64:
		p = v
	case int64:
		p = float64(v)
	}
	if p > 0 && p <= 100 {
		return p
	}
	return -1
}

// wellFormed reports whether the first item of a request, if it is there, is of
// the type that the request has it in. What is not is nothing that was done.
func (m message) wellFormed() bool {
	item := m.item(1)
	if item == nil {
		return true
	}
	ok := true
	switch m.name() {
	case "DLMessageDownloadFiles", "DLMessageRemoveItems", "DLMessageRemoveFiles":
		_, ok = item.([]any)
	case "DLMessageMoveItems", "DLMessageMoveFiles":
		_, ok = item.(plist.Dict)
	}
	return ok
}

// strings gives the strings of a list; other items count as names nobody has.
func (m message) strings(i int) []string {
	list, _ := m.item(i).([]any)
	out := make([]string, 0, len(list))
	for _, v := range list {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

// readMessage reads the next message. Empty lists arrive in mid-backup
// (Netimobiledevice 7c603de) and are passed over.
func (c *Conn) readMessage() (message, error) {
	for {
		v, err := c.readPlist()
		if err != nil {
			return nil, err
		}
		list, ok := v.([]any)
		if !ok {
			return nil, &ProtocolError{What: fmt.Sprintf("a property list of type %T", v)}
		}
		if len(list) == 0 {
			continue
		}
		m := message(list)
		if m.name() == "" {
			return nil, &ProtocolError{What: "a message without a name"}
		}
		return m, nil
	}
}

func (c *Conn) readPlist() (any, error) {
	length, err := c.in.uint32()
	if err != nil {
		return nil, err
	}
	if length > MaxMessage {
		return nil, &ProtocolError{What: fmt.Sprintf("a message of %d bytes", length)}
	}
	n := int(length)
	var body []byte
	if n <= len(c.in.buf) {
		if body, err = c.in.peek(n); err == nil {
			c.in.take(n)
		}
	} else {
		body, err = c.in.full(n)
	}
	if err != nil {
		return nil, err
	}
	v, err := plist.Parse(body, plist.Limits{Bytes: MaxMessage, Objects: maxObjects, Depth: maxDepth})
	if err != nil {
		return nil, &ProtocolError{What: fmt.Sprintf("a damaged message: %v", err)}
	}
	return v, nil
}

func (c *Conn) sendList(list []any) error {
	body, err := plist.MarshalBinary(list)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	return c.sendEncoded(body)
}

func (c *Conn) sendEncoded(body []byte) error {
	c.out = binary.BigEndian.AppendUint32(c.out[:0], uint32(len(body)))
	c.out = append(c.out, body...)
	return c.flush()
}

// flush writes what stands in out.
func (c *Conn) flush() error {
	_, err := c.link.Write(c.out)
	if cap(c.out) > 2*bufferSize {
		c.out = make([]byte, 0, bufferSize) // a listing of a very large folder
	}
	c.out = c.out[:0]
	return err
}

// answer is a status: every request gets exactly one, of exactly four items.
// Codes are plain signed integers.
type answer struct {
	code  Code
	text  string
	extra any
}

func (a answer) list() []any {
	text := a.text
	if text == "" {
		text = emptyParameter
	}
	return []any{"DLMessageStatusResponse", int64(a.code), text, a.extra}
}

// done answers a request that asks for nothing but success.
func (c *Conn) done() error { return c.replyOnce(&c.doneAnswer, answer{extra: plist.Dict{}}) }

// made answers DLMessageCreateDirectory, whose last item is a string (as
// libimobiledevice sends it).
func (c *Conn) made() error { return c.replyOnce(&c.madeAnswer, answer{extra: emptyParameter}) }

// replyOnce sends an answer that is always the same, encoded the first time:
// nearly every request gets one of the two above.
func (c *Conn) replyOnce(encoded *[]byte, a answer) error {
	if *encoded == nil {
		body, err := plist.MarshalBinary(a.list())
		if err != nil {
			return fmt.Errorf("encode an answer: %w", err)
		}
		*encoded = body
	}
	return c.sendEncoded(*encoded)
}

func (c *Conn) reply(a answer) error { return c.sendList(a.list()) }
