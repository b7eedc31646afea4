package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// mostTries bounds how often a host takes an interrupted backup up again.
const mostTries = 6

// everything is all evenings, one after the other.
func (l *lab) everything(ctx context.Context) error {
	for _, h := range l.hosts {
		if err := h.join(ctx); err != nil {
			return err
		}
		h.balancer.take()
	}
	c := l.cluster
	evenings := []struct {
		name   string
		before func() error
		breaks func() error
		after  func() error
	}{
		{name: "first backups; one node killed", breaks: func() error { return c.kill(0) }},
		{
			name:   "next day; the dead node returns in mid-backup, then another is killed",
			breaks: func() error { return errors.Join(c.start(ctx, 0), c.kill(1)) },
		},
		{
			name:   "a host killed together with a node",
			before: func() error { return errors.Join(c.start(ctx, 1), l.settle(ctx)) },
			breaks: func() error { return errors.Join(l.hosts[len(l.hosts)-1].killRun(), c.kill(2)) },
		},
		{
			name:   "a node that hangs instead of dying",
			before: func() error { return errors.Join(c.start(ctx, 2), l.settle(ctx)) },
			breaks: func() error { return c.freeze(3) },
			after:  func() error { return c.thaw(3) },
		},
		{
			name:   "two of four nodes killed: no quorum, for a minute",
			before: func() error { return l.settle(ctx) },
			breaks: func() error {
				l.late = make(chan error, 1)
				time.AfterFunc(time.Minute, func() { l.late <- errors.Join(c.start(ctx, 0), c.start(ctx, 1)) })
				return errors.Join(c.kill(0), c.kill(1))
			},
			after: func() error { return <-l.late },
		},
	}
	for i, e := range evenings {
		if i > 0 {
			if err := l.nextDay(ctx); err != nil {
				return err
			}
		}
		if e.before != nil {
			if err := e.before(); err != nil {
				return err
			}
		}
		if err := l.evening(ctx, e.name, e.breaks, e.after); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return l.measure(ctx)
}

// evening backs all phones up at once and breaks something when a third of
// what is new has been sent.
func (l *lab) evening(ctx context.Context, name string, breaks, after func() error) error {
	r := round{name: name, attempts: make([]attempt, len(l.hosts))}
	fmt.Fprintf(os.Stderr, "%v %s\n", time.Since(l.started).Round(time.Second), name)
	wants := make([]inventory, len(l.hosts))
	err := l.each(func(i int, h *host) (err error) {
		h.phone.Faults().ResetCounters()
		h.balancer.take()
		wants[i], err = h.phone.holds()
		return err
	})
	if err != nil {
		return err
	}
	amount := l.film * int64(len(l.hosts))
	if len(l.done) == 0 {
		amount = l.size * int64(len(l.hosts))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	broke := make(chan error, 1)
	go func() { broke <- l.breakAt(ctx, amount/3, &r, breaks) }()
	err = l.each(func(i int, h *host) error { return h.untilDone(ctx, &r.attempts[i]) })
	if err == nil {
		select {
		case err = <-broke:
		default: // the runs were over before there was anything to break
			cancel()
			err = <-broke
		}
	}
	if after != nil {
		err = errors.Join(err, after())
	}
	l.rounds = append(l.rounds, r)
	if err != nil {
		return err
	}
	ids, err := l.newBackups(ctx, wants)
	if err != nil {
		return err
	}
	return l.audit(ctx, &l.rounds[len(l.rounds)-1], ids)
}

// breakAt waits until so many bytes went up, notes who is at work, and breaks.
func (l *lab) breakAt(ctx context.Context, bytes int64, r *round, breaks func() error) error {
	for l.uploaded() < bytes {
		select {
		case <-ctx.Done():
			return fmt.Errorf("only %d bytes went up, nothing was broken", l.uploaded())
		case <-time.After(10 * time.Millisecond):
		}
	}
	for i, h := range l.hosts {
		r.attempts[i].atKill = h.running()
	}
	return breaks()
}

// untilDone backs up until a run ends well.
func (h *host) untilDone(ctx context.Context, a *attempt) error {
	a.host = h.name
	for len(a.tries) < mostTries {
		r, err := h.backup(ctx)
		if err != nil {
			return err
		}
		a.tries = append(a.tries, r)
		fmt.Fprintf(os.Stderr, "  %s: exit status %d after %v\n", h.name, r.status, r.wall.Round(100*time.Millisecond))
		switch r.status {
		case 0:
			a.sent, a.asked = h.phone.Faults().Counters().FileBytes, h.balancer.take()
			return nil
		case 1, 2, 17:
			// A dead node is neither a fault of russet's nor damage.
			return fmt.Errorf("%s: exit status %d\n%s", h.name, r.status, r.out)
		}
	}
	return fmt.Errorf("%s: no backup after %d tries; the last one: %s", h.name, mostTries, a.tries[mostTries-1].out)
}

// newBackups finds the backups of this round in the list of another host.
func (l *lab) newBackups(ctx context.Context, wants []inventory) ([]finished, error) {
	list, err := l.hosts[0].backups(ctx)
	if err != nil {
		return nil, err
	}
	var found []finished
	for i, h := range l.hosts {
		for _, b := range slices.Backward(list) {
			if b.Device == h.phone.UDID() {
				found = append(found, finished{id: b.ID, device: b.Device, password: h.phone.password, want: wants[i]})
				break
			}
		}
	}
	for _, f := range found {
		if slices.ContainsFunc(l.done, func(o finished) bool { return o.id == f.id }) {
			return nil, fmt.Errorf("success was reported, but %s has no new backup", f.device)
		}
	}
	l.done = append(l.done, found...)
	if want := len(l.done); len(list) != want {
		return nil, fmt.Errorf("%d backups are listed instead of %d", len(list), want)
	}
	return found, nil
}
