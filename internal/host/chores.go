package host

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"russet"
)

const (
	shortestChore = time.Hour
	longestChore  = 10 * 365 * 24 * time.Hour
	day           = 24 * time.Hour
)

// Chores is the work on stores that the service does by itself: what a person
// set and, where nobody set anything, the usual.
func (h *Host) Chores() ([]Chore, error) {
	s, err := h.readSettings()
	if err != nil {
		return nil, err
	}
	return s.chores(), nil
}

func (s *settings) chores() []Chore {
	chores := []Chore{}
	for _, c := range s.Chores {
		if s.find(c.Store) != nil && (c.To == "" || s.find(c.To) != nil) {
			chores = append(chores, c)
		}
	}
	for _, st := range s.Stores {
		for _, c := range usualChores(st) {
			if !slices.ContainsFunc(chores, c.same) {
				chores = append(chores, c)
			}
		}
	}
	return chores
}

// usualChores are those of a store for which nobody set any.
func usualChores(st StoreSettings) []Chore {
	chores := []Chore{{Kind: DrillChore, Store: st.Name, Every: 30 * day, Usual: true}}
	if IsVault(st.URL) {
		chores = append(chores,
			Chore{Kind: VerifyChore, Store: st.Name, Every: 30 * day, Usual: true},
			Chore{Kind: MaintainChore, Store: st.Name, Every: day, Usual: true})
	}
	return chores
}

// same reports whether two chores are the same work, whenever it is done.
func (c Chore) same(o Chore) bool { return c.Kind == o.Kind && c.Store == o.Store && c.To == o.To }

// Text says what the chore does.
func (c Chore) Text() string {
	switch c.Kind {
	case VerifyChore:
		return fmt.Sprintf("verify the backups in %q", c.Store)
	case DrillChore:
		return fmt.Sprintf("try a restore from %q", c.Store)
	case MaintainChore:
		return fmt.Sprintf("tidy up the vault %q", c.Store)
	case CopyChore:
		return fmt.Sprintf("copy what is new in %q to %q", c.Store, c.To)
	default:
		return string(c.Kind)
	}
}

// SetChore sets how often work is done by itself, and when.
func (h *Host) SetChore(ctx context.Context, c Chore) (Chore, error) {
	c.Usual = false
	err := h.changeSettings(ctx, func(s *settings) error {
		if err := s.checkChore(c); err != nil {
			return err
		}
		i := slices.IndexFunc(s.Chores, c.same)
		if i < 0 {
			s.Chores = append(s.Chores, c)
			return nil
		}
		s.Chores[i] = c
		return nil
	})
	return c, err
}

// ResetChore forgets what was set for a piece of work: the usual holds again.
// What holds then comes back; its kind is "" if nothing does.
func (h *Host) ResetChore(ctx context.Context, c Chore) (Chore, error) {
	var now Chore
	err := h.changeSettings(ctx, func(s *settings) error {
		if err := s.checkChore(c); err != nil {
			return err
		}
		s.Chores = slices.DeleteFunc(s.Chores, c.same)
		all := s.chores()
		if i := slices.IndexFunc(all, c.same); i >= 0 {
			now = all[i]
		}
		return nil
	})
	return now, err
}

// checkChore refuses work that cannot be done.
func (s *settings) checkChore(c Chore) error {
	st := s.find(c.Store)
	if st == nil {
		return unknownStore(c.Store, s.Stores)
	}
	if c.To != "" && s.find(c.To) == nil {
		return unknownStore(c.To, s.Stores)
	}
	wrong := func(hint, format string, args ...any) error {
		return &russet.Error{Kind: russet.Usage, Doing: "set a chore", What: fmt.Sprintf(format, args...), Hint: hint}
	}
	switch {
	case !slices.Contains([]ChoreKind{VerifyChore, DrillChore, MaintainChore, CopyChore}, c.Kind):
		return wrong("there are verify, drill, maintain and copy", "%q is no chore", c.Kind)
	case c.Kind == CopyChore && c.To == "":
		return wrong("name the store with --to", "a copy needs a store to go to")
	case c.Kind != CopyChore && c.To != "":
		return wrong("only a copy does", "a %s goes nowhere", c.Kind)
	case c.To == c.Store:
		return wrong("name two stores", "%q cannot be copied to itself", c.Store)
	case c.Kind == MaintainChore && !IsVault(st.URL):
		return wrong("only vaults do", "%q is a folder, which needs no maintenance", c.Store)
	case c.Every != 0 && (c.Every < shortestChore || c.Every > longestChore):
		return wrong("between an hour and ten years, or never", "every %s is not often enough or too often", c.Every)
	}
	return nil
}

// forgetChores drops what was set for a store that is forgotten.
func (s *settings) forgetChores(store string) {
	s.Chores = slices.DeleteFunc(s.Chores, func(c Chore) bool { return c.Store == store || c.To == store })
}

// Limits is what the service may take.
func (h *Host) Limits() (Limits, error) {
	s, err := h.readSettings()
	if err != nil {
		return Limits{}, err
	}
	return s.Limits, nil
}

// MostAtOnce is how many devices can be backed up side by side at most.
const MostAtOnce = 1000

// ChangeLimits changes what the service may take, and returns what holds then.
func (h *Host) ChangeLimits(ctx context.Context, change func(*Limits)) (Limits, error) {
	var now Limits
	err := h.changeSettings(ctx, func(s *settings) error {
		now = s.Limits
		change(&now)
		if now.AtOnce < 0 || now.AtOnce > MostAtOnce || now.Rate < 0 {
			return &russet.Error{
				Kind: russet.Usage, Doing: "limit the service", What: fmt.Sprintf("%d devices at once, %d bytes per second", now.AtOnce, now.Rate),
				Hint: fmt.Sprintf("at most %d devices; neither is negative", MostAtOnce),
			}
		}
		s.Limits = now
		return nil
	})
	return now, err
}

// burst is the most that crosses at once: one read of a link.
const burst = 256 << 10

// LimitRate holds all devices together to so many bytes per second from now on,
// runs that are under way too; 0 is no limit.
func (h *Host) LimitRate(bytes int64) {
	limit := rate.Inf
	if bytes > 0 {
		limit = rate.Limit(bytes)
	}
	h.rate.SetLimit(limit)
}
