package host_test

import (
	"fmt"
	"testing"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/phonetest"
	"russet/vphone"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// netlab is virtual phones, a usbmuxd, and computers.
type netlab struct {
	*phonetest.Lab
	t *testing.T
}

func newNetlab(t *testing.T) *netlab {
	t.Helper()
	return &netlab{Lab: phonetest.New(t), t: t}
}

// phone makes a phone that was lived with.
func (l *netlab) phone(seed uint64, name string) *vphone.Phone {
	l.t.Helper()
	d := disk.NewMemory()
	must(l.t, content.MakeOn(l.t.Context(), d, content.Options{Profile: "small-files", Files: 40, Size: 2_000_000, Seed: seed}))
	return l.Phone(vphone.Options{Identity: phonetest.Named(seed, name), Disk: d})
}

// computer is a host with a home of its own.
func (l *netlab) computer(mux string) *host.Host { return l.computerIn(l.t.TempDir(), mux) }

// computerIn is a host in a home that may be another's, too.
func (l *netlab) computerIn(dir, mux string) *host.Host {
	l.t.Helper()
	h := host.Open(host.Options{Home: home.Place{Dir: dir, Data: dir, Moved: true}, Mux: mux})
	l.t.Cleanup(func() { must(l.t, h.Close()) })
	return h
}

// pair makes a phone trust a computer, with Wi-Fi access on.
func (l *netlab) pair(h *host.Host, p *vphone.Phone) {
	l.t.Helper()
	_, _, err := h.Pair(l.t.Context(), p.UDID(), func(russet.Device) {})
	must(l.t, err)
	must(l.t, p.SetWifi(true))
}

// store is a folder store of a computer.
func (l *netlab) store(h *host.Host) host.StoreSettings {
	l.t.Helper()
	st, _, err := h.StoreFor(l.t.Context(), "")
	must(l.t, err)
	return st
}

// only is the one device a computer sees.
func (l *netlab) only(h *host.Host) russet.Device {
	l.t.Helper()
	devices, err := h.Devices(l.t.Context())
	must(l.t, err)
	if len(devices) != 1 {
		l.t.Fatalf("it sees %d devices: %+v", len(devices), devices)
	}
	return devices[0]
}

func wantKind(t *testing.T, err error, kind russet.Kind, what string) {
	t.Helper()
	if russet.KindOf(err) != kind {
		t.Fatalf("%s: %v (kind %d), not of kind %d", what, err, russet.KindOf(err), kind)
	}
}

func describe(d russet.Device) string {
	return fmt.Sprintf("%s %s %s paired %v problem %q", d.Name, d.Connection, d.Address, d.Paired, d.Problem)
}
