package schedule

import (
	"encoding/json"
	"slices"
	"time"
)

// Default is the policy of a device for which nobody chose another.
func Default() Policy {
	return Policy{
		Automatic: true,
		Every:     24 * time.Hour,
		Quiet:     Hours{From: 22 * 60, To: 7 * 60},
		Locked:    true,
		Power:     true,
		Battery:   20,
		Asks:      3,
		Overdue:   7 * 24 * time.Hour,
	}
}

// Settings is what a person chose of a policy. What is nil is inherited from
// the next wider one.
type Settings struct {
	Automatic *bool     `json:"automatic,omitempty"`
	Stores    *[]string `json:"stores,omitempty"`
	Every     *Span     `json:"every,omitempty"`
	Window    *Hours    `json:"window,omitempty"`
	Quiet     *Hours    `json:"quiet,omitempty"`
	Locked    *bool     `json:"locked,omitempty"`
	Power     *bool     `json:"power,omitempty"`
	Battery   *int      `json:"battery,omitempty"`
	Ways      *Ways     `json:"ways,omitempty"`
	Asks      *int      `json:"asks,omitempty"`
	Overdue   *Span     `json:"overdue,omitempty"`
}

// Over gives p with what s chose in its place. A longer rhythm without a word
// about when a backup is overdue makes that later, too.
func (s Settings) Over(p Policy) Policy {
	put(&p.Automatic, s.Automatic)
	put(&p.Window, s.Window)
	put(&p.Quiet, s.Quiet)
	put(&p.Locked, s.Locked)
	put(&p.Power, s.Power)
	put(&p.Battery, s.Battery)
	put(&p.Ways, s.Ways)
	put(&p.Asks, s.Asks)
	if s.Stores != nil {
		p.Stores = slices.Clone(*s.Stores)
	}
	if s.Every != nil {
		p.Every = time.Duration(*s.Every)
		if p.Overdue > 0 {
			p.Overdue = max(p.Overdue, 2*p.Every)
		}
	}
	if s.Overdue != nil {
		p.Overdue = time.Duration(*s.Overdue)
	}
	return p
}

func put[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// IsZero says whether nothing was chosen.
func (s Settings) IsZero() bool { return s == Settings{} }

// MarshalJSON writes the durations as people read them.
func (p Policy) MarshalJSON() ([]byte, error) {
	if p.Stores == nil {
		p.Stores = []string{}
	}
	return json.Marshal(policyJSON{plainPolicy(p), Span(p.Every), Span(p.Overdue)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Policy) UnmarshalJSON(data []byte) error {
	var j policyJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*p = Policy(j.plainPolicy)
	p.Every, p.Overdue = time.Duration(j.Every), time.Duration(j.Overdue)
	return nil
}

type plainPolicy Policy

// policyJSON is a policy whose durations are texts: the outer fields hide the
// inner ones of the same name.
type policyJSON struct {
	plainPolicy
	Every   Span `json:"every"`
	Overdue Span `json:"overdue"`
}

// QuietAt says whether the owner is not to be disturbed at t.
func (p Policy) QuietAt(t time.Time) bool { return !p.Quiet.Any() && p.Quiet.Contains(t) }

// Opens is the first moment from t on at which a run may begin: inside the
// window, and outside the quiet hours if the device asks for its passcode. It
// is the zero time if there is none.
func (p Policy) Opens(t time.Time, asks bool) time.Time {
	end := t.Add(3 * 24 * time.Hour)
	for t.Before(end) {
		t = p.Window.Next(t)
		if !asks || !p.QuietAt(t) {
			return t
		}
		t = p.Quiet.End(t)
	}
	return time.Time{}
}

// NeverAsks says whether a device that asks for its passcode can never be
// backed up by itself, because its window lies within the quiet hours.
func (p Policy) NeverAsks() bool {
	noon := time.Date(2001, 1, 1, 12, 0, 0, 0, time.UTC)
	return p.Opens(noon, true).IsZero()
}
