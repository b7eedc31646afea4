//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
)

// measure counts what single runs ask of the object store when nothing breaks:
// one host, a phone of its own, a vault of its own; once without and once with
// the phone's own encryption.
func (l *lab) measure(ctx context.Context) error {
	if err := l.settle(ctx); err != nil {
		return err
	}
	key, err := vphone.NewKey()
	if err != nil {
		return err
	}
	for range 2 {
		if err := l.addHost(ctx, len(l.hosts), key); err != nil {
			return err
		}
		h := l.hosts[len(l.hosts)-1]
		h.prefix = "alone-" + h.name
		kind := "plain phone"
		if h.phone.password != "" {
			kind = "encrypted phone"
		}
		fmt.Fprintf(os.Stderr, "%v what runs ask, undisturbed: %s\n", time.Since(l.started).Round(time.Second), kind)
		if err := os.WriteFile(h.dir+"/backup-password", []byte(backupPassword+"\n"), 0o600); err != nil {
			return err
		}
		if err := l.measureOn(ctx, h, kind); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) measureOn(ctx context.Context, h *host, kind string) error {
	steps := []struct {
		what   string
		before func() error
		args   []string
	}{
		{what: "create the vault", args: []string{"store", "add", storeName, h.url(), "--new-password-file", l.password}},
		{what: "pair", args: []string{"pair", h.phone.UDID()}},
		{what: "first backup", args: []string{"backup", h.phone.UDID()}},
		{what: "backup, nothing new", args: []string{"backup", h.phone.UDID()}},
		{what: "daily backup, a usual day", before: func() error { return h.phone.live(ctx, 1, content.UsualDay) }, args: []string{"backup", h.phone.UDID()}},
		{what: "daily backup, a heavy day", before: func() error { return h.phone.live(ctx, 2, content.HeavyDay) }, args: []string{"backup", h.phone.UDID()}},
		{what: "list the backups", args: []string{"backups"}},
		{what: "maintain", args: []string{"store", "maintain", storeName}},
		{what: "verify the structure of all", args: []string{"verify", "--all"}},
		{what: "verify every byte of all", args: []string{"verify", "--all", "--full"}},
		{what: "export the latest", args: []string{"export", "latest", h.dir + "/export"}},
	}
	for _, s := range steps {
		if s.before != nil {
			if err := s.before(); err != nil {
				return err
			}
		}
		h.phone.Faults().Update(func(c *agent.Config) { c.Rounds = [2]int{10, 10} })
		h.phone.Faults().ResetCounters()
		h.balancer.take()
		r, err := h.must(ctx, s.args...)
		if err != nil {
			return err
		}
		l.costs = append(l.costs, cost{what: kind + ": " + s.what, counts: h.balancer.take(), ran: r, sent: h.phone.Faults().Counters().FileBytes})
	}
	return nil
}
