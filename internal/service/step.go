package service

import (
	"cmp"
	"context"
	"slices"
	"time"

	"russet"
)

// How soon Step wants to be called again.
const (
	soonest   = 10 * time.Second
	latest    = time.Hour
	afterFail = time.Minute
	// sure is how old what is known of a store may be when a run is to begin.
	sure = time.Minute
)

// Step looks at everything once and does what is to be done now; what takes
// long goes on in the background. next is when to call it again if nothing
// happens before.
func (s *Service) Step(ctx context.Context) (next time.Time) {
	s.stepping.Lock()
	defer s.stepping.Unlock()
	s.limit()
	views, err := s.look(ctx, true)
	if err == nil && s.doubt(ctx, views) {
		views, err = s.look(ctx, false)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.log.Error("the service cannot look", "error", err)
		}
		return s.now().Add(afterFail)
	}
	s.mu.Lock()
	written := s.rewrite()
	s.alarms(views)
	s.mu.Unlock()
	slices.SortStableFunc(views, func(a, b *view) int { return a.decision.DueSince.Compare(b.decision.DueSince) })
	for _, v := range views {
		if v.decision.Start != "" {
			s.begin(v)
		}
		s.openWiFi(v)
	}
	next = s.tidy(views)
	s.deliver()
	for _, v := range views {
		if again := v.decision.Again; !again.IsZero() && again.Before(next) {
			next = again
		}
	}
	if soon := s.now().Add(afterFail); !written && soon.Before(next) {
		next = soon
	}
	if least := s.now().Add(soonest); next.Before(least) {
		return least
	}
	return next
}

// limit takes over how many devices may be backed up at once, and how fast.
func (s *Service) limit() {
	limits, err := s.host.Limits()
	if err != nil {
		s.log.Warn("the limits cannot be read", "error", err)
		return
	}
	s.host.LimitRate(limits.Rate)
	if s.opts.AtOnce > 0 {
		return
	}
	s.slot.resize(cmp.Or(limits.AtOnce, usualAtOnce))
}

// doubt makes the stores to which runs are about to begin be looked at again,
// unless that was just done: the phone is not to be asked in vain. It also
// makes a first store when there is none and a device needs one.
func (s *Service) doubt(ctx context.Context, views []*view) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	doubts := false
	for _, v := range views {
		for _, sh := range v.stores {
			old := s.now().Sub(sh.at) > sure && sh.asked == nil
			if sh.name == v.decision.Start && old {
				s.forget(sh.name)
				doubts = true
			}
		}
		if v.present && v.device.Paired && v.policy.Automatic && len(v.stores) == 0 && len(v.policy.Stores) == 0 {
			doubts = s.firstStore(ctx) || doubts
		}
	}
	return doubts
}

// firstStore makes the store that is made when a backup is wanted and none was
// chosen.
func (s *Service) firstStore(ctx context.Context) bool {
	st, made, err := s.host.StoreFor(ctx, "")
	if err != nil {
		s.log.Error("a first store cannot be made", "error", err)
		return false
	}
	if made {
		s.log.Info("a first store was made", "store", st.Name, "url", st.URL)
	}
	return made
}

// device finds what is known of a device. Service.mu is held.
func (s *Service) device(udid russet.UDID) russet.Device {
	for _, d := range s.devices.devices {
		if d.UDID == udid {
			return d
		}
	}
	if st := s.states[udid]; st != nil {
		return st.Device
	}
	return russet.Device{UDID: udid, Name: string(udid)}
}
