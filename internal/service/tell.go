package service

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"russet"
	"russet/internal/notify"
)

const (
	// tellLimit bounds one delivery.
	tellLimit = 2 * time.Minute
	// A message that reached nobody is sent again after firstTell, then after
	// twice that and so on up to longestTell, until it is older than oldNews.
	firstTell, longestTell = time.Minute, 2 * time.Hour
	oldNews                = 3 * 24 * time.Hour
	// oldNudge is when it is no news any more that a phone is ready.
	oldNudge = time.Hour
)

// deliver delivers in the background what is to be told. A message stays
// written down until it is delivered: one that was sent when this process died
// is sent twice rather than never.
func (s *Service) deliver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.base == nil || s.telling || len(s.letters()) == 0 {
		return
	}
	s.telling = true
	s.work.Go(func() {
		for {
			s.mu.Lock()
			letters := s.letters()
			if len(letters) == 0 || s.base.Err() != nil {
				s.telling = false
				s.mu.Unlock()
				return
			}
			s.mu.Unlock()
			s.send(letters[0])
		}
	})
}

// addressed is a letter with the board it hangs on.
type addressed struct {
	letter
	device russet.UDID // "" is the house
}

// stale says that nobody needs to hear of it any more.
func (l *letter) stale(now time.Time) bool {
	return l.Message.Kind == notify.Passcode && now.Sub(l.Message.Time) > oldNudge
}

// letters are those that can be sent now. Service.mu is held.
func (s *Service) letters() []addressed {
	now := s.now()
	var all []addressed
	add := func(device russet.UDID, b *board) {
		b.Outbox = slices.DeleteFunc(b.Outbox, func(l letter) bool { return l.stale(now) })
		for _, l := range b.Outbox {
			wait := l.After.Sub(now)
			if (wait <= 0 || wait > longestTell) && !s.hush(device, l, now) {
				all = append(all, addressed{l, device})
			}
		}
	}
	for udid, st := range s.states {
		add(udid, &st.board)
	}
	add("", &s.house.board)
	slices.SortStableFunc(all, func(a, b addressed) int { return a.Message.Time.Compare(b.Message.Time) })
	return all
}

// hush says whether a message waits until the quiet hours are over: nobody can
// do much about a full disk at night. The schedule has its own rules for what
// it asks owners for; what it began late in the evening is not told again in
// the night. Service.mu is held.
func (s *Service) hush(device russet.UDID, l letter, now time.Time) bool {
	if kind := l.Message.Kind; kind == notify.Done || kind == notify.Passcode && l.Tries == 0 {
		return false
	}
	policy, err := s.host.Schedule(device)
	return err == nil && policy.QuietAt(now)
}

// send sends one letter and takes it off the board, or notes when to try again.
func (s *Service) send(a addressed) {
	ctx, cancel := context.WithTimeout(s.base, tellLimit)
	defer cancel()
	m := a.Message
	m.Channels = a.Channels
	err := s.opts.Notify(ctx, m)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.house.board
	st := s.states[a.device]
	if st != nil {
		b = &st.board
	}
	i := slices.IndexFunc(b.Outbox, func(l letter) bool { return l.ID == a.ID })
	if i < 0 {
		return
	}
	if !b.Outbox[i].failed(s.now(), err) {
		b.Outbox = slices.Delete(b.Outbox, i, i+1)
		switch {
		case err != nil:
			s.log.Error("a message could not be delivered, and is given up", "kind", m.Kind, "title", m.Title, "error", err)
		case m.Kind != notify.Done: // which the log has already
			s.log.Info(m.Title, "kind", m.Kind, "next", m.Next)
		}
	}
	if st != nil {
		s.save(st) //nolint:errcheck // it is said
	} else {
		s.saveHouse() //nolint:errcheck // it is said
	}
}

// failed notes what became of a delivery, and reports whether it is worth
// another try.
func (l *letter) failed(now time.Time, err error) bool {
	if err == nil {
		return false
	}
	if u, ok := errors.AsType[*notify.Undelivered](err); ok {
		if len(u.Again) == 0 {
			return false
		}
		l.Channels = u.Again
	}
	l.After = now.Add(min(firstTell<<min(l.Tries, 10), longestTell))
	l.Tries++
	return now.Sub(l.Message.Time) < oldNews
}

// overtaken takes back what a finished run of a device to a store made untrue
// before anybody heard of it: that it failed there or is overdue, and a second
// try to ask its owner. A health check would else be told after the success.
// What nobody heard is news when it happens again.
func (b *board) overtaken(store string) {
	b.Outbox = slices.DeleteFunc(b.Outbox, func(l letter) bool {
		m := l.Message
		switch {
		case (m.Kind == notify.Failed || m.Kind == notify.Space) && m.Store == store, m.Kind == notify.Overdue && (m.Store == "" || m.Store == store):
		case m.Kind == notify.Passcode && l.Tries > 0:
		default:
			return false
		}
		if len(l.Channels) == 0 {
			maps.DeleteFunc(b.Alarms, func(_ string, a raised) bool { return a.Letter == l.ID })
		}
		return true
	})
}

// nextLetter is when a message is tried again; zero if none waits. Service.mu
// is held.
func (s *Service) nextLetter() time.Time {
	var next time.Time
	soonest := func(b *board) {
		for _, l := range b.Outbox {
			if next.IsZero() || l.After.Before(next) {
				next = l.After
			}
		}
	}
	for _, st := range s.states {
		soonest(&st.board)
	}
	soonest(&s.house.board)
	return next
}
