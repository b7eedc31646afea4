package vphone_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"russet/vphone"
	"russet/vphone/internal/wire"
)

const (
	heartbeat = "com.apple.mobile.heartbeat"
	proxy     = "com.apple.mobile.notification_proxy"
)

// overWifi is a computer that the phone trusts, on the phone's network.
func overWifi(t *testing.T, p *vphone.Phone) *computer {
	t.Helper()
	c := pair(t, p)
	if err := p.SetWifi(true); err != nil {
		t.Fatal(err)
	}
	if err := p.JoinNetwork(); err != nil {
		t.Fatal(err)
	}
	c.wifi = true
	return c
}

// answer is a host's heartbeat for n times; it returns what the phone said
// last, nil for the end of the connection.
func (c *client) answer(n int) map[string]any {
	for range n {
		marco, err := wire.Read(c.conn)
		if err != nil || marco["Command"] != "Marco" {
			return marco
		}
		if wire.WriteBinary(c.conn, dict("Command", "Polo")) != nil {
			return nil
		}
	}
	return dict()
}

// ends waits until the connection ends and says after how long.
func (c *client) ends() time.Duration {
	start := time.Now()
	for {
		if _, err := c.conn.Read(make([]byte, 100)); err != nil {
			return time.Since(start)
		}
	}
}

func TestNoHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{})
		c := overWifi(t, p)
		// Lockdownd alone may be asked for as long as one likes.
		l := c.session(p)
		time.Sleep(time.Hour)
		l.want("", "Request", "QueryType")
		service := c.service(p, proxy)
		if d := service.ends(); d != 18*time.Second {
			t.Errorf("a service ended after %v", d)
		}
		if d := l.ends(); d != 0 {
			t.Errorf("lockdownd ended %v later", d)
		}
		// It may come again, and use the cable meanwhile.
		c.wifi = false
		cable := c.service(p, proxy)
		c.wifi = true
		if d := c.service(p, proxy).ends(); d != 18*time.Second {
			t.Errorf("the second time after %v", d)
		}
		settle(cable)
		// Short visits do not add up.
		for range 5 {
			l, s := c.session(p), c.service(p, proxy)
			time.Sleep(10 * time.Second)
			settle(s)
			l.conn.Close()
			s.conn.Close()
			synctest.Wait()
		}
		p.DemandHeartbeat(0)
		s := c.service(p, proxy)
		time.Sleep(time.Hour)
		settle(s)
		p.DemandHeartbeat(5 * time.Second)
		if d := s.ends(); d != 5*time.Second {
			t.Errorf("wanted again, after %v", d)
		}
		cable.conn.Close()
	})
}

func TestHeartbeatKeepsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{})
		c := overWifi(t, p)
		service := c.service(p, proxy)
		time.Sleep(10 * time.Second)
		heart := c.service(p, heartbeat)
		if last := heart.answer(60); last == nil || last["Command"] != nil {
			t.Fatalf("the phone said %v", last)
		}
		settle(service)
		// It waits for a Polo, gives up the heartbeat, then the host.
		if d := service.ends(); d < 40*time.Second || d > 45*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

// A host that answers nonsense has no heartbeat.
func TestHeartbeatNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{})
		c := overWifi(t, p)
		heart := c.service(p, heartbeat)
		heart.receive()
		heart.send("Command", "Marco")
		if d := heart.ends(); d != 0 {
			t.Errorf("after %v", d)
		}
		if d := c.service(p, proxy).ends(); d != 18*time.Second {
			t.Errorf("the service after %v", d)
		}
	})
}

func TestDoze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{})
		p.Doze(true) // on no network that is nothing
		c := overWifi(t, p)
		service, heart := c.service(p, proxy), c.service(p, heartbeat)
		heart.answer(2)
		c.wifi = false
		cable := c.service(p, proxy)
		c.wifi = true
		p.Doze(true)
		p.Doze(true)
		if got := heart.receive(); got["Command"] != "SleepyTime" {
			t.Errorf("before its sleep the phone said %v", got)
		}
		settle(cable)
		service.send("Command", "Shutdown")
		started := time.Now()
		time.AfterFunc(time.Hour, p.WakeUp)
		late := c.lockdown(p)
		if d := time.Since(started); d != time.Hour {
			t.Errorf("a connection was made after %v", d)
		}
		late.want("", "Request", "QueryType")
		if got := service.receive(); got["Command"] != "ProxyDeath" {
			t.Errorf("after its sleep the phone said %v", got)
		}
		p.WakeUp()
		cable.conn.Close()
		late.conn.Close()
		heart.conn.Close()
	})
}

// A phone that falls asleep without a word says nothing on its heartbeat.
func TestDozeUntold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{})
		c := overWifi(t, p)
		heart := c.service(p, heartbeat)
		heart.answer(1)
		p.Doze(false)
		if err := heart.conn.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got, err := wire.Read(heart.conn); err == nil {
			t.Errorf("the phone said %v", got)
		}
		heart.conn.Close()
	})
}

func TestRadioHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{})
		c := overWifi(t, p)
		l, heart := c.session(p), c.service(p, heartbeat)
		go heart.answer(1000)
		p.RadioHole(10 * time.Second)
		p.RadioHole(4 * time.Second) // holes may overlap
		start := time.Now()
		l.want("", "Request", "QueryType")
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("answered after %v", d)
		}
		if err := p.SetFault("hole-after", "7s@0,lockdownd"); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		l.want("", "Request", "QueryType")
		if d := time.Since(start); d != 7*time.Second {
			t.Errorf("with the fault, answered after %v", d)
		}
		// Nobody is missed who could not be heard.
		time.Sleep(time.Minute)
		p.RadioHole(10 * time.Minute)
		time.Sleep(10*time.Minute + time.Second)
		l.want("", "Request", "QueryType")
		heart.conn.Close()
		l.conn.Close()
	})
}

func TestNetworkFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{})
		c := overWifi(t, p)
		l := c.session(p)
		if err := p.SetFault("reset-at", "1,lockdownd"); err != nil {
			t.Fatal(err)
		}
		l.send("Request", "QueryType")
		if d := l.ends(); d != 0 {
			t.Errorf("reset after %v", d)
		}
		l = c.session(p)
		if err := p.SetFault("doze-at", "1,lockdownd"); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		time.AfterFunc(time.Minute, p.WakeUp)
		l.want("", "Request", "QueryType")
		if d := time.Since(start); d != time.Minute {
			t.Errorf("awake after %v", d)
		}
		l.conn.Close()
		p.LeaveNetwork()
		if _, err := p.DialNetwork(t.Context(), 62078); !errors.Is(err, vphone.ErrRefused) {
			t.Errorf("on no network: %v", err)
		}
	})
}
