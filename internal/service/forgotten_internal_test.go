package service

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/schedule"
)

// TestForgottenPhone: of a phone that seems to be on the network and to have
// dropped its pairing, the status and the page say so, and that the cable is
// needed; that it is ours is not claimed, and it was not met.
func TestForgottenPhone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 9, 9, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	h := host.Open(host.Options{Home: home.Place{Dir: dir, Data: dir, Moved: true}, Now: func() time.Time { return now }})
	defer h.Close()
	s := New(Options{Host: h, Now: func() time.Time { return now }, Location: time.UTC})
	d := russet.Device{
		UDID: reasonsUDID, Name: "anna", Connection: "network", Address: "10.0.0.7", Untrusted: true, Battery: -1,
		Problem: `seems to be on the network, and no longer to trust this computer: connect the cable once, unlock it and type "russet pair"`,
	}
	s.stateOf(d).Met = now.Add(-40 * 24 * time.Hour)
	s.devices = sight{at: now, devices: []russet.Device{d}}
	st, err := s.Status(t.Context())
	if err != nil || len(st.Devices) != 1 {
		t.Fatalf("%+v, %v", st, err)
	}
	got := st.Devices[0]
	if m := got.Decision.Missing; len(m) == 0 || m[0].Code != schedule.Unpaired || !strings.Contains(m[0].Text, "seems to be on the network") {
		t.Errorf("missing: %+v", m)
	}
	if !strings.Contains(got.Decision.Text, "connected with the cable once") || !got.Seen.Equal(now.Add(-40*24*time.Hour)) {
		t.Errorf("it says %q, and that it was met at %s", got.Decision.Text, got.Seen)
	}
	st.Devices[0].Decision = schedule.Decision{Text: "backed up an hour ago"} // it is not due
	if v := newPageView(st); v.Headline != "Nothing needs you." || len(v.Devices[0].Missing) != 1 || v.Devices[0].Missing[0].Text != d.Problem {
		t.Errorf("while nothing is due, the page says %+v", v)
	}
	st.Devices[0] = got
	if v := newPageView(st).Devices[0]; v.Where != "on the network, it seems" || !strings.Contains(v.Text, "with the cable") {
		t.Errorf("the page says %+v", v)
	}
	set := func(here float64) setter {
		return func(m *prometheus.Desc, v float64, _ ...string) {
			if m == descHere && v != here {
				t.Errorf("to Prometheus it is here: %v", v)
			}
		}
	}
	deviceMetrics(set(0), got, now)
	got.Connection = "usb"
	deviceMetrics(set(1), got, now)
	if spoken(at(now.Add(-3*24*time.Hour), now)) != "on 2026-03-06 at 09:00" || spoken(at(now, now)) != "today at 09:00" {
		t.Error("a time is not as one says it")
	}
}
