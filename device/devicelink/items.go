package devicelink

import (
	"strings"

	"russet/internal/plist"
)

// maxItems is how many failing items an answer lists; the device needs to
// know that there are some.
const maxItems = 1024

// items are the failures within a batch, by the name the device used.
type items struct {
	failing plist.Dict
	noSpace bool
}

func (b *items) add(name string, code Code) {
	b.noSpace = b.noSpace || code == CodeNoSpace
	if b.failing == nil {
		b.failing = plist.Dict{}
	}
	if len(b.failing) < maxItems {
		// A property list holds nothing but UTF-8; a frame's name may.
		b.failing[strings.ToValidUTF8(name, "\uFFFD")] = plist.Dict{"DLFileErrorString": code.text(), "DLFileErrorCode": int64(code)}
	}
}

// answer is the status of the batch. A full disk is said outright: the device
// makes 105 of it, of a list of codes only "multiple errors".
func (b *items) answer() answer {
	switch {
	case len(b.failing) == 0:
		return answer{extra: plist.Dict{}}
	case b.noSpace:
		return answer{code: CodeNoSpace, text: CodeNoSpace.text(), extra: b.failing}
	}
	return answer{code: CodeMultiple, text: CodeMultiple.text(), extra: b.failing}
}

// replyItems answers a batch.
func (s *server) replyItems(b *items) error {
	if len(b.failing) == 0 {
		return s.done()
	}
	return s.reply(b.answer())
}

// replyCode answers a request about one thing.
func (s *server) replyCode(code Code) error {
	if code == CodeOK {
		return s.done()
	}
	return s.reply(answer{code: code, text: code.text(), extra: plist.Dict{}})
}
