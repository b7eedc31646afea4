package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/retention"
)

// Failed chores are tried again after an hour, then after twice that and so on
// up to a day.
const firstAgain, longestAgain = time.Hour, 24 * time.Hour

// task is a piece of work on a store: a chore, or a copy that the schedule
// wants for one device.
type task struct {
	host.Chore
	device russet.UDID
	key    string
	due    time.Time
	wait   string // what it waits for although it is due
	since  time.Time
}

func choreKey(c host.Chore, device russet.UDID) string {
	return fmt.Sprintf("%s/%s/%s/%s", c.Kind, c.Store, c.To, device)
}

// tidy begins the chore whose turn it is, if none is under way, and says when to
// look again.
func (s *Service) tidy(views []*view) (next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	next = now.Add(latest)
	if at := s.nextLetter(); at.After(now) && at.Before(next) {
		next = at
	}
	if s.base == nil || s.base.Err() != nil || s.chore != nil {
		return next
	}
	tasks, err := s.tasks(views, now)
	if err != nil {
		s.log.Error("the chores cannot be read", "error", err)
		return next
	}
	s.choresLeft(now, tasks)
	for _, t := range tasks {
		switch {
		case t.due.After(now):
			if t.due.Before(next) {
				next = t.due
			}
		case t.wait == "":
			s.take(t)
			return next
		}
	}
	return next
}

// tasks lists what there is to do at a moment, in the order in which it is due.
// That moment is read once: what is due now is due at it, and not after it.
// Service.mu is held.
func (s *Service) tasks(views []*view, now time.Time) ([]*task, error) {
	chores, err := s.host.Chores()
	if err != nil {
		return nil, err
	}
	var tasks []*task
	for _, v := range views {
		for _, c := range v.decision.Copies {
			t := &task{Chore: host.Chore{Kind: host.CopyChore, Store: c.From, To: c.To}, device: v.device.UDID}
			tasks = append(tasks, s.plan(t, now))
		}
	}
	for _, c := range chores {
		if c.Every > 0 && (c.Kind != host.DrillChore || s.opts.Drill != nil) {
			tasks = append(tasks, s.plan(&task{Chore: c}, now))
		}
	}
	slices.SortStableFunc(tasks, func(a, b *task) int { return a.due.Compare(b.due) })
	return tasks, nil
}

// plan finds out when a task is due and what it waits for. Service.mu is held.
func (s *Service) plan(t *task, now time.Time) *task {
	t.key = choreKey(t.Chore, t.device)
	known, ok := s.house.Chores[t.key]
	if !ok || known.Since.After(now) || known.Done.After(now) || known.Tried.After(now) {
		known = choreState{Since: now, Done: past(known.Done, now), Tried: past(known.Tried, now), Failures: known.Failures}
		if s.house.Chores == nil {
			s.house.Chores = map[string]choreState{}
		}
		s.house.Chores[t.key] = known
		s.saveHouse() //nolint:errcheck // it is said
	}
	t.due = cmp.Or(known.Done, known.Since).Add(t.Every)
	if known.Done.IsZero() && !t.Usual {
		t.due = known.Since // somebody wants it
	}
	if known.Failures > 0 {
		again := known.Tried.Add(min(firstAgain<<min(known.Failures-1, 10), longestAgain))
		if again.After(t.due) {
			t.due = again
		}
	}
	if t.due.Before(now) {
		t.due = now
	}
	t.due = t.Window.Next(t.due)
	t.wait = s.obstacle(t)
	return t
}

// past is t unless that is in the future: the clock was wrong.
func past(t, now time.Time) time.Time {
	if t.After(now) {
		return now
	}
	return t
}

// obstacle says why a task cannot be done now, in words; "" if it can. Service.mu
// is held.
func (s *Service) obstacle(t *task) string {
	for _, name := range []string{t.Store, t.To} {
		if name == "" {
			continue
		}
		if sh := s.shelfOf(name); sh.problem != "" {
			return fmt.Sprintf("the store %q takes part in nothing now: %s", name, sh.problem)
		}
		for _, j := range s.jobs {
			if j.now.Store == name {
				return fmt.Sprintf("a backup to %q is under way", name)
			}
		}
	}
	return ""
}

