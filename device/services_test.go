package device_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"testing"

	"russet/device"
	"russet/device/afc"
	"russet/device/installationproxy"
	"russet/device/lockdown"
	"russet/device/notificationproxy"
	"russet/device/springboard"
	"russet/device/usbmux"
	"russet/vphone"
	"russet/vphone/disk"
)

func dial(t *testing.T, dev *device.Device, service string) net.Conn {
	t.Helper()
	conn, err := dev.Dial(t.Context(), service, device.ServiceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestFilesOnAPhone(t *testing.T) {
	p := phone(t, "")
	dev, ctx := connect(t, p, pair(t, p)), t.Context()
	c := afc.NewClient(dial(t, dev, afc.Service))
	content := bytes.Repeat([]byte("russet "), 100_000)
	err := errors.Join(
		c.MakeDir(ctx, "/Books/deep"),
		c.WriteFile(ctx, "/Books/deep/ü.plist", content),
		c.Rename(ctx, "/Books/deep/ü.plist", "/Books/b.plist"),
	)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.ReadFile(ctx, "/Books/b.plist", 1<<20); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if _, err := c.ReadFile(ctx, "/Books/b.plist", 1000); err == nil {
		t.Error("read more than was allowed")
	}
	info, err := c.Info(ctx, "/Books/b.plist")
	if err != nil || info.Size != int64(len(content)) || !info.Mode.IsRegular() || info.ModTime.IsZero() {
		t.Errorf("info %+v, %v", info, err)
	}
	if names, err := c.ReadDir(ctx, "/Books"); err != nil || !slices.Contains(names, "b.plist") || slices.Contains(names, "..") {
		t.Errorf("names %q, %v", names, err)
	}
	if err := c.Remove(ctx, "/Books"); !errors.Is(err, afc.NotEmpty) {
		t.Errorf("removing a full folder: %v", err)
	}
	if err := c.RemoveAll(ctx, "/Books"); err != nil {
		t.Error(err)
	}
	if _, err := c.Info(ctx, "/Books/b.plist"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed file: %v", err)
	}
	if v, err := c.Volume(ctx); err != nil || v.Total <= 0 || v.Free > v.Total {
		t.Errorf("volume %+v, %v", v, err)
	}
}

func TestSyncLockOnAPhone(t *testing.T) {
	p := phone(t, "")
	dev, ctx := connect(t, p, pair(t, p)), t.Context()
	c := afc.NewClient(dial(t, dev, afc.Service))
	lock, err := c.LockSync(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	other := afc.NewClient(dial(t, dev, afc.Service))
	f, err := other.Open(ctx, "/com.apple.itunes.lock_sync", afc.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Lock(ctx); !errors.Is(err, afc.WouldBlock) {
		t.Errorf("a second lock: %v", err)
	}
	if err := errors.Join(lock.Release(ctx), f.Lock(ctx)); err != nil {
		t.Errorf("after the release: %v", err)
	}
}

func TestNotificationsOfAPhone(t *testing.T) {
	p := phone(t, "1234")
	p.Unlock()
	dev, ctx := connect(t, p, pair(t, p)), t.Context()
	c := notificationproxy.NewClient(dial(t, dev, notificationproxy.Service))
	if err := c.Observe(ctx, notificationproxy.LockStateChanged, "com.example.posted"); err != nil {
		t.Fatal(err)
	}
	// What this connection posts comes after what it observes.
	if err := c.Post(ctx, "com.example.posted"); err != nil {
		t.Fatal(err)
	}
	if name, err := c.Next(ctx); name != "com.example.posted" || err != nil {
		t.Errorf("got %q, %v", name, err)
	}
	p.Lock()
	if name, err := c.Next(ctx); name != notificationproxy.LockStateChanged || err != nil {
		t.Errorf("got %q, %v", name, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestApplicationsOfAPhone(t *testing.T) {
	p := phone(t, "")
	for i := range 50 { // more than one batch
		root := &disk.Entry{Domain: fmt.Sprintf("AppDomain-com.example.app%02d", i), Kind: disk.Dir, Mode: 0o40755}
		if err := p.Disk().Put(root, nil); err != nil {
			t.Fatal(err)
		}
	}
	dev, ctx := connect(t, p, pair(t, p)), t.Context()
	apps := installationproxy.NewClient(dial(t, dev, installationproxy.Service))
	icons := springboard.NewClient(dial(t, dev, springboard.Service))
	found := 0
	query := installationproxy.Query{Type: installationproxy.Any, Attributes: []string{installationproxy.BundleIdentifier}}
	for app, err := range apps.Browse(ctx, query) {
		if err != nil {
			t.Fatal(err)
		}
		found++
		id := app.String(installationproxy.BundleIdentifier)
		png, err := icons.Icon(ctx, id)
		if err != nil || !bytes.HasPrefix(png, []byte("\x89PNG")) {
			t.Errorf("icon of %q: %d bytes, %v", id, len(png), err)
		}
	}
	if found != 50 {
		t.Errorf("found %d applications", found)
	}
	if got, err := apps.Lookup(ctx, []string{"com.example.none"}, nil); err != nil || len(got) != 0 {
		t.Errorf("an application that is not there: %v, %v", got, err)
	}
}

// TestThroughUsbmuxd does what a program does on a computer with a phone on its
// cable: find it, pair, keep the record, connect, see it go.
func TestThroughUsbmuxd(t *testing.T) {
	p := phone(t, "")
	client := muxWith(t, p, "unix", filepath.Join(t.TempDir(), "mux"))
	ctx := t.Context()
	events, stop := listen(t, client)
	defer stop()
	d := (<-events).Device
	if d.UDID != p.UDID() || d.Connection != usbmux.USB {
		t.Fatalf("attached: %+v", d)
	}
	if _, err := d.PairRecord(ctx); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before pairing: %v", err)
	}
	buid, err := client.ReadBUID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := device.Pair(ctx, d, lockdown.PairOptions{SystemBUID: buid}, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := rec.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SavePairRecord(ctx, d, data); err != nil {
		t.Fatal(err)
	}
	if e := <-events; e.Kind != usbmux.Paired || e.Device.ID != d.ID {
		t.Errorf("after saving: %+v", e)
	}
	kept, err := d.PairRecord(ctx)
	if err != nil {
		t.Fatal(err)
	}
	again, err := lockdown.ParsePairRecord(kept)
	if err != nil || again.SystemBUID != buid {
		t.Fatalf("record read back: %v", err)
	}
	dev, err := device.Connect(ctx, d, again, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dev.Value(ctx, "", "DeviceName"); err != nil {
		t.Error(err)
	}
	if _, err := d.DialPort(ctx, 1); !errors.Is(err, usbmux.ErrRefused) {
		t.Errorf("a closed port: %v", err)
	}
	p.Unplug()
	if e := <-events; e.Kind != usbmux.Detached || e.Device.UDID != p.UDID() {
		t.Errorf("after unplugging: %+v", e)
	}
	if _, err := dev.Value(ctx, "", "DeviceName"); !errors.Is(err, usbmux.ErrBadDevice) {
		t.Errorf("a session with a phone that has gone: %v", err)
	}
	_ = dev.Close()
}

// muxWith is a client of a usbmuxd with this phone on it, which listens there.
func muxWith(t *testing.T, p *vphone.Phone, network, address string) *usbmux.Client {
	t.Helper()
	mux, err := vphone.NewMux("", nil)
	if err != nil {
		t.Fatal(err)
	}
	mux.Add(p)
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = mux.Serve(ctx, l)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return &usbmux.Client{Addr: l.Addr().String()}
}

// listen delivers events until stop.
func listen(t *testing.T, client *usbmux.Client) (<-chan usbmux.Event, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	events, done := make(chan usbmux.Event, 16), make(chan struct{})
	go func() {
		defer close(done)
		defer close(events)
		for e, err := range client.Listen(ctx) {
			if err != nil {
				t.Error(err)
				return
			}
			events <- e
		}
	}()
	return events, func() {
		cancel()
		<-done
	}
}
