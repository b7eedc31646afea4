package vphone_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"russet/vphone"
	"russet/vphone/internal/wire"
)

func TestUnplug(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	l := newComputer(t, "A").lockdown(p)
	p.Unplug()
	if _, err := wire.Read(l.conn); err == nil {
		t.Error("the connection outlived the cable")
	}
	if _, err := p.DialPort(t.Context(), 62078); !errors.Is(err, vphone.ErrRefused) {
		t.Errorf("without a cable: %v", err)
	}
	p.Plug()
	newComputer(t, "A").lockdown(p).want("", "Request", "QueryType")
}

// A port serves one connection, and only for a while.
func TestServicePorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{})
		c := pair(t, p)
		l := c.session(p)
		start := func() uint16 {
			port, _ := l.want("", "Request", "StartService", "Service", "com.apple.afc")["Port"].(int64)
			return uint16(port)
		}
		port := start()
		c.dial(p, port).Close()
		if _, err := p.DialPort(t.Context(), port); !errors.Is(err, vphone.ErrRefused) {
			t.Errorf("second connection: %v", err)
		}
		late := start()
		time.Sleep(time.Minute)
		if _, err := p.DialPort(t.Context(), late); !errors.Is(err, vphone.ErrRefused) {
			t.Errorf("after a minute: %v", err)
		}
		for range 64 {
			start()
		}
		l.want("ServiceLimit", "Request", "StartService", "Service", "com.apple.afc")
		l.conn.Close()
	})
}

// A countingConn knows how much went through.
type countingConn struct {
	net.Conn
	read, written int
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read += n
	return n, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written += n
	return n, err
}

func TestDropAfterBytes(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	c := newComputer(t, "A")
	p.Inject(vphone.Fault{On: "lockdownd", AfterBytes: 400, Do: vphone.Drop})
	p.Inject(vphone.Fault{On: "com.apple.afc", AfterBytes: 1, Do: vphone.PullCable}) // not this one
	l := c.lockdown(p)
	counted := &countingConn{Conn: l.conn}
	l.conn = counted
	for err := error(nil); err == nil; {
		if err = wire.WriteXML(l.conn, dict("Request", "QueryType")); err == nil {
			_, err = wire.Read(l.conn)
		}
	}
	if counted.written+counted.read < 400 || counted.read > 400 {
		t.Errorf("%d bytes there and %d back", counted.written, counted.read)
	}
	// It happens once.
	again := c.lockdown(p)
	for range 5 {
		again.want("", "Request", "QueryType")
	}
}

func TestDropAtWrite(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	c := newComputer(t, "A")
	p.Inject(vphone.Fault{AtWrite: 3, Do: vphone.Drop})
	l := c.lockdown(p)
	l.want("", "Request", "QueryType")
	l.want("", "Request", "QueryType")
	l.send("Request", "QueryType")
	if _, err := wire.Read(l.conn); err != io.EOF {
		t.Errorf("third answer: %v", err)
	}
}

func TestFaultsThatBreakNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{Passcode: "1"})
		l := newComputer(t, "A").lockdown(p)
		for _, f := range []struct{ name, value string }{{"stall-after", "40s@0,any"}, {"lock-at", "2,lockdownd"}} {
			if err := p.SetFault(f.name, f.value); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		if got := l.get("", "PasswordProtected"); got != false || time.Since(start) != 40*time.Second {
			t.Errorf("%v after %v", got, time.Since(start))
		}
		l.get("", "DeviceName")
		if got := l.get("", "PasswordProtected"); got != true {
			t.Errorf("after the lock: %v", got)
		}
		l.conn.Close()
	})
}

func TestRebootAndUnplugByFault(t *testing.T) {
	for _, name := range []string{"reboot-at", "unplug-at"} {
		p := newPhone(t, vphone.Options{RebootTime: time.Hour})
		if err := p.SetFault(name, "1,any"); err != nil {
			t.Fatal(err)
		}
		l := newComputer(t, "A").lockdown(p)
		l.send("Request", "QueryType")
		if _, err := wire.Read(l.conn); err == nil {
			t.Errorf("%s: still there", name)
		}
		if _, err := p.DialPort(t.Context(), 62078); !errors.Is(err, vphone.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFaultNames(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	for _, f := range []struct {
		name, value string
		ok          bool
	}{
		{"drop-after", "1000", true},
		{"drop-after", "1000,any", true},
		{"drop-at", "0", false},
		{"drop-after", "-1", false},
		{"drop-after", "soon", false},
		{"stall-at", "3", false},
		{"stall-at", "soon@3", false},
		{"stall-at", "3s@3", true},
		{"dance-after", "3", false},
		{"off", "", true},
	} {
		if err := p.SetFault(f.name, f.value); (err == nil) != f.ok {
			t.Errorf("%s=%s: %v", f.name, f.value, err)
		}
	}
	// All were taken back.
	l := newComputer(t, "A").lockdown(p)
	l.want("", "Request", "QueryType")
}
