package vphone_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"math/bits"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"russet/vphone"
	"russet/vphone/internal/plist"
	"russet/vphone/internal/usbmux"
	"russet/vphone/internal/wire"
)

// newMux serves on a Unix socket and returns how to connect.
func newMux(t *testing.T, dir string, phones ...*vphone.Phone) (dial func() *muxClient) {
	t.Helper()
	mux, err := vphone.NewMux(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range phones {
		mux.Add(p)
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "usbmuxd"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- mux.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return func() *muxClient {
		conn, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &muxClient{t: t, Conn: conn, version: "libusbmuxd 2.1.0"}
	}
}

type muxClient struct {
	net.Conn
	t       *testing.T
	version string
	tag     uint32
}

func (c *muxClient) read() usbmux.Request {
	c.t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
	reply, err := usbmux.ReadRequest(c)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply
}

func (c *muxClient) ask(kind string, pairs ...any) usbmux.Request {
	c.t.Helper()
	c.tag++
	d := dict(pairs...)
	d["MessageType"], d["ProgName"], d["ClientVersionString"], d["kLibUSBMuxVersion"] = kind, "test", c.version, 3
	if err := usbmux.WritePlist(c, c.tag, d); err != nil {
		c.t.Fatal(err)
	}
	reply := c.read()
	if reply.Tag != c.tag {
		c.t.Errorf("%s: tag %d, want %d", kind, reply.Tag, c.tag)
	}
	return reply
}

// result asks and wants a number.
func (c *muxClient) result(want int64, kind string, pairs ...any) {
	c.t.Helper()
	reply := c.ask(kind, pairs...)
	if n, ok := reply.Int("Number"); !ok || n != want || reply.Type != "Result" {
		c.t.Errorf("%s: %v, want result %d", kind, reply.Dict, want)
	}
}

// event reads what a listener is told, and of which phone.
func (c *muxClient) event(want string) (id int64, properties map[string]any) {
	c.t.Helper()
	e := c.read()
	if e.Type != want || e.Tag != 0 {
		c.t.Errorf("event %v, want %s", e.Dict, want)
	}
	id, _ = e.Int("DeviceID")
	properties, _ = e.Dict["Properties"].(map[string]any)
	return id, properties
}

func swapped(port uint16) int { return int(bits.ReverseBytes16(port)) }

func TestMuxConnects(t *testing.T) {
	p := newPhone(t, vphone.Options{Seed: 1})
	q := newPhone(t, vphone.Options{Seed: 2})
	dial := newMux(t, "", p, q)
	c := dial()
	list, _ := c.ask("ListDevices").Dict["DeviceList"].([]any)
	if len(list) != 2 {
		t.Fatalf("devices: %v", list)
	}
	second, _ := list[1].(map[string]any)
	properties, _ := second["Properties"].(map[string]any)
	if properties["SerialNumber"] != q.UDID() || properties["ConnectionType"] != "USB" {
		t.Errorf("second: %v", second)
	}
	// Several requests on one connection, then the phone.
	c.result(usbmux.Refused, "Connect", "DeviceID", second["DeviceID"], "PortNumber", swapped(22))
	c.result(usbmux.BadDevice, "Connect", "DeviceID", 99, "PortNumber", swapped(62078))
	c.result(usbmux.BadArgument, "Connect", "PortNumber", swapped(62078))
	c.result(usbmux.BadCommand, "Dance")
	c.result(usbmux.OK, "Connect", "DeviceID", second["DeviceID"], "PortNumber", swapped(62078))
	l := &client{t: t, conn: c}
	if got := l.get("", "UniqueDeviceID"); got != q.UDID() {
		t.Errorf("connected to %v", got)
	}
	q.Unplug()
	if _, err := wire.Read(c); err == nil {
		t.Error("the connection outlived the cable")
	}
}

func TestMuxEvents(t *testing.T) {
	p := newPhone(t, vphone.Options{RebootTime: time.Millisecond})
	dial := newMux(t, "", p)
	c := dial()
	c.result(usbmux.OK, "Listen", "ConnType", 1)
	first, properties := c.event("Attached")
	if properties["SerialNumber"] != p.UDID() || first == 0 {
		t.Errorf("attached %d: %v", first, properties)
	}
	listeners, _ := dial().ask("ListListeners").Dict["ListenerList"].([]any)
	if len(listeners) != 1 || listeners[0].(map[string]any)["ProgName"] != "test" {
		t.Errorf("listeners: %v", listeners)
	}
	p.Unplug()
	if id, _ := c.event("Detached"); id != first {
		t.Errorf("%d was detached", id)
	}
	p.Plug()
	second, _ := c.event("Attached")
	if second == first {
		t.Error("came back under the same number")
	}
	p.Reboot()
	c.event("Detached")
	third, _ := c.event("Attached")
	record, err := plist.XML(dict("HostID", "A"))
	if err != nil {
		t.Fatal(err)
	}
	dial().result(usbmux.OK, "SavePairRecord", "PairRecordID", p.UDID(), "PairRecordData", record)
	if id, _ := c.event("Paired"); id != third {
		t.Errorf("%d was paired", id)
	}
}

func TestMuxKeepsRecords(t *testing.T) {
	record, err := plist.Binary(dict("HostID", "A", "EscrowBag", []byte("bag")))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", t.TempDir()} {
		c := newMux(t, dir)()
		const id = "00008140-0001"
		c.result(usbmux.BadDevice, "ReadPairRecord", "PairRecordID", id)
		c.result(usbmux.OK, "SavePairRecord", "PairRecordID", id, "PairRecordData", record, "DeviceID", 1)
		c.result(usbmux.BadArgument, "SavePairRecord", "PairRecordID", "../"+id, "PairRecordData", record)
		c.result(usbmux.BadArgument, "SavePairRecord", "PairRecordID", id, "PairRecordData", []byte("no"))
		c.result(usbmux.BadArgument, "DeletePairRecord", "PairRecordID", "")
		c.result(usbmux.BadDevice, "ReadPairRecord", "PairRecordID", "../"+id)
		buid := c.ask("ReadBUID").Text("BUID")
		if len(buid) != 36 {
			t.Errorf("BUID %q", buid)
		}
		if dir != "" {
			c = newMux(t, dir)()
			if got := c.ask("ReadBUID").Text("BUID"); got != buid {
				t.Errorf("after a restart the BUID is %q, was %q", got, buid)
			}
		}
		got, _ := c.ask("ReadPairRecord", "PairRecordID", id).Dict["PairRecordData"].([]byte)
		if !bytes.Equal(got, record) {
			t.Errorf("record %q", got)
		}
		c.result(usbmux.OK, "DeletePairRecord", "PairRecordID", id)
		c.result(usbmux.OK, "DeletePairRecord", "PairRecordID", id)
		c.result(usbmux.BadDevice, "ReadPairRecord", "PairRecordID", id)
	}
}

// A client of the binary protocol gets a clean refusal in its own.
func TestMuxVersionZero(t *testing.T) {
	c := newMux(t, "")()
	request := make([]byte, 16)
	binary.LittleEndian.PutUint32(request[0:], 16)
	binary.LittleEndian.PutUint32(request[8:], 3)
	binary.LittleEndian.PutUint32(request[12:], 9)
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 20)
	if _, err := io.ReadFull(c, reply); err != nil {
		t.Fatal(err)
	}
	want := []byte{20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 6, 0, 0, 0}
	if !bytes.Equal(reply, want) {
		t.Errorf("%x, want %x", reply, want)
	}
	c.ask("ReadBUID") // and may go on in the new one
}

