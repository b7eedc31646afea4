package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"russet"
	"russet/device/lockdown"
	"russet/device/usbmux"
	"russet/internal/doctor"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/phonetest"
	"russet/vphone"
)

// bad are the codes of what is not good, in order.
func bad(findings []doctor.Finding) string {
	var codes []string
	for _, f := range findings {
		if !f.Good {
			codes = append(codes, string(f.Code))
		}
	}
	return strings.Join(codes, " ")
}

// examine asks the doctor, in a world of nothing but what the host has.
func examine(t *testing.T, h *host.Host, device string) []doctor.Finding {
	t.Helper()
	findings, _, err := h.Doctor(t.Context(), host.DoctorOptions{Device: device})
	must(t, err)
	for _, f := range findings {
		if strings.ContainsAny(f.What+f.Hint, "{}") {
			t.Errorf("%s: %q, %q", f.Code, f.What, f.Hint)
		}
	}
	return findings
}

// wantFindings fails if the doctor finds anything else.
func wantFindings(t *testing.T, h *host.Host, want string) {
	t.Helper()
	findings := examine(t, h, "")
	if got := bad(findings); got != want {
		t.Errorf("found %q, want %q", got, want)
		for _, f := range findings {
			t.Logf("%s: %s → %s", f.Code, f.What, f.Hint)
		}
	}
}

// bare is a computer in a world without USB of its own, whose usbmuxd was
// chosen.
func (l *netlab) bare(dir, mux string, now func() time.Time) *host.Host {
	l.t.Helper()
	h := host.Open(host.Options{Home: home.Place{Dir: dir, Data: dir, Moved: true}, Mux: mux, Now: now})
	h.LookAt(l.t.TempDir(), 100*time.Millisecond)
	l.t.Cleanup(func() { must(l.t, h.Close()) })
	return h
}