// take begins a task in the background. Service.mu is held.
func (s *Service) take(t *task) {
	t.since = s.now()
	s.chore = t
	s.work.Go(func() {
		ctx, _, release := s.lasting()
		defer release()
		defer s.using()()
		defer s.host.KeepAwake(ctx, t.Text())()
		s.log.Info("a chore begins", "chore", t.Text())
		text, err := s.do(ctx, t)
		s.done(ctx, t, text, err)
	})
}

// errLater is why a chore stops before its end: its hours are over.
var errLater = errors.New("its hours are over; it goes on when they begin again")

// errDamage is why a chore that was done to its end is not good.
var errDamage = errors.New("it found damage")

// found is errDamage if a chore found any.
func found(damaged int) error {
	if damaged > 0 {
		return errDamage
	}
	return nil
}

// do does a task, and says in words what was done.
func (s *Service) do(ctx context.Context, t *task) (text string, err error) {
	switch t.Kind {
	case host.VerifyChore:
		return s.verify(ctx, t)
	case host.DrillChore:
		return s.drill(ctx, t)
	case host.MaintainChore:
		m, err := s.host.Maintain(ctx, t.Store, false, false)
		return retention.Bytes(max(m.Freed, 0)) + " freed", err // what it writes itself may be more
	case host.CopyChore:
		return s.copyTo(ctx, t)
	default:
		return "", fmt.Errorf("%q is no chore", t.Kind)
	}
}

// done notes what became of a task.
func (s *Service) done(ctx context.Context, t *task, text string, err error) {
	s.mu.Lock()
	now := s.now()
	run := ChoreRun{Kind: t.Kind, Store: t.Store, To: t.To, Device: t.device, Start: t.since, End: now, Outcome: "done", Text: text}
	known := s.house.Chores[t.key]
	known.Tried = now
	e := host.Explain(ctx, err)
	switch {
	case e == nil, errors.Is(err, errDamage):
		if e != nil {
			run.Outcome = damaged
		}
		known.Done, known.Failures = now, 0
		s.house.over(now, choreAlarm+t.key)
	case errors.Is(err, errLater), e.Kind == russet.Stopped, e.Kind == russet.Busy:
		run.Outcome, run.Error = "interrupted", e.Error()
	default:
		known.Failures++
		s.choreFailed(now, t, e, known.Failures)
		run.Outcome, run.Error = "failed", e.Error()
	}
	if t.device == "" || known.Failures > 0 {
		s.house.Chores[t.key] = known
	} else {
		delete(s.house.Chores, t.key) // a copy is made once
	}
	s.log.Info("a chore ended", "chore", t.Text(), "outcome", run.Outcome, "what", text, "error", err)
	s.note(t.key, run)
	s.saveHouse() //nolint:errcheck // it is said
	s.forget(t.Store)
	s.forget(t.To)
	s.chore = nil
	s.mu.Unlock()
	s.after()
}

// stepAside lets backups go first: it waits while one of the stores of a task is
// being backed up to. An error says that the task is to end.
func (s *Service) stepAside(ctx context.Context, t *task) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if now := s.now(); !t.Window.Contains(now) {
			return errLater
		}
		s.mu.Lock()
		var before *job
		for _, j := range s.jobs {
			if j.now.Store == t.Store || j.now.Store == t.To {
				before = j
			}
		}
		s.mu.Unlock()
		if before == nil {
			return nil
		}
		select {
		case <-before.done:
		case <-ctx.Done():
		}
	}
}

// choreStatus tells how each chore stands. Service.mu is held.
func (s *Service) choreStatus() []ChoreStatus {
	all := []ChoreStatus{}
	now := s.now()
	tasks, err := s.tasks(nil, now)
	if err != nil {
		return all
	}
	for _, t := range tasks {
		c := ChoreStatus{Chore: t.Chore, Next: t.due}
		if !t.due.After(now) {
			c.Waiting = t.wait
		}
		if run, ok := s.ran[t.key]; ok {
			c.Last = &run
		}
		c.Running = s.chore != nil && s.chore.key == t.key
		all = append(all, c)
	}
	return all
}