func TestWifi(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	addr := netip.MustParseAddr("127.0.0.1")
	if err := p.JoinNetwork(addr); err != nil {
		t.Skipf("port 62078 is taken here: %v", err)
	}
	c := pair(t, p)
	dial := newMux(t, "", p)
	listener := dial()
	listener.result(usbmux.OK, "Listen")
	listener.event("Attached") // the cable
	if err := p.SetWifi(true); err != nil {
		t.Fatal(err)
	}
	id, properties := listener.event("Attached")
	address, _ := properties["NetworkAddress"].([]byte)
	if properties["ConnectionType"] != "Network" || !bytes.HasPrefix(address, []byte{2, 0, 0, 0, 127, 0, 0, 1}) {
		t.Errorf("attached: %v", properties)
	}
	p.Unplug()
	listener.event("Detached")
	through := dial()
	through.result(usbmux.OK, "Connect", "DeviceID", id, "PortNumber", swapped(62078))
	c.pairOn(&client{t: t, conn: through}, "PairingProhibitedOverThisConnection")
	p.Plug()
	listener.event("Attached")
	c.pairOn(c.lockdown(p), "")
	p.Unplug()
	listener.event("Detached")
	// Straight to the address, as libimobiledevice does.
	direct := dialTCP(t, "127.0.0.1:62078")
	l := &client{t: t, conn: direct}
	c.startSession(l, 0)
	port, _ := l.want("", "Request", "StartService", "Service", "com.apple.mobile.heartbeat")["Port"].(int64)
	heart := dialTCP(t, netip.AddrPortFrom(addr, uint16(port)).String())
	heart.Close()
	// Switched off over Wi-Fi, the phone says so and is gone at once.
	other := dialTCP(t, "127.0.0.1:62078")
	(&client{t: t, conn: other}).want("", "Request", "QueryType")
	l.want("", "Request", "SetValue", "Domain", "com.apple.mobile.wireless_lockdown", "Key", "EnableWifiConnections", "Value", false)
	listener.event("Detached")
	if _, err := other.Read(make([]byte, 1)); err == nil {
		t.Error("another connection is still there")
	}
	if _, err := direct.Read(make([]byte, 1)); err == nil {
		t.Error("still there")
	}
}

func dialTCP(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