// TestDoctorPhones is a phone in every state that one on the cable can be in.
func TestDoctorPhones(t *testing.T) {
	unused := "service-never backup-never" // nothing was backed up yet
	pair := func(t *testing.T, h *host.Host, p *vphone.Phone) {
		t.Helper()
		_, _, err := h.Pair(t.Context(), p.UDID(), func(russet.Device) {})
		must(t, err)
		must(t, p.SetWifi(true))
	}
	for name, c := range map[string]struct {
		options vphone.Options
		paired  bool
		do      func(t *testing.T, l *netlab, h *host.Host, p *vphone.Phone)
		want    string
	}{
		"ready":    {paired: true, want: unused},
		"locked":   {vphone.Options{Passcode: "1234"}, true, func(_ *testing.T, _ *netlab, _ *host.Host, p *vphone.Phone) { p.Lock() }, unused},
		"unpaired": {want: "phone-unpaired"},
		"unpaired and locked": {
			vphone.Options{Passcode: "1234"},
			false,
			func(_ *testing.T, _ *netlab, _ *host.Host, p *vphone.Phone) { p.Lock() }, "phone-locked",
		},
		"locked, and the pairing is another's": {vphone.Options{Passcode: "1234"}, true, func(t *testing.T, l *netlab, h *host.Host, p *vphone.Phone) {
			swapEscrow(t, l, h, p)
			p.Lock()
		}, "phone-sealed service-never backup-never"},
		"too many programs": {paired: true, do: func(_ *testing.T, _ *netlab, _ *host.Host, p *vphone.Phone) {
			p.LimitService("com.apple.mobilebackup2", true)
		}, want: "phone-crowded service-never backup-never"},
		"refused": {do: func(t *testing.T, _ *netlab, h *host.Host, p *vphone.Phone) {
			p.SetTrust(vphone.No)
			_, _, err := h.Pair(t.Context(), p.UDID(), func(russet.Device) {})
			wantKind(t, err, russet.NotTrusted, "refused")
		}, want: "phone-refused"},
		"refused, and then not": {do: func(t *testing.T, _ *netlab, h *host.Host, p *vphone.Phone) {
			p.SetTrust(vphone.No)
			_, _, err := h.Pair(t.Context(), p.UDID(), func(russet.Device) {})
			wantKind(t, err, russet.NotTrusted, "refused")
			p.Unplug()
			p.Plug()
			p.SetTrust(vphone.Yes)
			pair(t, h, p)
			_, _, err = h.Unpair(t.Context(), p.UDID())
			must(t, err)
		}, want: "phone-unpaired"},
		"switched on and never unlocked": {
			vphone.Options{Passcode: "1234"}, true, func(t *testing.T, l *netlab, _ *host.Host, p *vphone.Phone) {
				p.Reboot()
				for len(examineMux(t, l)) == 0 {
					time.Sleep(10 * time.Millisecond)
				}
			}, "phone-fresh service-never backup-never",
		},
		"forgotten": {
			paired: true, do: func(t *testing.T, _ *netlab, _ *host.Host, p *vphone.Phone) { must(t, p.ForgetHosts()) },
			want: "phone-forgotten service-never backup-never",
		},
		"erased": {paired: true, do: func(t *testing.T, l *netlab, _ *host.Host, p *vphone.Phone) {
			p.Unplug()
			l.Phone(vphone.Options{Identity: vphone.NewIdentity(1)})
		}, want: "phone-forgotten service-never backup-never"},
		"silent": {paired: true, do: func(t *testing.T, _ *netlab, _ *host.Host, p *vphone.Phone) {
			for n := range 40 { // each of its answers
				must(t, p.SetFault("drop-at", fmt.Sprintf("%d,lockdownd", n+1)))
			}
		}, want: "phone-silent service-never backup-never"},
		"usbmuxd lost the pairing": {paired: true, do: func(t *testing.T, l *netlab, _ *host.Host, p *vphone.Phone) {
			must(t, (&usbmux.Client{Addr: l.Addr()}).DeletePairRecord(t.Context(), p.UDID()))
		}, want: "phone-record-lost service-never backup-never"},
		"Wi-Fi access off": {
			paired: true, do: func(t *testing.T, _ *netlab, _ *host.Host, p *vphone.Phone) { must(t, p.SetWifi(false)) },
			want: "phone-wifi-off service-never backup-never",
		},
		"iOS 9":  {vphone.Options{Identity: withIOS("9.3.5")}, true, nil, "phone-ios-old service-never backup-never"},
		"iOS 31": {vphone.Options{Identity: withIOS("31.0")}, true, nil, "phone-ios-new service-never backup-never"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newNetlab(t)
			h := l.bare(t.TempDir(), l.Addr(), nil)
			if c.options.Identity.UDID == "" {
				c.options.Identity = vphone.NewIdentity(1)
			}
			p := l.Phone(c.options)
			if c.paired {
				pair(t, h, p)
			}
			if c.do != nil {
				c.do(t, l, h, p)
			}
			wantFindings(t, h, c.want)
		})
	}
}

func withIOS(version string) vphone.Identity {
	i := vphone.NewIdentity(1)
	i.ProductVersion = version
	return i
}

// TestDoctorMux is a usbmuxd that is not there, is something else, or may not
// be used.
func TestDoctorMux(t *testing.T) {
	dir, err := os.MkdirTemp("", "russet")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	socket := filepath.Join(dir, "mux")
	l := newNetlab(t)
	h := l.bare(t.TempDir(), "UNIX:"+socket, nil)
	wantFindings(t, h, "usbmuxd-elsewhere")

	listener, err := net.Listen("unix", socket)
	must(t, err)
	server := &http.Server{Handler: http.NotFoundHandler()}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	wantFindings(t, h, "usbmuxd-strange")
	must(t, server.Close())
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	l.stale(t, socket)
	if os.Getuid() == 0 {
		t.Log("root may use every socket")
		return
	}
	listener, err = net.Listen("unix", socket)
	must(t, err)
	t.Cleanup(func() { must(t, listener.Close()) })
	must(t, os.Chmod(socket, 0o600))
	must(t, os.Chmod(socket, 0))
	wantFindings(t, h, "usbmuxd-forbidden")
}

// stale leaves a socket on which nobody listens, and looks at it from within
// what says that it is a container.
func (l *netlab) stale(t *testing.T, socket string) {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	must(t, err)
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	must(t, listener.Close())
	h := l.bare(t.TempDir(), "UNIX:"+socket, nil)
	wantFindings(t, h, "usbmuxd-elsewhere")
	root := t.TempDir()
	must(t, os.WriteFile(root+"/.dockerenv", nil, 0o600))
	h.LookAt(root, time.Millisecond)
	wantFindings(t, h, "container-stale")
	must(t, os.Remove(socket))
}

