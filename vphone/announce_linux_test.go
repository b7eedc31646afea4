package vphone_test

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"russet/vphone"
)

// announcedName is part of every answer that is about the phone of this test.
const announcedName = "Announced-77"

// heard asks who offers the service, on the loopback interface and from a port
// of its own, and returns the answers of a moment, or those until there is one
// that is waited for.
func heard(t *testing.T, until string) []byte {
	t.Helper()
	// The source address chooses the interface.
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	query := []byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq("_apple-mobdev2._tcp.local", ".") {
		query = append(append(query, byte(len(label))), label...)
	}
	query = append(query, 0, 0, 12, 0, 1) // PTR, IN
	if _, err := conn.WriteToUDP(query, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}); err != nil {
		t.Skipf("no multicast here: %v", err)
	}
	wait := 200 * time.Millisecond
	if until != "" {
		wait = 5 * time.Second
	}
	if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for until == "" || !bytes.Contains(all, []byte(until)) {
		b := make([]byte, 9000)
		n, err := conn.Read(b)
		if err != nil {
			break
		}
		if bytes.Contains(b[:n], []byte(announcedName)) {
			all = append(all, b[:n]...)
		}
	}
	return all
}

func TestAnnounce(t *testing.T) {
	p := newPhone(t, vphone.Options{Seed: 77, Identity: vphone.Identity{ProductVersion: "26.6", Name: announcedName}})
	joinLocal(t, p, "127.0.0.44")
	step := func(what string, want bool, strings ...string) {
		t.Helper()
		until := ""
		if want {
			until = strings[0]
		}
		answer := heard(t, until)
		for _, s := range strings {
			if bytes.Contains(answer, []byte(s)) != want {
				t.Errorf("%s: %q in %q: want %v", what, s, answer, want)
			}
		}
	}
	step("without being told to", false, p.InstanceName())
	if err := p.Announce(true); err != nil {
		t.Fatal(err)
	}
	step("announced", true, p.InstanceName(), "\x7f\x00\x00\x2c", "identifier=")
	step("nobody is trusted", false, "authTag")
	pair(t, p)
	step("paired", true, p.InstanceName(), "authTag=")
	p.Doze(false)
	step("asleep", false, p.InstanceName())
	p.WakeUp()
	step("awake", true, p.InstanceName())
	if err := p.Roam(netip.MustParseAddr("127.0.0.45")); err != nil {
		t.Fatal(err)
	}
	step("elsewhere", true, p.InstanceName(), "\x7f\x00\x00\x2d")
	step("elsewhere", false, "\x7f\x00\x00\x2c")
	if err := p.SetWifi(false); err != nil {
		t.Fatal(err)
	}
	step("switched off", false, p.InstanceName())
	if err := p.SetWifi(true); err != nil {
		t.Fatal(err)
	}
	old := p.InstanceName()
	if err := p.RotateAddress(); err != nil {
		t.Fatal(err)
	}
	step("under another name", false, old)
	step("under another name", true, p.InstanceName())
	if err := p.SetIOS("18.6"); err != nil {
		t.Fatal(err)
	}
	step("with an older system", true, p.WiFiAddress()+"@")
	step("with an older system", false, "identifier=")
	p.LeaveNetwork()
	step("gone", false, p.WiFiAddress()+"@")
	if err := p.JoinNetwork(netip.MustParseAddr("127.0.0.44")); err != nil {
		t.Fatal(err)
	}
	step("back", true, p.WiFiAddress()+"@")
	if err := p.Announce(false); err != nil {
		t.Fatal(err)
	}
	step("told not to", false, p.WiFiAddress()+"@")
}
