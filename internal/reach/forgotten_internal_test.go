package reach

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"russet/device/lockdown"
	"russet/device/mdns"
)

// TestForgotten: a phone that dropped this computer's pairing is told of where it
// was and wherever it announces itself, if it says who it is; a visitor's is
// not, even at the very address where ours was.
func TestForgotten(t *testing.T) {
	t.Parallel()
	ours, w := onNetwork(t, 701)
	_, other := onNetwork(t, 702)
	onNetwork(t, 703)
	other.udid = "00008140-00000000000000AB" // one more that is missed, and is not there
	if err := ours.ForgetHosts(); err != nil {
		t.Fatal(err)
	}
	its, visitors := lair(701).String(), lair(703).String()
	for name, c := range map[string]struct {
		last    string
		adverts []mdns.Advert
		told    string // the address
	}{
		"where it was":                     {last: its, told: its},
		"with the tags of others":          {adverts: []mdns.Advert{advert("2a:00:00:00:00:01@fe80::1", its, tags("HOST-C")...)}, told: its},
		"without tags":                     {adverts: []mdns.Advert{advert("2a:00:00:00:00:01@fe80::1", its)}, told: its},
		"a visitor where it was":           {last: visitors},
		"a visitor with tags where it was": {last: visitors, adverts: []mdns.Advert{advert("2a:00:00:00:00:02@fe80::1", visitors, tags("HOST-C")...)}},
		"a visitor without tags":           {adverts: []mdns.Advert{advert("2a:00:00:00:00:02@fe80::1", visitors)}},
		"both": {last: visitors, adverts: []mdns.Advert{
			advert("2a:00:00:00:00:02@fe80::1", visitors, tags("HOST-C")...), advert("2a:00:00:00:00:01@fe80::1", its, tags("HOST-D")...),
		}, told: its},
	} {
		ds := devicesIn(t, t.TempDir())
		w.seen = Seen{Address: c.last}
		for _, look := range []string{"first", "next"} { // the next one leaves the address alone
			n := &hunt{ds: ds, missing: []*wanted{w, other}, all: []*wanted{w, other}, adverts: func() []mdns.Advert { return c.adverts }}
			n.run(t.Context())
			sv := survey{wanted: n.all, tries: n.tries, seen: n.found}
			sv.addTroubled()
			switch {
			case c.told == "" && len(sv.seen) > 0:
				t.Errorf("%s, %s look: told of %+v", name, look, sv.seen)
			case c.told == "":
			case len(sv.seen) != 1:
				t.Errorf("%s, %s look: told of %+v; tries %+v", name, look, sv.seen, n.tries)
			case sv.seen[0].UDID != w.udid || sv.seen[0].Address != c.told || !sv.seen[0].Untrusted || sv.seen[0].Paired || !strings.Contains(sv.seen[0].Problem, "seems"):
				t.Errorf("%s, %s look: %+v", name, look, sv.seen[0])
			}
		}
	}
}

// TestOddTags: one that trusts us is found whatever its tags say, also when it
// tells nobody who it is without a session.
func TestOddTags(t *testing.T) {
	t.Parallel()
	_, w := onNetwork(t, 704)
	secretive(t, 705, 704)
	for what, at := range map[string]int{"who says who it is": 704, "who keeps it secret": 705} {
		ds := devicesIn(t, t.TempDir())
		n := &hunt{ds: ds, missing: []*wanted{w}, all: []*wanted{w}, adverts: func() []mdns.Advert {
			return []mdns.Advert{advert("2a:00:00:00:00:03@fe80::1", lair(at).String(), tags("HOST-C")...)}
		}}
		n.run(t.Context())
		if len(n.found) != 1 || n.found[0].UDID != w.udid || !n.found[0].Paired {
			t.Errorf("%s: %+v, %+v", what, n.found, n.tries)
		}
	}
}

// secretive passes on what a phone says, but tells nobody who it is outside a
// session.
func secretive(t *testing.T, at, phone int) {
	t.Helper()
	l, err := net.Listen("tcp", netip.AddrPortFrom(lair(at), lockdown.Port).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			host, err := l.Accept()
			if err != nil {
				return
			}
			go discreetly(host, netip.AddrPortFrom(lair(phone), lockdown.Port).String())
		}
	}()
}

func discreetly(host net.Conn, address string) {
	defer func() { _ = host.Close() }()
	phone, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(host, phone)
		_ = host.Close()
	}()
	defer func() { _ = phone.Close() }()
	const refusal = `<plist version="1.0"><dict><key>Request</key><string>GetValue</string><key>Error</key><string>GetProhibited</string></dict></plist>`
	for {
		var size [4]byte
		if _, err := io.ReadFull(host, size[:]); err != nil {
			return
		}
		message := make([]byte, min(binary.BigEndian.Uint32(size[:]), 1<<20))
		if _, err := io.ReadFull(host, message); err != nil {
			return
		}
		switch {
		case bytes.Contains(message, []byte("GetValue")) && !bytes.Contains(message, []byte("ProductVersion")):
			_, err = host.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(refusal))), refusal...))
		default:
			_, err = phone.Write(append(size[:], message...))
		}
		if err != nil {
			return
		}
		if bytes.Contains(message, []byte("StartSession")) {
			_, _ = io.Copy(phone, host)
			return
		}
	}
}
