package service

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/reach"
	"russet/internal/schedule"
)

// view is a device at one look, with what was decided.
type view struct {
	device   russet.Device
	present  bool
	state    *state // nil for a device that never trusted this computer
	policy   schedule.Policy
	stores   []*shelf // those of the policy
	facts    schedule.Facts
	decision schedule.Decision
}

// sight is what the last look for devices saw.
type sight struct {
	at      time.Time
	devices []russet.Device
	problem error
}

// look looks at everything and decides about each device. fresh asks the
// devices and the stores anew; else what was seen lately will do.
func (s *Service) look(ctx context.Context, fresh bool) ([]*view, error) {
	s.mu.Lock()
	err := s.load(false)
	seen := s.devices
	// Whoever only asks a service must not keep the phones awake.
	knows := s.base != nil && !seen.at.IsZero()
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	age := s.now().Sub(seen.at)
	looks := fresh || !knows && (age < 0 || age > tick)
	if looks {
		seen = s.see(ctx)
	}
	settings, err := s.host.Stores()
	if err != nil {
		return nil, err
	}
	s.refresh(ctx, settings)
	s.mu.Lock()
	defer s.mu.Unlock()
	if looks {
		s.remember(seen)
		s.unlearn(seen)
	}
	views := s.views(s.devices)
	for _, v := range views {
		if err := s.fill(v, settings); err != nil {
			return nil, err
		}
		v.decision = schedule.Decide(v.policy, v.facts)
	}
	return views, nil
}

// see looks for devices.
func (s *Service) see(ctx context.Context) sight {
	devices, err := s.host.Devices(ctx)
	if err != nil && ctx.Err() == nil {
		s.log.Debug("look for devices", "error", err)
	}
	return sight{at: s.now(), devices: devices, problem: err}
}

// views are all devices that are here, and those that are remembered. Service.mu
// is held.
func (s *Service) views(seen sight) []*view {
	var views []*view
	here := map[russet.UDID]bool{}
	for _, d := range seen.devices {
		here[d.UDID] = true
		views = append(views, &view{device: d, present: true, state: s.states[d.UDID]})
	}
	for _, udid := range slices.Sorted(maps.Keys(s.states)) {
		if st := s.states[udid]; !here[udid] {
			views = append(views, &view{device: st.Device, state: st})
		}
	}
	for _, f := range s.folks { // whose pairing was imported, or whom only commands met
		if udid := f.Device.UDID; !here[udid] && s.states[udid] == nil {
			views = append(views, &view{device: f.Device})
		}
	}
	slices.SortStableFunc(views, func(a, b *view) int {
		return cmp.Or(strings.Compare(a.device.Name, b.device.Name), strings.Compare(string(a.device.UDID), string(b.device.UDID)))
	})
	return views
}

// remember notes what changed since the last look. Without a service only
// memory changes. Service.mu is held.
func (s *Service) remember(seen sight) {
	now := s.now()
	here := map[russet.UDID]bool{}
	for _, d := range seen.devices {
		here[d.UDID] = true
		if !d.Paired {
			continue
		}
		known := s.states[d.UDID] != nil
		st := s.stateOf(d)
		if d.Problem != "" { // what it does not tell now has not changed
			d.Encrypted, d.WiFi = st.Device.Encrypted, st.Device.WiFi
		}
		if d.EncryptedUnknown {
			d.Encrypted, d.EncryptedUnknown = st.Device.Encrypted, !known || st.Device.EncryptedUnknown
		}
		changed := st.edges(d, now) || !known || st.Device != d || now.Sub(st.Met).Abs() >= time.Hour
		if known {
			s.compare(st, d)
		}
		st.Device, st.Present = d, true
		if changed {
			st.Met = now
			s.save(st) //nolint:errcheck // it is said
		}
	}
	if seen.problem != nil && len(seen.devices) == 0 {
		s.devices.at, s.devices.problem = seen.at, seen.problem // nobody knows who is here
		return
	}
	for udid, st := range s.states {
		if st.Present && !here[udid] {
			st.Present, st.Open = false, time.Time{}
			s.save(st) //nolint:errcheck // it is said
		}
	}
	s.devices = seen
}

