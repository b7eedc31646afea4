package service

import (
	"context"
	"time"

	"russet/internal/schedule"
)

const (
	// wifiAgain is when switching Wi-Fi access on is tried again, and wifiSoon when
	// that failed.
	wifiAgain = 24 * time.Hour
	wifiSoon  = 15 * time.Minute
	wifiLimit = time.Minute
)

// openWiFi switches the Wi-Fi access of a device on that is on the cable, so
// that it needs none from now on; unless a person wants it off, or wants
// nothing done by itself.
func (s *Service) openWiFi(v *view) {
	d, st := v.device, v.state
	if !v.present || !d.Paired || d.Problem != "" || d.WiFi || d.Connection != "usb" || !v.policy.Automatic || v.policy.Ways == schedule.Cable {
		return
	}
	settings, err := s.host.DeviceSettings(d.UDID)
	if err != nil || settings.WiFi != nil && !*settings.WiFi {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	age := s.now().Sub(st.WiFi)
	if s.base == nil || s.jobs[d.UDID] != nil || age >= 0 && age < wifiAgain {
		return
	}
	st.WiFi = s.now()
	if s.save(st) != nil {
		return
	}
	s.work.Go(func() {
		ctx, cancel := context.WithTimeout(s.base, wifiLimit)
		defer cancel()
		_, verified, err := s.host.SetWiFi(ctx, string(d.UDID), true)
		if err == nil {
			s.log.Info("Wi-Fi access was switched on", "device", d.UDID, "name", d.Name, "verified", verified)
			return
		}
		s.log.Warn("Wi-Fi access could not be switched on", "device", d.UDID, "name", d.Name, "error", err)
		s.mu.Lock()
		defer s.mu.Unlock()
		st.WiFi = s.now().Add(wifiSoon - wifiAgain) // the phone may be on its cable for an hour a day
		s.save(st)                                  //nolint:errcheck // it is said
	})
}
