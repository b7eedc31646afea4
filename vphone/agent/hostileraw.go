package agent

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"russet/vphone/agent/internal/link"
)

// Bounds of the scripts that go on until the host has had enough: a host that
// never has must not keep a test for ever.
const (
	manyFolders = 20_000
	manyFiles   = 100_000
	manyFrames  = 2_000_000
)

// raw sends bytes that are no message, inside an upload or instead of a
// request, and waits for what the host makes of them.
func raw(step string, b []byte, inUpload bool) func(*attack) error {
	return func(a *attack) error {
		if err := a.conn.SetReadDeadline(time.Now().Add(hostilePatience)); err != nil {
			return err
		}
		if inUpload {
			if err := a.link.StartUpload(0, 1); err != nil {
				return err
			}
		}
		if err := a.link.Raw(b); err != nil {
			return err
		}
		if err := a.link.Flush(); err != nil {
			return a.answered(step, link.Status{}, err)
		}
		status, err := a.link.Answer()
		return a.answered(step, status, err)
	}
}

// rawMessage sends a message whose length is right and whose body is not.
func rawMessage(step string, body []byte) func(*attack) error {
	return raw(step, append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...), false)
}

// trailer ends a binary property list of objects that have one-byte offsets
// and references.
func trailer(b []byte, offsets ...byte) []byte {
	table := len(b)
	b = append(b, offsets...)
	b = append(b, 0, 0, 0, 0, 0, 0, 1, 1)
	b = binary.BigEndian.AppendUint64(b, uint64(len(offsets)))
	b = binary.BigEndian.AppendUint64(b, 0)
	return binary.BigEndian.AppendUint64(b, uint64(table))
}

func cyclicPlist() []byte { return trailer([]byte("bplist00\xA2\x00\x00"), 8) }

func hugeCountPlist() []byte {
	return trailer(append([]byte("bplist00\xAF\x13"), 0x10, 0, 0, 0, 0, 0, 0, 0), 8)
}

func deepPlist(depth int) []byte {
	return []byte(`<plist version="1.0">` + strings.Repeat("<array>", depth) + strings.Repeat("</array>", depth) + "</plist>")
}

const entityBomb = `<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">` +
	`<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>` +
	`<plist version="1.0"><array><string>&c;&d;</string></array></plist>`

// wrongArity leaves out what requests need, or sends something else there.
func (a *attack) wrongArity() error {
	for _, name := range []string{
		"DLMessageDownloadFiles", "DLContentsOfDirectory", "DLMessageCreateDirectory", "DLMessageMoveItems",
		"DLMessageRemoveItems", "DLMessageCopyItem", "DLMessagePurgeDiskSpace", "DLMessageUploadFiles",
	} {
		if err := a.ask(name, 12, false, []string{"x"}, map[string]any{"x": 1}); err != nil {
			return err
		}
		if err := a.ask(name); err != nil {
			return err
		}
	}
	return nil
}

func (a *attack) unknownMessage() error { return a.ask("DLMessageFormatTheDisk", "C:") }

// emptyArray sends what some hosts were seen to get. [T]
func (a *attack) emptyArray() error {
	empty := trailer([]byte("bplist00\xA0"), 8)
	if err := a.link.Raw(append(binary.BigEndian.AppendUint32(nil, uint32(len(empty))), empty...)); err != nil {
		return err
	}
	return a.ask("DLMessageGetFreeDiskSpace")
}

func (a *attack) longPaths() error {
	deep := a.root + strings.Repeat("/d", 2000)
	return each([]string{
		a.root + "/" + strings.Repeat("n", 255), a.root + "/" + strings.Repeat("n", 256), a.root + "/" + strings.Repeat("n", 5000),
		deep, a.root + strings.Repeat("/d", 100_000), a.root + "/" + strings.Repeat("n", 1<<20),
	}, func(name string) error {
		if err := a.ask("DLMessageCreateDirectory", name, map[string]any{}, 0.0); err != nil {
			return err
		}
		return a.upload(name + "/file")
	})
}

// endlessFolders makes folders until the host refuses.
func (a *attack) endlessFolders() error {
	for i := range manyFolders {
		name := fmt.Sprintf("%s/%d", a.root, i)
		status, err := a.link.Request("DLMessageCreateDirectory", name, map[string]any{}, 0.0)
		if err != nil || status.Code != link.CodeOK {
			return a.answered(fmt.Sprintf("folder number %d", i), status, err)
		}
	}
	return a.answered(fmt.Sprintf("%d folders", manyFolders), link.Status{}, nil)
}

// endlessFiles uploads empty files in one batch until the host refuses.
func (a *attack) endlessFiles() error {
	if err := a.link.StartUpload(0, 0); err != nil {
		return err
	}
	for i := range manyFiles {
		frames := link.AppendNames(nil, "/d", fmt.Sprintf("%s/Snapshot/%d", a.root, i))
		if err := a.link.Raw(link.AppendEnd(frames)); err != nil {
			return a.answered(fmt.Sprintf("file number %d", i), link.Status{}, err)
		}
	}
	status, err := a.link.EndUpload()
	return a.answered(fmt.Sprintf("%d files", manyFiles), status, err)
}

// endlessFrames sends a file that goes on and on without a byte in it.
func (a *attack) endlessFrames() error {
	if err := a.link.StartUpload(0, 0); err != nil {
		return err
	}
	if err := a.link.Raw(link.AppendNames(nil, "/d", a.root+"/Snapshot/x")); err != nil {
		return err
	}
	for i := range manyFrames {
		if err := a.link.Raw([]byte{0, 0, 0, 1, 0x0C}); err != nil {
			return a.answered(fmt.Sprintf("empty frame number %d", i), link.Status{}, err)
		}
	}
	if err := a.link.Raw(link.AppendEnd(nil)); err != nil {
		return err
	}
	status, err := a.link.EndUpload()
	return a.answered(fmt.Sprintf("%d empty frames", manyFrames), status, err)
}
