//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// mostTries bounds how often a host takes an interrupted backup up again.
const mostTries = 6

// everything is all evenings, one after the other, and what is measured.
func (l *lab) everything(ctx context.Context) error {
	if l.only != "costs" {
		if err := l.breakAll(ctx); err != nil {
			return err
		}
	}
	if l.only == "evenings" {
		return nil
	}
	return l.measure(ctx)
}

func (l *lab) breakAll(ctx context.Context) error {
	for i, h := range l.hosts {
		if err := h.join(ctx, i == 0); err != nil {
			return err
		}
		h.balancer.take()
	}
	for i, e := range l.evenings(ctx) {
		if i > 0 && !strings.Contains(e.name, l.match) {
			continue
		}
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
		if err := l.evening(ctx, e); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return errors.Join(l.auditAll(ctx), l.blamed())
}

// blamed names the runs that took a dead node for a fault of russet's. It
// comes last: whether the next run goes on is worth knowing all the same.
func (l *lab) blamed() error {
	var errs []error
	for _, r := range l.rounds {
		for _, a := range r.attempts {
			for _, t := range a.tries {
				if t.status == 1 {
					errs = append(errs, fmt.Errorf("%s: %s: exit status 1\n%s", r.name, a.host, t.out))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// evening is what happens while all hosts back up at once.
type evening struct {
	name   string
	before func() error // the runs begin
	early  func() error // when a tenth of what is new went up
	breaks func() error // when a third did
	after  func() error // the runs have ended
}

func (l *lab) evenings(ctx context.Context) []evening {
	c := l.cluster
	back := func(i int) error { // also when an evening before was left out
		if slices.Contains(c.alive(), c.nodes[i]) {
			return nil
		}
		return c.start(ctx, i)
	}
	return []evening{
		{name: "first backups; one node killed", breaks: func() error { return c.kill(0) }},
		{
			name:   "next day; the dead node comes back in mid-backup, then another is killed",
			early:  func() error { return c.start(ctx, 0) },
			breaks: func() error { return c.kill(1) },
		},
		{
			name:   "a host killed together with a node",
			before: func() error { return errors.Join(back(0), back(1), l.settle(ctx)) },
			breaks: func() error { return errors.Join(l.hosts[len(l.hosts)-1].killRun(), c.kill(2)) },
		},
		{
			name:   "a node that hangs instead of dying",
			before: func() error { return errors.Join(back(0), back(2), l.settle(ctx)) },
			breaks: func() error { return c.freeze(3) },
			after:  func() error { return errors.Join(c.thaw(3), c.connected(ctx)) },
		},
		{
			name:   "two of four nodes killed: no quorum, for a minute",
			before: func() error { return errors.Join(back(0), l.settle(ctx)) },
			breaks: func() error {
				l.late = make(chan error, 1)
				time.AfterFunc(time.Minute, func() { l.late <- errors.Join(c.start(ctx, 0), c.start(ctx, 1)) })
				return errors.Join(c.kill(0), c.kill(1))
			},
			after: func() error { return <-l.late },
		},
	}
}

// evening backs all phones up at once and breaks what is to be broken.
func (l *lab) evening(ctx context.Context, e evening) error {
	r := round{name: e.name, attempts: make([]attempt, len(l.hosts)), atWork: make([]bool, len(l.hosts))}
	fmt.Fprintf(os.Stderr, "%v %s\n", time.Since(l.started).Round(time.Second), e.name)
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
	over := make(chan struct{})
	broke := make(chan error, 1)
	go func() { broke <- l.breakUp(e, &r, over) }()
	err = l.each(func(i int, h *host) error { return h.untilDone(ctx, &r.attempts[i]) })
	close(over)
	err = errors.Join(err, <-broke)
	if e.after != nil {
		err = errors.Join(err, e.after())
	}
	for i, h := range l.hosts {
		r.attempts[i].asked = h.balancer.take()
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

// breakUp does what happens in an evening, at its times, and notes who is at
// work then.
func (l *lab) breakUp(e evening, r *round, over <-chan struct{}) error {
	amount := l.film * int64(len(l.hosts))
	if len(l.done) == 0 {
		amount = l.size * int64(len(l.hosts))
	}
	if e.early != nil {
		if err := errors.Join(l.wait(amount/10, over), e.early()); err != nil {
			return err
		}
	}
	if err := l.wait(amount/3, over); err != nil {
		return err
	}
	for i, h := range l.hosts {
		r.atWork[i] = h.running()
	}
	r.broken = l.uploaded()
	return e.breaks()
}

// wait returns when so many bytes went up in this evening.
func (l *lab) wait(bytes int64, over <-chan struct{}) error {
	for l.uploaded() < bytes {
		select {
		case <-over:
			return fmt.Errorf("the runs were over before %d bytes went up: nothing was broken", bytes)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
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
			a.sent = h.phone.Faults().Counters().FileBytes
			return nil
		case 2, 17:
			// A dead node is neither wrong usage nor damage.
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
