package agent_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"testing"
	"time"

	"russet/vphone/internal/plist"
)

// host is a plain, obedient host that keeps backups in memory.
type host struct {
	t      testing.TB
	root   *node
	free   int64
	purged int64                                 // what a purge brings; 0 refuses
	seen   []string                              // names of the device's requests
	stop   func(message string, args []any) bool // hangs up before answering
}

func newHost(t testing.TB) *host {
	return &host{t: t, root: &node{children: map[string]*node{}}, free: 1 << 40}
}

// copy is another host that holds the same.
func (h *host) copy() *host {
	other := newHost(h.t)
	other.root = h.root.copy()
	return other
}

// hostConn is one session of a host.
type hostConn struct {
	*host
	net.Conn
	r *bufio.Reader
	w *bufio.Writer
}

var errHungUp = errors.New("the host hung up")

func (h *hostConn) send(message ...any) error {
	body, err := plist.Binary(message)
	if err != nil {
		return err
	}
	if err := binary.Write(h.w, binary.BigEndian, uint32(len(body))); err != nil {
		return err
	}
	if _, err := h.w.Write(body); err != nil {
		return err
	}
	return h.w.Flush()
}

func (h *hostConn) number() (int, error) {
	var n uint32
	err := binary.Read(h.r, binary.BigEndian, &n)
	return int(n), err
}

func (h *hostConn) receive() (string, []any, error) {
	n, err := h.number()
	if err != nil {
		return "", nil, err
	}
	if n > 1<<26 {
		return "", nil, fmt.Errorf("a message of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(h.r, body); err != nil {
		return "", nil, err
	}
	v, err := plist.Unmarshal(body)
	if err != nil {
		return "", nil, err
	}
	items, _ := v.([]any)
	if len(items) == 0 {
		return "", nil, errors.New("an empty message")
	}
	name, _ := items[0].(string)
	return name, items[1:], nil
}

// open does what comes before the first command.
func (h *hostConn) open() error {
	if _, _, err := h.receive(); err != nil {
		return err
	}
	if err := h.send("DLMessageVersionExchange", "DLVersionsOk", 400); err != nil {
		return err
	}
	if _, _, err := h.receive(); err != nil {
		return err
	}
	hello := map[string]any{"MessageName": "Hello", "SupportedProtocolVersions": []any{2.0, 2.1}}
	if err := h.send("DLMessageProcessMessage", hello); err != nil {
		return err
	}
	_, args, err := h.receive()
	if err != nil {
		return err
	}
	if r, _ := args[0].(map[string]any); r["ErrorCode"] != int64(0) || r["ProtocolVersion"] != 2.1 {
		return fmt.Errorf("hello was answered with %v", args)
	}
	return nil
}

// run sends a command and serves the device until its Response.
func (h *hostConn) run(command map[string]any) (map[string]any, error) {
	if err := h.open(); err != nil {
		return nil, err
	}
	if err := h.send("DLMessageProcessMessage", command); err != nil {
		return nil, err
	}
	for {
		name, args, err := h.receive()
		if err != nil {
			return nil, err
		}
		h.seen = append(h.seen, name)
		if h.stop != nil && h.stop(name, args) {
			return nil, errHungUp
		}
		if name == "DLMessageProcessMessage" {
			response, _ := args[0].(map[string]any)
			return response, h.send("DLMessageDisconnect", "___EmptyParameterString___")
		}
		if err := h.serve(name, args); err != nil {
			return nil, err
		}
	}
}

func (h *hostConn) serve(name string, args []any) error {
	switch name {
	case "DLMessageDownloadFiles":
		return h.download(texts(args[0]))
	case "DLMessageUploadFiles":
		return h.upload()
	case "DLContentsOfDirectory":
		return h.list(args[0].(string))
	case "DLMessageGetFreeDiskSpace":
		return h.send("DLMessageStatusResponse", 0, "", h.free)
	case "DLMessagePurgeDiskSpace":
		if h.purged == 0 {
			return h.send("DLMessageStatusResponse", -1, "Operation not supported", map[string]any{})
		}
		h.free += h.purged
		return h.send("DLMessageStatusResponse", 0, "", h.purged)
	case "DLMessageCreateDirectory":
		return h.status(h.root.mkdir(args[0].(string)))
	case "DLMessageMoveItems":
		var err error
		for from, to := range args[0].(map[string]any) {
			err = errors.Join(err, h.root.move(from, to.(string), true))
		}
		return h.status(err)
	case "DLMessageRemoveItems":
		for _, path := range texts(args[0]) {
			h.root.remove(path)
		}
		return h.status(nil)
	case "DLMessageCopyItem":
		return h.status(h.root.move(args[0].(string), args[1].(string), false))
	}
	return fmt.Errorf("unknown message %q", name)
}

func (h *hostConn) status(err error) error {
	if err != nil {
		return h.send("DLMessageStatusResponse", code(err), err.Error(), map[string]any{})
	}
	return h.send("DLMessageStatusResponse", 0, "___EmptyParameterString___", map[string]any{})
}

func code(err error) int {
	if errors.Is(err, fs.ErrNotExist) {
		return -6
	}
	return -1
}

func (h *hostConn) list(name string) error {
	extra := map[string]any{}
	if n := h.root.find(name); n != nil {
		for name, child := range n.children {
			kind := "DLFileTypeRegular"
			if child.children != nil {
				kind = "DLFileTypeDirectory"
			}
			extra[name] = map[string]any{
				"DLFileType": kind, "DLFileSize": len(child.data), "DLFileModificationDate": time.Unix(0, 0).UTC(),
			}
		}
	}
	return h.send("DLMessageStatusResponse", 0, "___EmptyParameterString___", extra)
}

func (h *hostConn) frame(status byte, data []byte) {
	h.w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data)+1)))
	h.w.Write([]byte{status})
	h.w.Write(data)
}

