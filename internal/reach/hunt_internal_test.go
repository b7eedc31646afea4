package reach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/device/mdns"
	"russet/internal/home"
	"russet/vphone"
	"russet/vphone/disk"
)

// devicesIn are the devices of a computer without usbmuxd, whose home must be
// there for them to be remembered.
func devicesIn(t *testing.T, dir string) *Devices {
	t.Helper()
	h := home.At(home.Place{Dir: dir, Data: dir, Moved: true})
	t.Cleanup(func() { _ = h.Close() })
	return New(Options{
		Home: h, Mux: "UNIX:/nowhere/at/all", Now: time.Now, Rate: rate.NewLimiter(rate.Inf, 1<<20),
		Given: func() (map[russet.UDID][]string, error) { return nil, nil },
	})
}

// lair is the n-th address of a network on which this process is alone.
func lair(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(200 + os.Getpid()%50), byte(n / 250), byte(n%250 + 1)})
}

// listen takes connections where a phone would.
func listen(t *testing.T, n int, took func(net.Conn)) {
	t.Helper()
	l, err := net.Listen("tcp", doorOf(n))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			took(conn)
		}
	}()
}

// doorOf is where lockdownd listens at the n-th address.
func doorOf(n int) string { return netip.AddrPortFrom(lair(n), lockdown.Port).String() }

// silent takes connections and says nothing.
func silent(t *testing.T, n int, taken *atomic.Int64) {
	t.Helper()
	listen(t, n, func(conn net.Conn) {
		taken.Add(1)
		t.Cleanup(func() { _ = conn.Close() })
	})
}

