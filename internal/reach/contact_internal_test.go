package reach

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/internal/engine"
	"russet/internal/folder"
	"russet/internal/link"
	"russet/vphone"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// radio is the way to a phone over its network, within this process.
type radio struct{ *vphone.Phone }

func (r radio) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	return r.DialNetwork(ctx, port)
}

// TestAsleepDuringARun: a phone that falls asleep in mid-transfer gives no error
// ever. Whether it said so or not, the run ends as interrupted after a while; one
// that only paused does not.
func TestAsleepDuringARun(t *testing.T) {
	key, err := vphone.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		happens func(*vphone.Phone)
		lost    string
	}{
		"told":  {func(p *vphone.Phone) { p.Doze(true) }, "it went to sleep"},
		"mute":  {func(p *vphone.Phone) { p.Doze(false) }, "no sign of life"},
		"pause": {func(p *vphone.Phone) { p.RadioHole(10 * time.Second) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := disk.NewMemory()
				if err := content.MakeOn(t.Context(), d, content.Options{Profile: "small-files", Files: 30, Size: 300_000}); err != nil {
					t.Fatal(err)
				}
				p, err := vphone.New(vphone.Options{Key: key, Disk: d})
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				asleep(t, p, c.happens, c.lost)
			})
		})
	}
}

func asleep(t *testing.T, p *vphone.Phone, happens func(*vphone.Phone), lost string) {
	record, err := device.Pair(t.Context(), p, lockdown.PairOptions{}, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.SetWifi(true), p.JoinNetwork()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ds := devicesIn(t, dir)
	s := Sighting{way: radio{p}, record: record, Device: russet.Device{
		UDID: russet.UDID(p.UDID()), Name: "Anna", Connection: overNetwork, Paired: true,
	}}
	guarded, dev, end, err := ds.Contact(t.Context(), s, "back up", PlugIn)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	st, err := folder.Open(t.Context(), dir+"/backups", folder.Options{Name: "main", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	draft, err := st.Begin(t.Context(), russet.BeginOptions{Device: s.UDID, Allow: -1})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	happened := false
	_, err = engine.Backup(guarded, dev, draft, engine.BackupOptions{UDID: s.UDID, Events: func(e russet.Event) {
		if e.Stage == russet.Receiving && !happened {
			happened = true
			happens(p)
		}
	}})
	took := time.Since(began)
	_ = draft.Suspend(context.WithoutCancel(t.Context()))
	e, _ := errors.AsType[*russet.Error](err)
	switch {
	case !happened:
		t.Fatalf("it was over before anything could happen: %v", err)
	case lost == "" && err != nil:
		t.Errorf("a pause ended it after %v: %v", took, err)
	case lost == "":
	case e == nil || e.Kind != russet.Interrupted || !errors.Is(err, link.ErrLost) ||
		!strings.Contains(e.What, `the connection to "Anna" was lost`) || e.Hint != PlugIn:
		t.Errorf("%v", err)
	case took > 2*time.Minute:
		t.Errorf("after %v", took)
	default:
		t.Logf("%v after %v", e, took)
	}
}
