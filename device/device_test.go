package device_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"russet/device"
	"russet/device/internal/wire"
	"russet/device/lockdown"
	"russet/internal/plist"
	"russet/vphone"
)

// key is the key of every phone here: making one takes a while.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func phone(t *testing.T, passcode string) *vphone.Phone {
	t.Helper()
	p, err := vphone.New(vphone.Options{Key: key(), Passcode: passcode, RebootTime: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	p.Plug()
	return p
}

// firstPairing makes certificates once; they fit every phone here, since all
// have one key.
var firstPairing = sync.OnceValues(func() (*lockdown.PairRecord, error) {
	p, err := vphone.New(vphone.Options{Key: key()})
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Close() }()
	p.Plug()
	return device.Pair(context.Background(), p, lockdown.PairOptions{}, device.Options{})
})

// pair pairs a phone with certificates that are there already, as a host does
// that sends Pair again.
func pair(t testing.TB, p *vphone.Phone) *lockdown.PairRecord {
	t.Helper()
	first, err := firstPairing()
	if err != nil {
		t.Fatal(err)
	}
	rec := *first
	nc, err := p.DialPort(t.Context(), lockdown.Port)
	if err != nil {
		t.Fatal(err)
	}
	conn := wire.NewConn(nc, 1<<20)
	defer func() { _ = conn.Close() }()
	answer, err := conn.Call(t.Context(), plist.Dict{"Request": "Pair", "PairRecord": plist.Dict{
		"DeviceCertificate": rec.DeviceCertificate, "HostCertificate": rec.HostCertificate,
		"RootCertificate": rec.RootCertificate, "HostID": rec.HostID, "SystemBUID": rec.SystemBUID,
	}})
	if err != nil || answer.Data("EscrowBag") == nil {
		t.Fatalf("pair: %v, %v", answer, err)
	}
	rec.EscrowBag = answer.Data("EscrowBag")
	return &rec
}

func connect(t *testing.T, p *vphone.Phone, rec *lockdown.PairRecord) *device.Device {
	t.Helper()
	dev, err := device.Connect(t.Context(), p, rec, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.Close() })
	return dev
}

func TestIdentifyWithoutPairing(t *testing.T) {
	p := phone(t, "")
	p.SetTrust(vphone.No)
	info, err := device.Identify(t.Context(), p, device.Options{})
	if err != nil || info.UDID != p.UDID() || info.Class != "iPhone" || info.ProductVersion == "" || info.Major() < 10 {
		t.Errorf("got %+v, %v", info, err)
	}
}

