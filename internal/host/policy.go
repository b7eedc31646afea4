package host

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"russet"
	"russet/internal/reach"
	"russet/internal/retention"
	"russet/internal/schedule"
)

// PolicySettings is what a person chose for a device or a store. Each part
// that is nil is inherited from the next wider one.
type PolicySettings struct {
	Scope
	Keep *retention.Policy `json:"keep,omitempty"`
	// Schedule is of a device or of all; no store has its own.
	Schedule *schedule.Settings `json:"schedule,omitempty"`
}

// Scope says what a policy is for.
type Scope struct {
	Device russet.UDID `json:"device,omitempty"` // "" is every device
	Store  string      `json:"store,omitempty"`  // "" is every store
}

// Policy is what holds for a device in a store, and who said so.
type Policy struct {
	Device russet.UDID      `json:"device"` // "" is every device that has none of its own
	Name   string           `json:"name"`   // of the device
	Store  string           `json:"store"`  // "" is every store
	Keep   retention.Policy `json:"keep"`
	All    bool             `json:"keep_all"`
	From   string           `json:"from"` // who said so, in words

	// Schedule is of the device, the same for all its stores.
	Schedule     schedule.Policy `json:"schedule"`
	ScheduleFrom string          `json:"schedule_from"`
}

// wider lists the scopes whose settings hold in s, the narrowest first.
func (s Scope) wider() []Scope {
	all := []Scope{s, {Device: s.Device}, {Store: s.Store}, {}}
	return slices.Compact(all)
}

func (s Scope) text() string {
	switch {
	case s.Device != "" && s.Store != "":
		return "set for this device in this store"
	case s.Device != "":
		return "set for this device"
	case s.Store != "":
		return "set for this store"
	default:
		return "set for all"
	}
}

// keepIn finds the retention that holds in a scope, and where it was said.
func (s *settings) keepIn(scope Scope) (retention.Policy, string) {
	for _, wide := range scope.wider() {
		if i := s.policyAt(wide); i >= 0 && s.Policies[i].Keep != nil {
			return *s.Policies[i].Keep, wide.text()
		}
	}
	return retention.Default(), "the default"
}

func (s *settings) policyAt(scope Scope) int {
	return slices.IndexFunc(s.Policies, func(p PolicySettings) bool { return p.Scope == scope })
}

// policyFor is what was chosen in a scope, made if nothing was.
func (s *settings) policyFor(scope Scope) *PolicySettings {
	i := s.policyAt(scope)
	if i < 0 {
		s.Policies = append(s.Policies, PolicySettings{Scope: scope})
		i = len(s.Policies) - 1
	}
	return &s.Policies[i]
}

func (s *settings) policyIn(scope Scope, name string) Policy {
	p := Policy{Device: scope.Device, Name: name, Store: scope.Store}
	p.Keep, p.From = s.keepIn(scope)
	p.All = p.Keep.All()
	p.Schedule, p.ScheduleFrom = s.scheduleOf(scope.Device)
	return p
}

// Policies tells what holds for one device, or for all that are known and
// those that are not yet, in one store or each.
func (h *Host) Policies(ctx context.Context, device russet.UDID, store string) ([]Policy, error) {
	s, err := h.readSettings()
	if err != nil {
		return nil, err
	}
	stores, err := h.storesNamed(store)
	if err != nil {
		return nil, err
	}
	if len(stores) == 0 {
		stores = []StoreSettings{{}}
	}
	known, err := h.KnownDevices(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range s.Policies {
		known = append(known, russet.Device{UDID: p.Device})
	}
	devices := append([]russet.Device{{}}, slices.DeleteFunc(reach.Distinct(known), func(d russet.Device) bool { return d.UDID == "" })...)
	policies := []Policy{}
	for _, d := range devices {
		for _, st := range stores {
			if device == "" || d.UDID == device {
				policies = append(policies, s.policyIn(Scope{d.UDID, st.Name}, d.Name))
			}
		}
	}
	return policies, nil
}

// ChangePolicy changes what is kept in a scope. change gets what holds there
// now, and begins from the default when reset is asked for.
func (h *Host) ChangePolicy(ctx context.Context, scope Scope, change func(retention.Policy) (retention.Policy, error)) (Policy, error) {
	var now Policy
	err := h.changeSettings(ctx, func(s *settings) error {
		if scope.Store != "" && s.find(scope.Store) == nil {
			return unknownStore(scope.Store, s.Stores)
		}
		keep, _ := s.keepIn(scope)
		keep, err := change(keep)
		if err != nil {
			return err
		}
		s.policyFor(scope).Keep = &keep
		now = s.policyIn(scope, "")
		return nil
	})
	return now, err
}

// ResetPolicy forgets what was chosen in a scope: what holds more widely
// holds there again.
func (h *Host) ResetPolicy(ctx context.Context, scope Scope) (Policy, error) {
	var now Policy
	err := h.changeSettings(ctx, func(s *settings) error {
		if i := s.policyAt(scope); i >= 0 {
			s.Policies = slices.Delete(s.Policies, i, i+1)
		}
		now = s.policyIn(scope, "")
		return nil
	})
	return now, err
}

// forgetPolicies drops what was chosen for a store that is forgotten: another
// one that gets its name must not lose backups by it, or be sent any.
func (s *settings) forgetPolicies(store string) {
	s.Policies = slices.DeleteFunc(s.Policies, func(p PolicySettings) bool { return p.Store == store })
	s.forgetInSchedules(store)
}

// KeepText says in words what a policy keeps.
func KeepText(p retention.Policy) string {
	if p.All() {
		return "every backup"
	}
	var parts, periods []string
	switch {
	case p.KeepLatest < 0:
		return "every backup"
	case p.KeepLatest == 1:
		parts = append(parts, "the latest")
	case p.KeepLatest > 1:
		parts = append(parts, fmt.Sprintf("the %d latest", p.KeepLatest))
	}
	for _, part := range []struct {
		n    int
		unit string
	}{{p.KeepDaily, "day"}, {p.KeepWeekly, "week"}, {p.KeepMonthly, "month"}, {p.KeepYearly, "year"}} {
		switch {
		case part.n < 0:
			periods = append(periods, "all "+part.unit+"s")
		case part.n > 0:
			periods = append(periods, plural(part.n, part.unit))
		}
	}
	if len(periods) > 0 {
		parts = append(parts, "the last of each of "+strings.Join(periods, ", "))
	}
	return strings.Join(parts, ", and ")
}
