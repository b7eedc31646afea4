package conformance

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// badAir is what becomes of the Ethernet frames that go one way over a bad
// radio link. Equal seeds and equal frames have the same fate. Kernels have
// netem for this, where they were built with it.
type badAir struct {
	delay, jitter time.Duration // each frame comes delay to delay+jitter later
	loss          float64       // share of all frames
	multicast     float64       // share of multicast besides, for which no radio asks again
	late, twice   float64       // shares of what the next ones overtake, and of what comes twice
}

// A flight is a frame that will arrive.
type flight struct {
	at   time.Time
	data []byte
}

// carry takes the frames of one TAP device to another until one is closed.
func (a badAir) carry(from, to *os.File, seed uint64) {
	flights := make(chan flight, 1<<14)
	defer close(flights)
	go land(to, flights)
	dice := rand.New(rand.NewPCG(seed, 0))
	var last time.Time // when the last frame in order arrives
	for buf := make([]byte, 1<<16); ; {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		// All dice are thrown for each frame, so that one fate does not change the next.
		wait, lost, lonely := dice.Float64(), dice.Float64() < a.loss, dice.Float64() < a.multicast
		late, twice := dice.Float64() < a.late, dice.Float64() < a.twice
		if lost || lonely && buf[0]&1 == 1 {
			continue
		}
		at := time.Now().Add(a.delay + time.Duration(wait*float64(a.jitter)))
		switch {
		case late:
			at = at.Add(a.delay + a.jitter)
		case at.Before(last):
			at = last
		default:
			last = at
		}
		f := flight{at, slices.Clone(buf[:n])}
		flights <- f
		if twice {
			flights <- f
		}
	}
}

// land writes frames when they have arrived, the earliest first.
func land(to *os.File, flights <-chan flight) {
	var aloft []flight // the next to arrive is the last
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case f, ok := <-flights:
			if !ok {
				return
			}
			i, _ := slices.BinarySearchFunc(aloft, f, func(x, y flight) int { return y.at.Compare(x.at) })
			aloft = slices.Insert(aloft, i, f)
		case <-timer.C:
		}
		for now := time.Now(); len(aloft) > 0 && !aloft[len(aloft)-1].at.After(now); aloft = aloft[:len(aloft)-1] {
			_, _ = to.Write(aloft[len(aloft)-1].data) // a device that is down takes none
		}
		if len(aloft) > 0 {
			timer.Reset(time.Until(aloft[len(aloft)-1].at))
		}
	}
}

// badPlace is place at the far end of a bad link.
func (l *lan) badPlace(name string, addr netip.Prefix, seed uint64, up, down badAir) *place {
	l.t.Helper()
	return l.placeBy(name, addr, func(p *place) {
		inner, outer := l.tap(p.ns, p.link), l.tap(l.name, p.port)
		go up.carry(inner, outer, seed)
		go down.carry(outer, inner, seed+1)
	})
}

// tap makes a TAP device in a network namespace: what the system sends through
// it is read from the file, and what is written comes in.
func (l *lan) tap(ns, name string) *os.File {
	l.t.Helper()
	fd, err := -1, error(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never let go: the thread ends in the other namespace
		fd, err = tapIn("/run/netns/"+ns, name)
	}()
	<-done
	if err != nil {
		if os.Getenv("RUSSET_CLIENTS") == "require" && os.Getenv("RUSSET_TAP") != "none" {
			l.t.Fatalf("TAP devices are required (RUSSET_CLIENTS=require): %v", err)
		}
		l.t.Skipf("no TAP devices here: %v", err)
	}
	f := os.NewFile(uintptr(fd), name)
	l.t.Cleanup(func() { _ = f.Close() })
	return f
}

// tapIn moves the calling thread into a namespace and makes a device there.
func tapIn(namespace, name string) (int, error) {
	ns, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", namespace, err)
	}
	defer func() { _ = unix.Close(ns) }()
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return -1, fmt.Errorf("enter %s: %w", namespace, err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return -1, err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("make a TAP device: %w", err)
	}
	return fd, nil
}

// TestBadAir finds, backs up and restores phones over a link that delays, loses,
// reorders and repeats.
func TestBadAir(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	tool, err := vphoneProgram()
	if err != nil {
		t.Fatal(err)
	}
	air := badAir{delay: time.Millisecond / 2, jitter: time.Millisecond, loss: 0.002, multicast: 0.2, late: 0.02, twice: 0.01}
	radio := l.badPlace("phones", netip.MustParsePrefix("10.77.0.11/24"), 7, air, air)
	l.ip("-n", radio.ns, "addr", "add", "10.77.0.12/24", "dev", radio.link)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, "make", radio.run(nil, tool, "make", at("anna"), "--name", "anna"), 0)
	must(t, "make", radio.run(nil, tool, "make", at("new"), "--name", "new", "--seed", "2", "--profile", "blank"), 0)
	serve := radio.start(nil, tool, "serve", at("anna"), at("new"), "--socket", at("mux"), "--control", at("ctl"), "--announce", "--network", "10.77.0.11,10.77.0.12")
	serve.await(30*time.Second, "10.77.0.12")
	ctl := func(args ...string) {
		t.Helper()
		must(t, "vphone ctl", radio.run(nil, tool, append([]string{"ctl", at("ctl")}, args...)...), 0)
	}
	c := l.computer("desk", "10.77.0.1/24", at("mux"))
	for _, name := range []string{"anna", "new"} {
		must(t, "pair", c.russet("pair", name), 0)
		must(t, "Wi-Fi on", c.russet("devices", "wifi", name, "on"), 0)
		ctl("@"+name, "unplug")
	}
	c = c.without(at("mux"))
	var found []struct{ Connection, Problem string }
	o := c.russet("devices", "--json")
	if err := json.Unmarshal([]byte(o.text), &found); err != nil || len(found) != 2 || found[0] != found[1] || found[0].Connection != "network" || found[0].Problem != "" {
		t.Errorf("found: %v %s", err, o.text)
	}
	must(t, "first backup", c.russet("backup", "anna"), 0, "is backed up")
	ctl("churn", "1", "light")
	must(t, "incremental", c.russet("backup", "anna"), 0, "is backed up")
	must(t, "verify", c.russet("verify", "--all", "--full"), 0)
	must(t, "restore", c.russet("restore", "latest", "--device", "new", "--yes"), 0)
	serve.stop()
	// An encrypted backup would hold the rest, and take minutes for its keys under
	// the race detector.
	o = radio.run(nil, tool, "compare", at("anna"), at("new"))
	for line := range strings.Lines(o.text) {
		if !strings.HasSuffix(line, ": missing\n") && !strings.HasPrefix(line, "vphone: the phones differ in") {
			t.Errorf("the restored phone is another one: %s", line)
		}
	}
}
