package link_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"russet/vphone/agent/internal/link"
	"russet/vphone/internal/plist"
)

// scripted is a host that says what it has to say, and hears everything.
type scripted struct {
	io.Reader
	heard bytes.Buffer
}

func (s *scripted) Write(p []byte) (int, error)    { return s.heard.Write(p) }
func (*scripted) Close() error                     { return nil }
func (*scripted) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (*scripted) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (*scripted) SetDeadline(time.Time) error      { return nil }
func (*scripted) SetReadDeadline(time.Time) error  { return nil }
func (*scripted) SetWriteDeadline(time.Time) error { return nil }

func message(t *testing.T, items ...any) []byte {
	t.Helper()
	body, err := plist.Binary(items)
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func saying(parts ...[]byte) (*link.Conn, *scripted) {
	s := &scripted{Reader: bytes.NewReader(bytes.Join(parts, nil))}
	return link.New(s, link.Hooks{}), s
}

func frame(status byte, data string) []byte {
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(data)+1)), status), data...)
}

func name(s string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) }

func TestStatuses(t *testing.T) {
	multi := func(path string, code int) map[string]any {
		return map[string]any{path: map[string]any{"DLFileErrorCode": code, "DLFileErrorString": "why"}}
	}
	for _, c := range []struct {
		name   string
		answer []byte
		code   int64 // of the failure; 0 is success
		broken error
	}{
		{"fine", message(t, "DLMessageStatusResponse", 0, link.Empty, map[string]any{}), 0, nil},
		{"failed", message(t, "DLMessageStatusResponse", -11, "I/O error", map[string]any{}), -11, nil},
		{"one item's own code", message(t, "DLMessageStatusResponse", -13, "Multi status", multi("x", -6)), -6, nil},
		{"another item's code", message(t, "DLMessageStatusResponse", -13, "Multi status", multi("y", -6)), -13, nil},
		{"three items", message(t, "DLMessageStatusResponse", 0, link.Empty), -1, nil},
		{"five items", message(t, "DLMessageStatusResponse", 0, link.Empty, 1, 2), -1, nil},
		{"code is text", message(t, "DLMessageStatusResponse", "0", link.Empty, 1), 0, link.ErrProtocol},
		{"no status", message(t, "DLMessageProcessMessage", map[string]any{}), 0, link.ErrProtocol},
		{"goodbye", message(t, "DLMessageDisconnect", "bye"), 0, link.ErrDisconnected},
		{"after an empty array", append(message(t), message(t, "DLMessageStatusResponse", 0, "", 1)...), 0, nil},
		{"too long", []byte{0xFF, 0, 0, 0}, 0, link.ErrProtocol},
		{"hung up", nil, 0, io.EOF},
	} {
		conn, _ := saying(c.answer)
		status, err := conn.Request("DLMessageMoveItems")
		if !errors.Is(err, c.broken) || c.broken == nil && err != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.broken)
			continue
		}
		var failure *link.Failure
		if errors.As(status.Err("DLMessageMoveItems", "x"), &failure) != (c.code != 0) || failure != nil && failure.Status.Code != c.code {
			t.Errorf("%s: %+v, want code %d", c.name, status, c.code)
		}
	}
}

// TestVersions: the lower version counts, and old hosts get old requests.
func TestVersions(t *testing.T) {
	ok := message(t, "DLMessageStatusResponse", 0, link.Empty, map[string]any{})
	for version, want := range map[int]string{400: "DLMessageMoveItems", 500: "DLMessageMoveItems", 100: "DLMessageMoveFiles"} {
		conn, s := saying(message(t, "DLMessageVersionExchange", "DLVersionsOk", version), ok, ok)
		if err := conn.Open(); err != nil {
			t.Fatal(err)
		}
		if err := conn.Move(map[string]string{"a": "b"}, 0); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(s.heard.Bytes(), []byte(want)) {
			t.Errorf("version %d: no %s", version, want)
		}
		if _, known, err := conn.Free(); known || err != nil {
			t.Errorf("version %d: free space %v, %v", version, known, err)
		}
		if asked := bytes.Contains(s.heard.Bytes(), []byte("GetFreeDiskSpace")); asked != (version >= 300) {
			t.Errorf("version %d: free space asked for: %v", version, asked)
		}
	}
	conn, _ := saying(message(t, "DLMessageVersionExchange", "DLVersionsDiffer", 1))
	if err := conn.Open(); !errors.Is(err, link.ErrProtocol) {
		t.Error(err)
	}
}

func TestDownload(t *testing.T) {
	missing := map[string]any{"b": map[string]any{"DLFileErrorCode": -6, "DLFileErrorString": "No such file"}}
	conn, _ := saying(
		name("a"), frame(0x0C, "12"), frame(0x0C, ""), frame(0x0C, "345"), frame(0, ""),
		name("b"), frame(6, "No such file"),
		name("d"), frame(0, ""), name(""),
		message(t, "DLMessageStatusResponse", -13, "Multi status", missing),
	)
	d, err := conn.StartDownload(0, []string{"a", "b", "c", "d"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		path, ok, err := d.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		data, err := io.ReadAll(d)
		said := "ok"
		if err != nil {
			said = err.Error()
		}
		got = append(got, path+" "+string(data)+" "+said)
	}
	if want := []string{"a 12345 ok", "b  No such file (-6)", "d  ok"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	status, err := d.Finish()
	if err != nil || status.Items()["b"].Code != -6 {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestBrokenDownloads(t *testing.T) {
	for what, said := range map[string][]byte{
		"not asked for":    append(name("z"), frame(0, "")...),
		"a long name":      {0, 1, 0, 0, 'x'},
		"a giant frame":    append(name("a"), 0x08, 0, 0, 1, 0x0C),
		"no status byte":   append(name("a"), 0, 0, 0, 0),
		"a long apology":   append(name("a"), 0, 1, 0, 0, 0x0B),
		"an end with data": append(name("a"), frame(0, strings.Repeat("x", 5000))...),
	} {
		conn, _ := saying(said)
		d, err := conn.StartDownload(0, []string{"a"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Finish(); !errors.Is(err, link.ErrProtocol) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestListings(t *testing.T) {
	entry := func(kind string, size any) map[string]any {
		return map[string]any{"DLFileType": kind, "DLFileSize": size}
	}
	for what, c := range map[string]struct {
		extra any
		names []string
		ok    bool
	}{
		"files and folders": {map[string]any{
			"f": entry("DLFileTypeRegular", 0), "d": entry("DLFileTypeDirectory", 4096), "s": entry("DLFileTypeUnknown", 1),
		}, []string{"d", "f"}, true},
		"empty":      {map[string]any{}, nil, true},
		"no size":    {map[string]any{"f": entry("DLFileTypeRegular", "1")}, nil, false},
		"no kind":    {map[string]any{"f": map[string]any{}}, nil, false},
		"no listing": {link.Empty, nil, false},
		"no entry":   {map[string]any{"f": 1}, nil, false},
	} {
		conn, _ := saying(message(t, "DLMessageStatusResponse", 0, link.Empty, c.extra))
		infos, err := conn.List("x", 0)
		if c.ok != (err == nil) {
			t.Errorf("%s: %v", what, err)
		}
		var names []string
		for _, info := range infos {
			names = append(names, info.Name)
		}
		slices.Sort(names)
		if !slices.Equal(names, c.names) {
			t.Errorf("%s: %q", what, names)
		}
	}
}
