package service

import (
	"cmp"
	"strings"

	"russet"
)

// called is what people are told it is.
func (d DeviceStatus) called() string { return cmp.Or(d.Called, d.Name, string(d.UDID)) }

// called is what people are told a device is: its name and, where another one
// has the same, its model or, of the same model, the end of its UDID. Service.mu
// is held.
func (s *Service) called(d russet.Device) string {
	same, alike := false, d.Product == ""
	see := func(o russet.Device) {
		if o.UDID != d.UDID && strings.EqualFold(o.Name, d.Name) {
			same, alike = true, alike || o.Product == d.Product
		}
	}
	for _, st := range s.states {
		see(st.Device)
	}
	for _, o := range s.devices.devices {
		see(o)
	}
	switch {
	case !same:
		return d.Name
	case alike:
		return d.Name + " (…" + string(d.UDID[max(0, len(d.UDID)-4):]) + ")"
	default:
		return d.Name + " (" + d.Product + ")"
	}
}
