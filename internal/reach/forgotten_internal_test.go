package reach

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

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

// TestSecretStranger: one that announces the tags of others and keeps secret who it
// is learns who asks once in half an hour, like any stranger, and not at all when
// enough of them did. One for which there was no time is asked the next time.
func TestSecretStranger(t *testing.T) {
	t.Parallel()
	phone, w := onNetwork(t, 706)
	if err := phone.ForgetHosts(); err != nil {
		t.Fatal(err)
	}
	sessions := secretive(t, 707, 706)
	look := func(ds *Devices) int64 {
		before := sessions.Load()
		n := &hunt{ds: ds, missing: []*wanted{w}, all: []*wanted{w}, adverts: func() []mdns.Advert {
			return []mdns.Advert{advert("2a:00:00:00:00:03@fe80::1", lair(707).String(), tags("HOST-C")...)}
		}}
		n.run(t.Context())
		return sessions.Load() - before
	}
	ds := devicesIn(t, t.TempDir())
	if first, next := look(ds), look(ds); first != 1 || next != 0 {
		t.Errorf("it was told who asks %d times, and then %d", first, next)
	}
	ds = devicesIn(t, t.TempDir())
	for i := range maxStrangers {
		ds.misses.add(lead{host: fmt.Sprint(i), clue: byNothing}, errOther)
	}
	if n := look(ds); n != 0 {
		t.Errorf("beyond the limit it was told who asks %d times", n)
	}
	late := &hunt{ds: devicesIn(t, t.TempDir()), results: make(chan result, 1)}
	late.results <- result{lead: lead{host: "10.0.0.1", clue: byTags}, err: errOther}
	if late.giveUp(); !late.ds.misses.mayTry("10.0.0.1", byTags) {
		t.Error("it had no time, and rests")
	}
}

// secretive passes on what a phone says, but tells nobody who it is outside a
// session. How many sessions it was asked for is counted.
func secretive(t *testing.T, at, phone int) *atomic.Int64 {
	t.Helper()
	sessions := new(atomic.Int64)
	listen(t, at, func(host net.Conn) { go discreetly(host, doorOf(phone), sessions) })
	return sessions
}

func discreetly(host net.Conn, address string, sessions *atomic.Int64) {
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
			sessions.Add(1)
			_, _ = io.Copy(phone, host)
			return
		}
	}
}
