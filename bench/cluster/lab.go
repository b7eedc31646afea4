//go:build linux

package main

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"russet/vphone/content"
)

// lab is everything that runs, and what came of it.
type lab struct {
	options
	work     string
	password string // file with the passphrase of the vault
	started  time.Time
	cluster  *cluster
	hosts    []*host
	day      int
	late     chan error // what comes back by itself

	done   []finished
	rounds []round
	costs  []cost

	exported int // in the end, of all backups
}

// finished is a backup that was reported done, and what the phone held then.
type finished struct {
	id       string
	device   string
	password string
	want     inventory
}

// attempt is one run of one host in a round.
type attempt struct {
	host  string
	tries []ran
	sent  int64 // bytes the phone sent in all tries
	asked counts
}

// round is one evening: all hosts back up at once, and something breaks.
type round struct {
	name     string
	attempts []attempt
	atWork   []bool // which hosts were in the middle when it broke
	broken   int64  // bytes that all had sent to the cluster by then
	verified time.Duration
	exported int
	asked    counts // by the auditor
}

// cost is what one kind of run asked of the object store, undisturbed.
type cost struct {
	what   string
	counts counts
	ran    ran
	sent   int64
}

func (l *lab) addHost(ctx context.Context, i int, key *rsa.PrivateKey) error {
	password := ""
	if i%2 == 1 { // every second owner has switched encryption on
		password = backupPassword
	}
	name := fmt.Sprintf("host%d", i)
	p, err := makePhone(ctx, filepath.Join(l.work, name, "phone"), key, content.Options{
		Profile: "tiny", Seed: uint64(i + 1), Files: l.files, Size: l.size, MessageBytes: l.messages,
	}, password)
	if err != nil {
		return err
	}
	h, err := newHost(l.work, name, l.cluster, l.russet, l.password, p)
	if err != nil {
		return errors.Join(err, p.stop())
	}
	l.hosts = append(l.hosts, h)
	return nil
}

func (l *lab) close() error {
	var errs []error
	for _, h := range l.hosts {
		errs = append(errs, h.phone.stop(), h.balancer.close())
	}
	if l.cluster != nil {
		errs = append(errs, l.cluster.stop())
	}
	return errors.Join(errs...)
}

// each does something on all hosts at once.
func (l *lab) each(f func(i int, h *host) error) error {
	errs := make([]error, len(l.hosts))
	var wg sync.WaitGroup
	for i, h := range l.hosts {
		wg.Go(func() { errs[i] = f(i, h) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// uploaded is what all hosts sent to the object store in this round.
func (l *lab) uploaded() int64 {
	var n int64
	for _, h := range l.hosts {
		n += h.balancer.uploaded()
	}
	return n
}

// nextDay lets all owners live a day.
func (l *lab) nextDay(ctx context.Context) error {
	l.day++
	return l.each(func(_ int, h *host) error {
		if err := h.phone.live(ctx, l.day, content.UsualDay); err != nil {
			return err
		}
		return h.phone.film(l.day, l.film)
	})
}

// audit joins the vault with a computer that never saw it, verifies every
// byte of the backups of this round, and compares their exports with the
// phones.
func (l *lab) audit(ctx context.Context, r *round, backups []finished) error {
	return l.asAuditor(ctx, func(h *host) error {
		for _, b := range backups {
			v, err := h.must(ctx, "verify", b.id, "--full")
			if err != nil {
				return err
			}
			r.verified += v.wall
		}
		r.asked = h.balancer.take()
		for _, b := range backups {
			if err := h.compare(ctx, b); err != nil {
				return fmt.Errorf("backup %s of %s: %w", b.id, b.device, err)
			}
			r.exported++
		}
		return nil
	})
}

// auditAll verifies every byte of all backups of all rounds once more, when
// everything that breaks has broken, and exports the oldest of each phone.
func (l *lab) auditAll(ctx context.Context) error {
	fmt.Fprintf(os.Stderr, "%v all of it, once more\n", time.Since(l.started).Round(time.Second))
	return l.asAuditor(ctx, func(h *host) error {
		v, err := h.must(ctx, "verify", "--all", "--full")
		if err != nil {
			return err
		}
		l.costs = append(l.costs, cost{what: fmt.Sprintf("verify every byte of %d backups", len(l.done)), ran: v, counts: h.balancer.take()})
		oldest := l.done[:min(len(l.hosts), len(l.done))]
		for _, b := range oldest {
			if err := h.compare(ctx, b); err != nil {
				return fmt.Errorf("backup %s of %s: %w", b.id, b.device, err)
			}
		}
		l.exported = len(oldest)
		return nil
	})
}

func (l *lab) asAuditor(ctx context.Context, f func(h *host) error) error {
	h, err := newHost(l.work, "auditor", l.cluster, l.russet, l.password, nil)
	if err != nil {
		return err
	}
	err = h.join(ctx, false)
	if err == nil {
		h.balancer.take()
		err = f(h)
	}
	return errors.Join(err, h.balancer.close(), os.RemoveAll(h.dir))
}

// compare exports a backup and holds it against the phone of its day.
func (h *host) compare(ctx context.Context, b finished) error {
	dir := filepath.Join(h.dir, "export")
	if _, err := h.must(ctx, "export", b.id, dir); err != nil {
		return err
	}
	got, err := readBackup(ctx, filepath.Join(dir, b.device), b.password)
	if err != nil {
		return err
	}
	if err := differ(got, b.want); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// settle waits until every block lies on as many nodes as it should.
func (l *lab) settle(ctx context.Context) error {
	owed, err := l.cluster.lacking()
	if err != nil {
		return err
	}
	start := time.Now()
	lacking, err := l.cluster.settle(ctx)
	fmt.Fprintf(os.Stderr, "  %d blocks lacked copies; %d do after %v\n", owed, lacking, time.Since(start).Round(time.Second))
	return err
}