func TestPairWithDialog(t *testing.T) {
	p := phone(t, "")
	p.SetTrust(vphone.Ask)
	shown := make(chan struct{})
	opts := lockdown.PairOptions{Waiting: func() { close(shown) }}
	go func() {
		<-shown
		_ = p.TapTrust(context.Background())
	}()
	rec, err := device.Pair(t.Context(), p, opts, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if info := connect(t, p, rec).Info(); info.UDID != p.UDID() || info.WiFiAddress != rec.WiFiMACAddress {
		t.Errorf("session with %+v", info)
	}
}

func TestPairRefused(t *testing.T) {
	p := phone(t, "1234")
	p.SetTrust(vphone.No)
	_, err := device.Pair(t.Context(), p, lockdown.PairOptions{}, device.Options{})
	if !errors.Is(err, lockdown.UserDeniedPairing) {
		t.Errorf("declined: %v", err)
	}
	p.Lock()
	if _, err := device.Pair(t.Context(), p, lockdown.PairOptions{}, device.Options{}); !errors.Is(err, lockdown.PasswordProtected) {
		t.Errorf("locked: %v", err)
	}
}

func TestValues(t *testing.T) {
	p := phone(t, "")
	dev, ctx := connect(t, p, pair(t, p)), t.Context()
	if v, err := dev.Value(ctx, "", "UniqueDeviceID"); v != p.UDID() || err != nil {
		t.Errorf("UDID %v, %v", v, err)
	}
	if _, err := dev.Value(ctx, "", "NoSuchKey"); !errors.Is(err, lockdown.MissingValue) {
		t.Errorf("a missing value: %v", err)
	}
	if d, err := dev.Values(ctx, "com.example.none"); d == nil || len(d) != 0 || err != nil {
		t.Errorf("a missing domain: %v, %v", d, err)
	}
	if err := dev.SetValue(ctx, "", "DeviceName", "Ännchen"); err != nil {
		t.Fatal(err)
	}
	if d, err := dev.Values(ctx, ""); d.String("DeviceName") != "Ännchen" || err != nil {
		t.Errorf("renamed: %q, %v", d.String("DeviceName"), err)
	}
	if err := dev.RemoveValue(ctx, "", "SerialNumber"); !errors.As(err, new(*lockdown.Error)) {
		t.Errorf("removing what cannot be removed: %v", err)
	}
}

func TestForgottenPairing(t *testing.T) {
	p := phone(t, "")
	rec := pair(t, p)
	if err := p.ForgetHosts(); err != nil {
		t.Fatal(err)
	}
	if _, err := device.Connect(t.Context(), p, rec, device.Options{}); !errors.Is(err, lockdown.ErrUntrusted) {
		t.Errorf("forgotten: %v", err)
	}
	rec = pair(t, p)
	if err := device.Unpair(t.Context(), p, rec, device.Options{}); err != nil {
		t.Error(err)
	}
	if _, err := device.Connect(t.Context(), p, rec, device.Options{}); !errors.Is(err, lockdown.ErrUntrusted) {
		t.Errorf("unpaired: %v", err)
	}
}

func TestImpostor(t *testing.T) {
	p := phone(t, "")
	rec := pair(t, p)
	rec.DeviceCertificate = rec.HostCertificate
	if _, err := device.Connect(t.Context(), p, rec, device.Options{}); !errors.Is(err, lockdown.ErrImpostor) {
		t.Errorf("got %v", err)
	}
}

func TestDialWhileLocked(t *testing.T) {
	p := phone(t, "1234")
	p.Unlock()
	dev := connect(t, p, pair(t, p))
	p.Lock()
	const backup = "com.apple.mobilebackup2"
	if _, err := dev.Dial(t.Context(), backup, device.ServiceOptions{}); !errors.Is(err, lockdown.PasswordProtected) {
		t.Errorf("without the escrow bag: %v", err)
	}
	conn, err := dev.Dial(t.Context(), backup, device.ServiceOptions{Escrow: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if _, err := dev.Dial(t.Context(), "com.example.none", device.ServiceOptions{}); !errors.Is(err, lockdown.InvalidService) {
		t.Errorf("no such service: %v", err)
	}
}

// TestServiceHonoursDeadline reads from a service that has nothing to say.
func TestServiceHonoursDeadline(t *testing.T) {
	p := phone(t, "")
	dev := connect(t, p, pair(t, p))
	conn, err := dev.Dial(t.Context(), "com.apple.afc", device.ServiceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := conn.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v", err)
	}
}

func TestSessionIsOpenedAgain(t *testing.T) {
	p := phone(t, "")
	dev := connect(t, p, pair(t, p))
	p.Unplug()
	if _, err := dev.Value(t.Context(), "", "DeviceName"); err == nil {
		t.Error("a value came through no cable")
	}
	p.Plug()
	for range 2 {
		if _, err := dev.Value(t.Context(), "", "DeviceName"); err != nil {
			t.Errorf("plugged in again: %v", err)
		}
	}
	// A drop in the middle of the session, noticed only by the next request.
	p.Inject(vphone.Fault{On: "lockdownd", AfterBytes: 1, Do: vphone.Drop})
	if _, err := dev.Value(t.Context(), "", "DeviceName"); err != nil {
		t.Errorf("after a drop: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dev.Value(ctx, "", "DeviceName"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := dev.Value(t.Context(), "", "DeviceName"); err != nil {
		t.Errorf("after a cancelled request: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	p := phone(t, "")
	dev := connect(t, p, pair(t, p))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			conn, err := dev.Dial(t.Context(), "com.apple.mobile.notification_proxy", device.ServiceOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.Close()
			if v, err := dev.Value(t.Context(), "", "UniqueDeviceID"); v != p.UDID() || err != nil {
				t.Errorf("got %v, %v", v, err)
			}
		})
	}
	wg.Wait()
}

func TestClose(t *testing.T) {
	p := phone(t, "")
	dev := connect(t, p, pair(t, p))
	p.Unplug()
	for range 2 {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := dev.Value(t.Context(), "", "DeviceName"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed session: %v", err)
	}
}

// dialer is a dialer made of a function.
type dialer func(ctx context.Context, port uint16) (net.Conn, error)

func (d dialer) DialPort(ctx context.Context, port uint16) (net.Conn, error) { return d(ctx, port) }

func TestDialerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dialer(func(ctx context.Context, _ uint16) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		start := time.Now()
		_, err := device.Identify(t.Context(), d, device.Options{})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestMajor(t *testing.T) {
	for version, want := range map[string]int{"17.5.1": 17, "9": 9, "": 0, "beta": 0, strings.Repeat("9", 40): 0} {
		if got := (device.Info{ProductVersion: version}).Major(); got != want {
			t.Errorf("Major of %q is %d", version, got)
		}
	}
}