// TestDoctorAway is a phone that was here and is not.
func TestDoctorAway(t *testing.T) {
	l := newNetlab(t)
	anna, ben := l.Phone(vphone.Options{Identity: phonetest.Named(1, "Anna")}), l.Phone(vphone.Options{Identity: phonetest.Named(2, "Ben")})
	home, now := t.TempDir(), time.Now()
	h := l.bare(home, l.Addr(), func() time.Time { return now })
	l.pair(h, anna)
	l.pair(h, ben)
	wantFindings(t, h, "service-never backup-never backup-never")
	anna.Unplug()

	// Where nobody is.
	_, err := h.AddAddress(t.Context(), "Anna", "nobody.invalid")
	must(t, err)
	wantAway(t, h, "address-no-name")
	_, err = h.RemoveAddress(t.Context(), "Anna", "nobody.invalid")
	must(t, err)
	address := l.Join(ben)
	ben.LeaveNetwork()
	_, err = h.AddAddress(t.Context(), "Anna", address)
	must(t, err)
	wantAway(t, h, "address-refused")
	// Where somebody else is.
	must(t, ben.JoinNetwork(netip.MustParseAddr(address)))
	wantAway(t, h, "address-other")
	ben.LeaveNetwork()
	// Where she is.
	must(t, anna.JoinNetwork(netip.MustParseAddr(address)))
	if got := bad(examine(t, h, "Anna")); got != "service-never backup-never" {
		t.Errorf("at her address: %q", got)
	}
	anna.LeaveNetwork()

	// A month without contact.
	_, err = h.RemoveAddress(t.Context(), "Anna", address)
	must(t, err)
	now = now.AddDate(0, 0, 26)
	if got := bad(examine(t, h, "Anna")); !strings.Contains(got, " trust-ending") {
		t.Errorf("after 26 days: %q", got)
	}
	now = now.AddDate(0, 0, 5)
	if got := bad(examine(t, h, "Anna")); !strings.Contains(got, "trust-ended") || strings.Contains(got, "away") {
		t.Errorf("after 31 days: %q", got)
	}
	now = time.Unix(1000, 0)
	if got := bad(examine(t, h, "Anna")); !strings.HasPrefix(got, "clock-unset") || strings.Contains(got, "trust") {
		t.Errorf("in 1970: %q", got)
	}
}

// wantAway looks for one code among what is said of Anna's phone; what is said
// of the network depends on where the test runs.
func wantAway(t *testing.T, h *host.Host, want string) {
	t.Helper()
	if got := bad(examine(t, h, "Anna")); !strings.Contains(" "+got+" ", " "+want+" ") {
		t.Errorf("found %q, want %s", got, want)
	}
}

// TestDoctorHome is russet's own folder, in every way in which it can be
// spoiled.
func TestDoctorHome(t *testing.T) {
	l := newNetlab(t)
	dir := t.TempDir()
	h := l.bare(dir, l.Addr(), nil)
	p := l.Phone(vphone.Options{Identity: phonetest.Named(1, "Anna")})
	l.pair(h, p)
	_, err := h.AddStore(t.Context(), "main", "folder:"+t.TempDir()+"/phones")
	must(t, err)
	fresh := func() *host.Host { return l.bare(dir, l.Addr(), nil) }
	wantFindings(t, fresh(), "service-never backup-never")

	secrets := filepath.Join(dir, "secrets")
	must(t, os.Chmod(secrets, 0o755))
	wantFindings(t, fresh(), "secrets-exposed service-never backup-never")
	must(t, os.Chmod(secrets, 0o700))
	sealed, err := filepath.Glob(secrets + "/*.sealed")
	must(t, err)
	if len(sealed) != 1 {
		t.Fatalf("sealed: %q", sealed)
	}
	flip(t, sealed[0])
	wantFindings(t, fresh(), "secrets-damaged service-never backup-never")
	// Now only russet's damaged copy of the pairing is left.
	mux := &usbmux.Client{Addr: l.Addr()}
	record, err := mux.ReadPairRecord(t.Context(), p.UDID())
	must(t, err)
	must(t, mux.DeletePairRecord(t.Context(), p.UDID()))
	wantFindings(t, fresh(), "secrets-damaged service-never backup-never")
	flip(t, sealed[0])
	must(t, os.WriteFile(filepath.Join(dir, "settings.json"), []byte(`{"stores": [`), 0o600))
	wantFindings(t, fresh(), "settings-damaged phone-record-lost service-never")
	must(t, os.Remove(filepath.Join(dir, "settings.json")))
	if len(record) == 0 {
		t.Error("there was no record")
	}
	keys, err := filepath.Glob(secrets + "/key*")
	must(t, err)
	if len(keys) == 0 {
		t.Fatalf("where is the key of %s?", secrets)
	}
	for _, k := range keys {
		must(t, os.Remove(k))
	}
	wantFindings(t, fresh(), "secrets-lost service-never backup-never")
}

