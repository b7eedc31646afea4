package vphone_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"russet/vphone"
)

// local are addresses of this computer that no other test uses; not every
// system has them.
func joinLocal(t *testing.T, p *vphone.Phone, addr string) {
	t.Helper()
	if err := p.SetWifi(true); err != nil {
		t.Fatal(err)
	}
	if err := p.JoinNetwork(netip.MustParseAddr(addr)); err != nil {
		t.Skipf("no such address here: %v", err)
	}
}

func (c *computer) lockdownAt(address string) *client {
	c.t.Helper()
	return &client{t: c.t, conn: dialTCP(c.t, net.JoinHostPort(address, "62078"))}
}

// silent says whether nothing answers at an address.
func silent(t *testing.T, address string) bool {
	t.Helper()
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, "62078"), 300*time.Millisecond)
	if err != nil {
		timeout, ok := errors.AsType[net.Error](err)
		return ok && timeout.Timeout()
	}
	defer conn.Close()
	c := &client{t: t, conn: conn}
	c.send("Request", "QueryType")
	if err := conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err = conn.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}

func TestRoam(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	if err := p.Roam(netip.MustParseAddr("127.0.0.42")); err == nil {
		t.Error("it roamed without a network")
	}
	joinLocal(t, p, "127.0.0.41")
	c := newComputer(t, "A")
	l := c.lockdownAt("127.0.0.41")
	l.want("", "Request", "QueryType")
	if err := p.Roam(netip.MustParseAddr("127.0.0.42")); err != nil {
		t.Fatal(err)
	}
	if got := p.NetworkAddrs(); len(got) != 1 || got[0].String() != "127.0.0.42" {
		t.Errorf("at %v", got)
	}
	l.send("Request", "QueryType")
	if err := l.conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the old connection: %v", err)
	}
	if !silent(t, "127.0.0.41") {
		t.Error("the old address answers")
	}
	c.lockdownAt("127.0.0.42").want("", "Request", "QueryType")
	// And back.
	if err := p.Roam(netip.MustParseAddr("127.0.0.41")); err != nil {
		t.Fatal(err)
	}
	c.lockdownAt("127.0.0.41").want("", "Request", "QueryType")
	if !silent(t, "127.0.0.42") {
		t.Error("the second address answers")
	}
	p.LeaveNetwork()
	if conn, err := net.Dial("tcp", "127.0.0.42:62078"); err == nil {
		conn.Close()
		t.Error("it left and still listens")
	}
}

// TestRoamedAway: the phone gives up what it had at an address it left, so that
// a computer that comes back finds the sync lock free; the other end of what
// hangs hears nothing.
func TestRoamedAway(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	joinLocal(t, p, "127.0.0.46")
	p.DemandHeartbeat(300 * time.Millisecond)
	l := newComputer(t, "A").lockdownAt("127.0.0.46")
	l.want("", "Request", "QueryType")
	if err := p.Roam(netip.MustParseAddr("127.0.0.47")); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for p.Stats().Connections > 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if n := p.Stats().Connections; n > 0 {
		t.Errorf("%d connections are still served", n)
	}
	if err := l.conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the old connection: %v", err)
	}
}

func TestDozeOnSockets(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	joinLocal(t, p, "127.0.0.43")
	c := newComputer(t, "A")
	for range 2 {
		p.Doze(false)
		time.Sleep(50 * time.Millisecond)
		if !silent(t, "127.0.0.43") {
			t.Error("a sleeping phone answers")
		}
		p.WakeUp()
		c.lockdownAt("127.0.0.43").want("", "Request", "QueryType")
	}
	l := c.lockdownAt("127.0.0.43")
	l.want("", "Request", "QueryType")
	p.ResetNetwork()
	if _, err := l.conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after a reset: %v", err)
	}
	c.lockdownAt("127.0.0.43").want("", "Request", "QueryType")
}

// Restarted and not unlocked yet, a phone with a passcode is on no network,
// and over the cable it starts nothing.
func TestLockedSinceBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{Passcode: "1", RebootTime: time.Minute})
		c := overWifi(t, p)
		c.session(p).conn.Close()
		p.Reboot()
		time.Sleep(2 * time.Minute)
		if _, err := p.DialNetwork(t.Context(), 62078); !errors.Is(err, vphone.ErrRefused) {
			t.Errorf("over Wi-Fi: %v", err)
		}
		c.wifi = false
		l := c.session(p)
		for _, service := range []string{proxy, heartbeat, "com.apple.afc", "com.apple.mobilebackup2"} {
			l.want("PasswordProtected", "Request", "StartService", "Service", service)
		}
		p.Unlock()
		p.Lock()
		l.want("", "Request", "StartService", "Service", proxy)
		c.wifi = true
		c.session(p).conn.Close()
		l.conn.Close()
	})
}

// While nobody is there, trust runs out; every session prolongs it.
func TestTrustTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const month = 30 * 24 * time.Hour
		p := newPhone(t, vphone.Options{})
		c := pair(t, p)
		p.SetTrustTime(month)
		for range 3 {
			time.Sleep(month - time.Hour)
			c.session(p).conn.Close()
		}
		time.Sleep(month + time.Hour)
		l := c.lockdown(p)
		l.want("InvalidHostID", "Request", "StartSession", "HostID", c.id)
		c.pairOn(l, "")
		p.SetTrustTime(0)
		time.Sleep(12 * month)
		c.startSession(l, 0)
		l.conn.Close()
	})
}

// Whoever does not want to wait need not.
func TestDialWhileAsleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{})
		overWifi(t, p)
		p.Doze(false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := p.DialNetwork(ctx, 62078); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