// onNetwork is a phone at the n-th address that trusts this computer.
func onNetwork(t *testing.T, n int) (*vphone.Phone, *wanted) {
	t.Helper()
	key, err := vphone.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	p, err := vphone.New(vphone.Options{Key: key, Seed: uint64(n), Disk: disk.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	record, err := device.Pair(t.Context(), p, lockdown.PairOptions{}, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetWifi(true); err != nil {
		t.Fatal(err)
	}
	if err := p.JoinNetwork(lair(n)); err != nil {
		t.Fatal(err)
	}
	return p, &wanted{udid: russet.UDID(p.UDID()), records: []*lockdown.PairRecord{record}}
}

// TestHostileNetwork: a thousand devices that announce themselves and say
// nothing cost seconds, and few of them learn who asks. The phone among them is
// found by what only it can announce, or where it was.
func TestHostileNetwork(t *testing.T) {
	ds := devicesIn(t, t.TempDir())
	_, w := onNetwork(t, 1)
	var taken atomic.Int64
	var crowd []mdns.Advert
	for i := range 1000 {
		if i < 40 {
			silent(t, 2+i, &taken)
		}
		crowd = append(crowd, mdns.Advert{Instance: fmt.Sprintf("stranger %d", i), Addrs: []netip.Addr{lair(2 + i%40)}})
	}
	search := func(adverts []mdns.Advert) (*hunt, time.Duration) {
		n := &hunt{ds: ds, missing: []*wanted{w}, all: []*wanted{w}, adverts: func() []mdns.Advert { return adverts }}
		began := time.Now()
		n.run(t.Context())
		return n, time.Since(began)
	}
	n, took := search(crowd)
	if len(n.found) > 0 || took > huntLimit+2*time.Second || taken.Load() > strangers {
		t.Errorf("in the crowd: %v found, %d strangers were asked in %v", len(n.found), taken.Load(), took)
	}
	ours := mdns.Advert{Instance: "7e:00:00:00:00:01@fe80::1", Addrs: []netip.Addr{lair(1)}, Text: tags(w.records[0].HostID)}
	n, took = search(append(crowd, ours))
	if len(n.found) != 1 || n.found[0].UDID != w.udid || took > 3*time.Second {
		t.Errorf("by its tag: %d found in %v", len(n.found), took)
	}
	if w.seen = ds.memory.latest[w.udid]; w.seen.Address != lair(1).String() || w.seen.Found != ours.Instance {
		t.Errorf("remembered: %+v", w.seen)
	}
	if n, took = search(crowd); len(n.found) != 1 || took > 3*time.Second {
		t.Errorf("where it was: %d found in %v", len(n.found), took)
	}
	for i := range maxStrangers {
		ds.misses.add(lead{host: fmt.Sprint(i), clue: byNothing}, errOther)
	}
	asked := taken.Load()
	w.seen = Seen{}
	if _, took = search(crowd); taken.Load() != asked || took > time.Second {
		t.Errorf("%d strangers were asked in the end, in %v", taken.Load(), took)
	}
}

// TestFoundAmongStrangers: without any clue the session says who it is, and
// from then on the name does.
func TestFoundAmongStrangers(t *testing.T) {
	ds := devicesIn(t, t.TempDir())
	_, anna := onNetwork(t, 100)
	_, ben := onNetwork(t, 101)
	adverts := []mdns.Advert{
		{Instance: "7e:00:00:00:00:01@fe80::1", Addrs: []netip.Addr{lair(101)}},
		{Instance: "7e:00:00:00:00:02@fe80::2", Addrs: []netip.Addr{lair(100)}},
	}
	// Another's record at the address comes first: it is refused, and says so.
	n := &hunt{ds: ds, missing: []*wanted{anna, ben}, all: []*wanted{anna, ben}, adverts: func() []mdns.Advert { return adverts }}
	n.run(t.Context())
	if len(n.found) != 2 || len(n.missing) != 0 {
		t.Fatalf("%+v, %+v", n.found, n.tries)
	}
	for _, s := range n.found {
		want := lair(100).String()
		if s.UDID == ben.udid {
			want = lair(101).String()
		}
		if s.Address != want || !s.Paired {
			t.Errorf("%+v", s.Device)
		}
	}
	anna.seen = ds.memory.latest[anna.udid]
	if who, c := whose([]*wanted{anna, ben}, adverts[1]); who != anna || c != byName {
		t.Errorf("%v %d", who, c)
	}
}

func TestMisses(t *testing.T) {
	m := &misses{}
	if _, resting := m.resting("x"); resting || !m.mayTry("x", byNothing) {
		t.Error("never tried")
	}
	w := wantedFor("A", "HOST-A", "")
	for i := range 2 * maxMisses {
		m.add(lead{host: fmt.Sprint(i), clue: byLast, who: []*wanted{w}}, errOther)
		m.add(lead{host: fmt.Sprint("s", i), clue: byNothing, who: []*wanted{w}}, errOther)
	}
	if why, resting := m.resting("0|A"); !resting || why != errOther || len(m.until) > maxMisses || len(m.strangers) > maxStrangers {
		t.Errorf("%d and %d remembered", len(m.until), len(m.strangers))
	}
	if m.mayTry("s0", byNothing) || m.mayTry("another", byNothing) || !m.mayTry("s0", byTags) {
		t.Error("strangers are asked without end")
	}
}

// TestWhyItRests: a phone that did not want us is there and does not want us, also
// while it is not asked again.
func TestWhyItRests(t *testing.T) {
	ds := devicesIn(t, t.TempDir())
	w := wantedFor("A", "HOST-A", "aa:bb:cc:00:00:01")
	adverts := []mdns.Advert{advert("aa:bb:cc:00:00:01@fe80::1", "127.0.0.99")}
	why := &lockdown.Error{Request: "StartSession", Code: lockdown.InvalidHostID}
	for _, l := range leads([]*wanted{w}, []*wanted{w}, adverts, anybody) {
		ds.misses.add(l, why)
	}
	n := &hunt{ds: ds, missing: []*wanted{w}, all: []*wanted{w}, adverts: func() []mdns.Advert { return adverts }}
	n.run(t.Context())
	sv := survey{wanted: n.all, tries: n.tries}
	sv.addTroubled()
	if len(sv.seen) != 1 || !sv.seen[0].Untrusted || sv.seen[0].Problem != networkProblem(why) {
		t.Errorf("%+v", sv.seen)
	}
}

// slowly passes on what a phone says, each time after a while.
func slowly(t *testing.T, at, phone int, after time.Duration) {
	t.Helper()
	listen(t, at, func(host net.Conn) {
		phone, err := net.Dial("tcp", doorOf(phone))
		if err != nil {
			_ = host.Close()
			return
		}
		go func() {
			_, _ = io.Copy(phone, host)
			_ = phone.Close()
		}()
		go func() {
			defer func() { _ = host.Close() }()
			said := make([]byte, 1<<20)
			for {
				n, err := phone.Read(said)
				time.Sleep(after)
				if _, e := host.Write(said[:n]); err != nil || e != nil {
					return
				}
			}
		}()
	})
}

// TestSlowPhone: a phone that answers, each time after seconds, is heard out, also
// beyond the end of the search, but not for ever by who follows the network and has
// others to look after. Who says nothing is not waited for, and that is noted.
func TestSlowPhone(t *testing.T) {
	t.Parallel()
	_, slow := onNetwork(t, 130)
	slowly(t, 131, 130, 2500*time.Millisecond)
	slowly(t, 133, 130, 8*time.Second)
	var taken atomic.Int64
	silent(t, 132, &taken)
	for what, c := range map[string]struct {
		at      int
		follows bool
		found   int
		longer  bool // than a search usually is
	}{
		"slow": {131, false, 1, true}, "slow, in passing": {131, true, 1, true}, "slower, in passing": {133, true, 0, true}, "silent": {132, false, 0, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ds := devicesIn(t, t.TempDir())
			if c.follows {
				ds.browser.Store(mdns.New(mdns.Options{}))
			}
			w := &wanted{udid: slow.udid, records: slow.records, fixed: []string{lair(c.at).String()}}
			n := &hunt{ds: ds, missing: []*wanted{w}, all: []*wanted{w}, adverts: func() []mdns.Advert { return nil }}
			began := time.Now()
			n.run(t.Context())
			if took := time.Since(began); len(n.found) != c.found || took > huntLimit+6*time.Second != c.longer || c.follows && took > hearLimit+20*time.Second {
				t.Errorf("%d found in %v: %+v", len(n.found), took, n.tries)
			}
			if c.found == 0 && (len(n.tries) != 1 || !errors.Is(n.tries[0].err, context.DeadlineExceeded)) {
				t.Errorf("what is noted: %+v", n.tries)
			}
		})
	}
}

// TestCrowd: a phone that cannot be told from a crowd of strangers, and whose
// announcement comes last, is asked in the end: not always the same are.
func TestCrowd(t *testing.T) {
	adverts := make([]mdns.Advert, 200)
	for i := range adverts {
		adverts[i] = mdns.Advert{Instance: fmt.Sprintf("02:00:00:00:00:%02x@fe80::1", i), Addrs: []netip.Addr{lair(1000 + i)}}
	}
	one := &wanted{udid: "00008140-000650DDEC43D17F"}
	asked := map[string]bool{}
	for range 500 {
		n := &hunt{missing: []*wanted{one}, turn: rand.Int()}
		for _, l := range leads(n.missing, n.missing, inTurn(adverts, n.turn), func(string, clue) bool { return true }) {
			asked[l.host] = true
		}
	}
	if len(asked) != len(adverts) {
		t.Errorf("%d of %d are asked", len(asked), len(adverts))
	}
	if inTurn[int](nil, 5) != nil {
		t.Error("nobody is there")
	}
}
