package usbmux_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"russet/device/usbmux"
	"russet/internal/plist"
)

func TestParseAddr(t *testing.T) {
	for addr, want := range map[string]string{
		"UNIX:/var/run/usbmuxd": "unix /var/run/usbmuxd",
		"/var/run/usbmuxd":      "unix /var/run/usbmuxd",
		"/a:b/c:1":              "unix /a:b/c:1",
		"UNIX:/a:1":             "unix /a:1",
		"./socket":              "unix ./socket",
		`C:\mux`:                `unix C:\mux`,
		"127.0.0.1:27015":       "tcp 127.0.0.1:27015",
		"[::1]:27015":           "tcp [::1]:27015",
		"nas.local:5000":        "tcp nas.local:5000",
		"nas.local":             "",
		":27015":                "",
		"nas:port":              "",
		"nas:65536":             "",
		"nas:0":                 "",
		"UNIX:":                 "",
		"":                      "",
	} {
		network, address, err := usbmux.ParseAddr(addr)
		if got := strings.TrimSpace(network + " " + address); got != want || (err == nil) != (want != "") {
			t.Errorf("ParseAddr(%q) = %q, %v; want %q", addr, got, err, want)
		}
	}
}

func TestDefaultAddr(t *testing.T) {
	t.Setenv("USBMUXD_SOCKET_ADDRESS", "UNIX:/x")
	if a := usbmux.DefaultAddr(); a != "UNIX:/x" {
		t.Errorf("got %q", a)
	}
	t.Setenv("USBMUXD_SOCKET_ADDRESS", "")
	if _, _, err := usbmux.ParseAddr(usbmux.DefaultAddr()); err != nil {
		t.Error(err)
	}
}

func TestDevices(t *testing.T) {
	sockaddr := func(head ...byte) []byte { return append(head, make([]byte, 128-len(head))...) }
	network := func(id int, addr []byte) plist.Dict {
		return plist.Dict{"MessageType": "Attached", "DeviceID": id, "Properties": plist.Dict{
			"ConnectionType": "Network", "SerialNumber": "00008110-0001ABCD12345678", "NetworkAddress": addr,
		}}
	}
	v6 := "\x00\x00\x00\x00\x00\x00\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
	c, asked := answering(t, map[string]plist.Dict{"ListDevices": {"DeviceList": []any{
		attached(7, "000081100001ABCD12345678"),
		network(8, sockaddr(16, 2, 0, 0, 192, 0, 2, 1)), // BSD
		network(9, sockaddr(2, 0, 0, 0, 192, 0, 2, 1)),  // Linux
		network(10, sockaddr([]byte("\x1c\x1e"+v6)...)), // BSD
		network(11, sockaddr([]byte("\x0a\x00"+v6)...)), // Linux
		network(12, []byte{2, 0, 0, 0, 192}),            // cut
		attached(13, strings.Repeat("a", 40)),
		attached(0, "no number"), attached(14, ""), "no device",
		plist.Dict{},
	}}})
	devices, err := c.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range devices {
		got = append(got, fmt.Sprintf("%d %s %s %v", d.ID, d.UDID, d.Connection, d.Addr))
	}
	dashed, none := "00008110-0001ABCD12345678", netip.Addr{}.String()
	want := []string{
		"7 " + dashed + " USB " + none, "8 " + dashed + " Network 192.0.2.1", "9 " + dashed + " Network 192.0.2.1",
		"10 " + dashed + " Network 2001:db8::1", "11 " + dashed + " Network 2001:db8::1", "12 " + dashed + " Network " + none,
		"13 " + strings.Repeat("a", 40) + " USB " + none,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	ask := plist.Dict{
		"MessageType": "ListDevices", "ProgName": "test", "ClientVersionString": "russet", "kLibUSBMuxVersion": int64(3),
	}
	if !reflect.DeepEqual(*asked, []plist.Dict{ask}) {
		t.Errorf("the daemon was asked %v", *asked)
	}
}

// TestConnect sends the device's first bytes together with the daemon's last:
// none may be lost.
func TestConnect(t *testing.T) {
	var port int64
	c := daemon(t, func(p *peer) {
		req, err := p.request()
		if err != nil {
			return
		}
		if req.String("MessageType") == "ListDevices" {
			p.answer(plist.Dict{"DeviceList": []any{attached(7, "udid")}})
			return
		}
		port = req.Int("PortNumber")
		body, _ := plist.MarshalXML(result(0))
		_, _ = p.Write(append(frame(1, 8, p.tag, string(body)), "hello"...))
	})
	devices, err := c.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := devices[0].DialPort(t.Context(), 62078)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if got, err := io.ReadAll(conn); string(got) != "hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if port != 32498 { // 62078 with its bytes swapped
		t.Errorf("the daemon was asked for port %d", port)
	}
}

func TestRefusals(t *testing.T) {
	for number, want := range map[int]error{2: usbmux.ErrBadDevice, 3: usbmux.ErrRefused} {
		c, _ := answering(t, map[string]plist.Dict{
			"ListDevices": {"DeviceList": []any{attached(7, "udid")}}, "Connect": result(number),
		})
		devices, err := c.Devices(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = devices[0].DialPort(t.Context(), 1)
		if !errors.Is(err, want) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("result %d: %v", number, err)
		}
	}
}