// unlearn forgets devices that russet was told to forget. Service.mu is held.
func (s *Service) unlearn(seen sight) {
	folks, err := s.host.Remembered()
	if err != nil {
		s.log.Warn("nobody knows which devices are known", "error", err)
		return
	}
	s.folks = folks
	for udid := range s.states {
		known := slices.ContainsFunc(folks, func(f reach.Seen) bool { return f.Device.UDID == udid })
		here := slices.ContainsFunc(seen.devices, func(d russet.Device) bool { return d.UDID == udid && d.Paired })
		if known || here || s.jobs[udid] != nil {
			continue
		}
		delete(s.states, udid)
		if s.base == nil {
			continue
		}
		if err := s.dir.Remove(string(udid) + ".json"); err != nil {
			s.log.Warn("a device could not be forgotten", "device", udid, "error", err)
		}
	}
}

// edges notes what became of a device since the last look: plugged in, locked,
// unlocked.
func (st *state) edges(d russet.Device, now time.Time) (changed bool) {
	switch {
	case d.Locked && (st.Locked.IsZero() || !st.Open.IsZero() || now.Sub(st.Locked).Abs() >= time.Hour):
		st.Locked, st.Open, changed = now, time.Time{}, true
	case !d.Locked && st.Open.IsZero():
		st.Open, changed = now, true
	}
	if d.Power && (!st.Device.Power || !st.Present && d.Connection == "usb") {
		st.Plugged, changed = now, true
	}
	if !d.Locked && st.Device.Locked {
		st.Unlocked, changed = now, true
	}
	return changed
}

// fill finds out what decides about a device. Service.mu is held.
func (s *Service) fill(v *view, settings []host.StoreSettings) error {
	var err error
	if v.policy, err = s.host.Schedule(v.device.UDID); err != nil {
		return err
	}
	for _, name := range storesOf(v.policy, settings) {
		v.stores = append(v.stores, s.shelfOf(name))
	}
	if v.state != nil && v.state.keeps(v.stores, s.now()) {
		s.save(v.state) //nolint:errcheck // it is said
	}
	v.facts = s.factsOf(v)
	return nil
}

// storesOf names the stores of a policy; without any it is the first one there
// is.
func storesOf(p schedule.Policy, settings []host.StoreSettings) []string {
	if len(p.Stores) == 0 && len(settings) > 0 {
		return []string{settings[0].Name}
	}
	return p.Stores
}

// factsOf gathers what is known of a device. Service.mu is held.
func (s *Service) factsOf(v *view) schedule.Facts {
	d := v.device
	f := schedule.Facts{
		Now: s.now(), Since: s.now(), Name: d.Name, Present: v.present, Way: schedule.Ways(d.Connection),
		Paired: d.Paired || d.Problem != "" && !d.Untrusted, Problem: d.Problem, Locked: d.Locked, Power: d.Power, Battery: d.Battery,
		Idle: s.base == nil,
	}
	if !v.present {
		f.Paired, f.Problem, f.Battery = true, "", -1
	}
	for _, sh := range v.stores {
		f.Stores = append(f.Stores, sh.facts(v, f.Now))
	}
	if j := s.jobs[d.UDID]; j != nil {
		f.Running = j.now.Store
	}
	if st := v.state; st != nil {
		f.Since, f.Plugged, f.Unlocked, f.Nudged, f.Requested = st.Since, st.Plugged, st.Unlocked, st.Nudged, st.Requested
		f.Attempts, f.Asking = slices.Clone(st.Attempts), st.asking(f.Now)
	}
	return f
}

// How long a device must be known, and how long here and not locked, to be taken
// for one without a passcode: those that have one lock themselves.
const (
	knownFor = 12 * time.Hour
	openFor  = time.Hour
)

// asking says whether a device wants its passcode at every backup: as in the
// last attempt that told. Of one that nobody lived to note nothing is known. A
// device that never told, and never locks, has no passcode to ask for.
func (st *state) asking(now time.Time) schedule.Asking {
	for _, a := range slices.Backward(st.Attempts) {
		switch {
		case a.Asked, a.Outcome == schedule.NotNow:
			return schedule.Usually
		case a.Outcome == schedule.Done:
			return schedule.Never
		}
	}
	if st.Locked.IsZero() && !st.Open.IsZero() && now.Sub(st.Since) >= knownFor && now.Sub(st.Open) >= openFor {
		return schedule.Never
	}
	return schedule.Unknown
}