func (h *hostConn) download(paths []string) error {
	failed := map[string]any{}
	for _, name := range paths {
		h.w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(name))))
		h.w.Write([]byte(name))
		n := h.root.find(name)
		if n == nil || n.children != nil {
			err := fs.ErrNotExist
			failed[name] = map[string]any{"DLFileErrorString": err.Error(), "DLFileErrorCode": code(err)}
			h.frame(byte(-code(err)), []byte(err.Error()))
			continue
		}
		for data := n.data; len(data) > 0; {
			n := min(len(data), 32768)
			h.frame(0x0C, data[:n])
			data = data[n:]
		}
		h.frame(0, nil)
	}
	h.w.Write([]byte{0, 0, 0, 0})
	if len(failed) > 0 {
		return h.send("DLMessageStatusResponse", -13, "Multi status", failed)
	}
	return h.status(nil)
}

func (h *hostConn) text() (string, error) {
	n, err := h.number()
	if err != nil || n == 0 {
		return "", err
	}
	if n > 4096 {
		return "", errors.New("a name that is too long")
	}
	b := make([]byte, n)
	_, err = io.ReadFull(h.r, b)
	return string(b), err
}

func (h *hostConn) upload() error {
	for {
		device, err := h.text()
		if err != nil {
			return err
		}
		if device == "" {
			return h.status(nil)
		}
		name, err := h.text()
		if err != nil {
			return err
		}
		if err := h.receiveFile(name); err != nil {
			return err
		}
	}
}

func (h *hostConn) receiveFile(name string) error {
	var data bytes.Buffer
	for {
		n, err := h.number()
		if err != nil {
			return err
		}
		status, err := h.r.ReadByte()
		if err != nil {
			return err
		}
		if _, err := io.CopyN(&data, h.r, int64(n-1)); err != nil {
			return err
		}
		switch status {
		case 0x0C:
		case 0:
			return h.root.put(name, data.Bytes())
		case 0x0B:
			return nil
		default:
			return fmt.Errorf("status byte %#x in an upload", status)
		}
	}
}
