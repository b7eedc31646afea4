package usbmux_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"russet/vphone/internal/usbmux"
)

func packet(version, kind, tag uint32, body string) []byte {
	var p []byte
	for _, n := range []uint32{uint32(16 + len(body)), version, kind, tag} {
		p = binary.LittleEndian.AppendUint32(p, n)
	}
	return append(p, body...)
}

const connect = `<plist version="1.0"><dict><key>MessageType</key><string>Connect</string>
<key>DeviceID</key><integer>3</integer><key>PortNumber</key><integer>32498</integer></dict></plist>`

func TestReadConnect(t *testing.T) {
	stream := bytes.NewReader(append(packet(1, 8, 7, connect), "the device's"...))
	req, err := usbmux.ReadRequest(stream)
	if err != nil {
		t.Fatal(err)
	}
	port, ok := req.Port()
	if id, _ := req.Int("DeviceID"); req.Type != "Connect" || req.Tag != 7 || id != 3 || port != 62078 || !ok {
		t.Errorf("got %+v, port %d", req, port)
	}
	if stream.Len() != len("the device's") {
		t.Error("read into what belongs to the device")
	}
}

func TestReadOddities(t *testing.T) {
	for name, p := range map[string][]byte{
		"binary protocol": packet(0, 3, 1, ""),
		"no plist":        packet(1, 8, 1, "hello"),
		"array":           packet(1, 8, 1, "<plist><array/></plist>"),
	} {
		req, err := usbmux.ReadRequest(bytes.NewReader(p))
		if err != nil || req.Dict != nil || req.Tag != 1 {
			t.Errorf("%s: %+v, %v", name, req, err)
		}
	}
	for name, p := range map[string][]byte{
		"cut head":  packet(1, 8, 1, "")[:9],
		"cut body":  packet(1, 8, 1, connect)[:40],
		"too short": []byte("\x0f\x00\x00\x00" + strings.Repeat("\x00", 12)),
		"too long":  []byte("\xff\xff\xff\xff" + strings.Repeat("\x00", 12)),
	} {
		if req, err := usbmux.ReadRequest(bytes.NewReader(p)); err == nil {
			t.Errorf("%s: %+v", name, req)
		}
	}
}

func TestResultInBothProtocols(t *testing.T) {
	var b bytes.Buffer
	if err := usbmux.WriteResult(&b, usbmux.Request{Version: 0, Tag: 5}, usbmux.BadVersion); err != nil {
		t.Fatal(err)
	}
	if want := packet(0, 1, 5, "\x06\x00\x00\x00"); !bytes.Equal(b.Bytes(), want) {
		t.Errorf("version 0: %x, want %x", b.Bytes(), want)
	}
	b.Reset()
	if err := usbmux.WriteResult(&b, usbmux.Request{Version: 1, Tag: 5}, usbmux.Refused); err != nil {
		t.Fatal(err)
	}
	req, err := usbmux.ReadRequest(&b)
	if n, _ := req.Int("Number"); err != nil || req.Type != "Result" || n != 3 {
		t.Errorf("version 1: %+v, %v", req, err)
	}
}

func TestNetworkAddressForms(t *testing.T) {
	for _, c := range []struct {
		addr, client, want string
	}{
		{"10.0.0.7", "libusbmuxd 2.0.2", "\x10\x02\x00\x00\x0a\x00\x00\x07"},
		{"10.0.0.7", "libusbmuxd 2.1.0", "\x02\x00\x00\x00\x0a\x00\x00\x07"},
		{"10.0.0.7", "", "\x02\x00\x00\x00\x0a\x00\x00\x07"},
		{"::1", "libusbmuxd 1.0.10", "\x1c\x1e\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 15) + "\x01"},
		{"::1", "libusbmuxd 2.1.0", "\x0a\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 15) + "\x01"},
	} {
		got := usbmux.NetworkAddress(netip.MustParseAddr(c.addr), c.client)
		if len(got) != 128 || !bytes.HasPrefix(got, []byte(c.want)) {
			t.Errorf("%s for %q: %x", c.addr, c.client, got[:28])
		}
	}
}

func FuzzReadRequest(f *testing.F) {
	f.Add(packet(1, 8, 7, connect))
	f.Add(packet(0, 2, 7, "\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		req, err := usbmux.ReadRequest(r)
		if err != nil {
			return
		}
		if used := len(data) - r.Len(); used != int(binary.LittleEndian.Uint32(data)) {
			t.Errorf("read %d bytes of a packet of %d", used, binary.LittleEndian.Uint32(data))
		}
		if _, ok := req.Port(); ok && req.Dict == nil {
			t.Error("a port out of nothing")
		}
	})
}