func TestPairRecords(t *testing.T) {
	record := []byte("<plist><dict><key>HostID</key><string>H</string></dict></plist>")
	var kept []byte
	c := daemon(t, func(p *peer) {
		req, err := p.request()
		switch {
		case err != nil:
		case req.String("PairRecordID") != "udid" && req.String("MessageType") != "ReadBUID":
			p.answer(result(22))
		case req.String("MessageType") == "SavePairRecord":
			kept = req.Data("PairRecordData")
			p.answer(result(0))
		case req.String("MessageType") == "DeletePairRecord":
			kept = nil
			p.answer(result(0))
		case req.String("MessageType") == "ReadBUID":
			p.answer(plist.Dict{"BUID": "B"})
		case kept == nil:
			p.answer(result(2))
		default:
			p.answer(plist.Dict{"PairRecordData": kept})
		}
	})
	ctx := t.Context()
	if _, err := c.ReadPairRecord(ctx, "udid"); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, usbmux.ErrBadDevice) {
		t.Errorf("no record: %v", err)
	}
	if err := c.SavePairRecord(ctx, &usbmux.Device{ID: 7, UDID: "udid"}, record); err != nil {
		t.Error(err)
	}
	if got, err := c.ReadPairRecord(ctx, "udid"); string(got) != string(record) || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := c.DeletePairRecord(ctx, "udid"); err != nil || kept != nil {
		t.Error(err)
	}
	if id, err := c.ReadBUID(ctx); id != "B" || err != nil {
		t.Errorf("BUID %q, %v", id, err)
	}
}

// TestRecordThatWasNotSaved: some daemons say that they stored it.
func TestRecordThatWasNotSaved(t *testing.T) {
	record := func(host string) []byte {
		b, err := plist.MarshalBinary(plist.Dict{"HostID": host, "HostPrivateKey": []byte("k")})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	xml, err := plist.MarshalXML(plist.Dict{"HostID": "H", "HostPrivateKey": []byte("k"), "UDID": "added"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		read plist.Dict
		ok   bool
	}{
		"nothing there":             {result(2), false},
		"an older one":              {plist.Dict{"PairRecordData": record("G")}, false},
		"garbage":                   {plist.Dict{"PairRecordData": []byte("x")}, false},
		"the same, written its way": {plist.Dict{"PairRecordData": xml}, true},
	} {
		client, _ := answering(t, map[string]plist.Dict{"SavePairRecord": result(0), "ReadPairRecord": c.read})
		err := client.SavePairRecord(t.Context(), &usbmux.Device{ID: 7, UDID: "udid"}, record("H"))
		if (err == nil) != c.ok || (!c.ok && !errors.Is(err, usbmux.ErrNotSaved)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStrangeAnswers(t *testing.T) {
	empty := "<plist><dict/></plist>"
	for name, answer := range map[string][]byte{
		"nothing":           nil,
		"half a header":     frame(1, 8, 1, "")[:10],
		"half a message":    frame(1, 8, 1, empty)[:30],
		"the binary one":    frame(0, 1, 1, "\x06\x00\x00\x00"),
		"too short":         {15, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0},
		"too long":          {255, 255, 255, 255, 1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0},
		"another's":         frame(1, 8, 2, empty),
		"no property list":  frame(1, 8, 1, "hello"),
		"an empty one":      frame(1, 8, 1, empty),
		"a result in place": frame(1, 8, 1, "<plist><dict><key>MessageType</key><string>Result</string></dict></plist>"),
	} {
		t.Run(name, func(t *testing.T) {
			c := daemon(t, func(p *peer) {
				if _, err := p.request(); err == nil {
					_, _ = p.Write(answer)
				}
			})
			if _, err := c.Devices(t.Context()); err == nil {
				t.Error("Devices took it")
			}
			if _, err := c.ReadBUID(t.Context()); err == nil {
				t.Error("ReadBUID took it")
			}
			if _, err := c.ReadPairRecord(t.Context(), "u"); err == nil {
				t.Error("ReadPairRecord took it")
			}
			if err := c.DeletePairRecord(t.Context(), "u"); err == nil {
				t.Error("DeletePairRecord took it")
			}
		})
	}
}

func TestNoDaemon(t *testing.T) {
	c := &usbmux.Client{Addr: "UNIX:" + filepath.Join(t.TempDir(), "none")}
	if _, err := c.Devices(t.Context()); !errors.Is(err, usbmux.ErrNoDaemon) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Devices(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, usbmux.ErrNoDaemon) {
		t.Errorf("got %v", err)
	}
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := daemon(t, func(p *peer) { _, _ = io.Copy(io.Discard, p) })
		if _, err := c.Devices(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	body, err := plist.MarshalXML(plist.Dict{"DeviceList": []any{attached(7, "udid")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame(1, 8, 1, string(body)))
	f.Add(frame(1, 8, 1, "<plist><dict/></plist>"))
	f.Add(frame(0, 1, 1, "\x06\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &usbmux.Client{Addr: "/x", DialContext: func(context.Context, string, string) (net.Conn, error) {
			return &replay{data: data}, nil
		}}
		devices, err := c.Devices(t.Context())
		for _, d := range devices {
			if err != nil || d.UDID == "" || d.ID == 0 {
				t.Errorf("device %+v, %v", d, err)
			}
		}
	})
}