func flip(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	must(t, err)
	data[len(data)-1] ^= 1
	must(t, os.WriteFile(name, data, 0o600))
}

// TestDoctorService tells a service that runs from one that ran.
func TestDoctorService(t *testing.T) {
	l := newNetlab(t)
	dir := t.TempDir()
	h := l.bare(dir, l.Addr(), nil)
	l.pair(h, l.Phone(vphone.Options{Identity: phonetest.Named(1, "Anna")}))
	release, err := l.bare(dir, l.Addr(), nil).LockService()
	must(t, err)
	wantFindings(t, h, "notify-none backup-never")
	release()
	wantFindings(t, h, "service-stopped notify-none backup-never")
	if again, err := h.LockService(); err != nil {
		t.Error("the doctor held the lock of the service:", err)
	} else {
		again()
	}
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestDoctorWhileBackingUp: a phone that is busy is not called silent.
func TestDoctorWhileBackingUp(t *testing.T) {
	l := newNetlab(t)
	dir := t.TempDir()
	h := l.bare(dir, l.Addr(), nil)
	log := &syncBuffer{}
	p := l.Phone(vphone.Options{Identity: phonetest.Named(1, "Anna"), Passcode: "1234", Logger: slog.New(slog.NewTextHandler(log, nil))})
	l.pair(h, p)
	p.SetPasscodeAnswer(vphone.Ask)
	d := l.only(h)
	st, _, err := h.StoreFor(t.Context(), "")
	must(t, err)
	done := make(chan error, 1)
	asked := make(chan struct{}, 100)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		_, err := h.Backup(ctx, host.BackupOptions{Device: d, Store: st, Progress: func(e russet.Event) {
			if e.Passcode {
				asked <- struct{}{}
			}
		}})
		done <- err
	}()
	<-asked
	p.Inject(vphone.Fault{On: "lockdownd", AtWrite: 1, Do: vphone.LockScreen}) // it notes when it goes off
	findings := examine(t, l.bare(dir, l.Addr(), nil), "")
	if says := log.String(); strings.Contains(says, "msg=fault") {
		t.Errorf("the phone was spoken to: %s", says)
	}
	p.DisarmFaults()
	if got := bad(findings); got != "service-never" {
		t.Errorf("found %q", got)
	}
	if f := findings[2]; f.Code != "phone-running" {
		t.Errorf("it is %s: %s", f.Code, f.What)
	}
	must(t, p.TypePasscode(t.Context()))
	must(t, <-done)
	wantFindings(t, h, "service-never")
}

// swapEscrow gives usbmuxd a pair record whose escrow bag is not this phone's.
func swapEscrow(t *testing.T, l *netlab, _ *host.Host, p *vphone.Phone) {
	t.Helper()
	mux := &usbmux.Client{Addr: l.Addr()}
	data, err := mux.ReadPairRecord(t.Context(), p.UDID())
	must(t, err)
	record, err := lockdown.ParsePairRecord(data)
	must(t, err)
	record.EscrowBag = bytes.Repeat([]byte{7}, len(record.EscrowBag))
	data, err = record.Marshal()
	must(t, err)
	must(t, mux.SavePairRecord(t.Context(), examineMux(t, l)[0], data))
}

// examineMux lists what usbmuxd has.
func examineMux(t *testing.T, l *netlab) []*usbmux.Device {
	t.Helper()
	devices, err := (&usbmux.Client{Addr: l.Addr()}).Devices(t.Context())
	must(t, err)
	return devices
}
