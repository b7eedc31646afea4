//go:build linux && amd64

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"russet/vphone/agent"
)

// class is one way to break a run; a point is a class and a number.
type class string

const (
	dropMessage   class = "connection dropped at message n"
	killMessage   class = "kill -9 at message n"
	rebootMessage class = "phone reboots at message n"
	killChange    class = "kill -9 before change n on disk"
	killArriving  class = "kill -9 before change n, while files arrive"
	fullChange    class = "disk full from change n on"
	fullMoment    class = "disk full at change n only"
	betweenFiles  class = "connection dropped exactly after file n"
	midFile       class = "phone gone inside a file, after byte n"
)

// result is how one attempt went.
type result struct {
	status  int    // exit status of the broken run; -1 when killed
	became  string // what the current backup was after it
	resent  int64  // bytes
	reached bool   // the run came to the point
}

const (
	stayed = "previous"
	gone   = "new"
)

// try breaks a run at one point and looks at everything afterwards.
func (l *lab) try(ctx context.Context, c class, n int, verify bool) (result, error) {
	phone, err := l.powerOn()
	if err != nil {
		return result{}, err
	}
	r, err := l.tryOn(ctx, phone, c, n, verify)
	if err != nil {
		err = fmt.Errorf("%s: %s, n = %d: %w", l.name, c, n, err)
	}
	return r, errors.Join(err, phone.stop())
}

func (l *lab) tryOn(ctx context.Context, phone *running, c class, n int, verify bool) (result, error) {
	r, out, err := l.broken(ctx, phone, c, n)
	if err != nil {
		return r, err
	}
	first := phone.spy.sent()
	if r.became, err = l.judge(ctx, 1); err != nil {
		return r, fmt.Errorf("after exit status %d: %w\n%s", r.status, err, out)
	}
	if r.status == 0 && r.became == stayed {
		return r, fmt.Errorf("success was reported, but there is no new backup\n%s", out)
	}
	if r.status == 1 || r.status == 2 {
		return r, fmt.Errorf("exit status %d\n%s", r.status, out)
	}
	if err := l.verify(ctx, verify && (l.previous != "" || r.became == gone)); err != nil {
		return r, err
	}
	phone.healthy()
	if status, out, err := l.run(ctx, "backup"); err != nil || status != 0 {
		return r, fmt.Errorf("the next run ends with %d, %w\n%s", status, err, out)
	}
	if err := l.judgeEnd(ctx); err != nil {
		return r, fmt.Errorf("after the next run: %w", err)
	}
	if r.resent, err = l.resent(c, first, phone.spy.sent()); err != nil {
		return r, err
	}
	return r, l.verify(ctx, verify)
}

func (l *lab) verify(ctx context.Context, want bool) error {
	if !want {
		return nil
	}
	if l.vault {
		return l.must(ctx, "verify", "--all", "--full")
	}
	return l.must(ctx, "verify", "latest", "--full", "--device", l.udid)
}

// broken is the run that something happens to.
func (l *lab) broken(ctx context.Context, phone *running, c class, n int) (r result, out string, err error) {
	config := func(change func(*agent.Config)) { phone.Faults().Update(change) }
	switch c {
	case killChange, killArriving, fullChange, fullMoment:
		what := map[class]breakage{killChange: killed, killArriving: killed, fullChange: fullDisk, fullMoment: fullOnce}[c]
		t := &tracer{at: n, what: what}
		r.status, out, err = l.traced(t, "backup")
		r.reached = t.reached
		return r, out, err
	case killMessage:
		return l.killedAt(ctx, phone, n)
	case dropMessage:
		config(func(c *agent.Config) { c.DropMessage = n })
	case rebootMessage:
		config(func(c *agent.Config) { c.RebootAt = n })
	case betweenFiles:
		config(func(c *agent.Config) { c.DropBetween = n })
	case midFile:
		config(func(c *agent.Config) { c.DropSent = int64(n) })
	}
	r.status, out, err = l.run(ctx, "backup")
	now := phone.Faults().Config()
	r.reached = now.DropMessage == 0 && now.RebootAt == 0 && now.DropBetween == 0 && now.DropSent == 0
	return r, out, err
}

// killedAt kills russet when the phone is at a message.
func (l *lab) killedAt(ctx context.Context, phone *running, n int) (r result, out string, err error) {
	var said strings.Builder
	cmd := l.command(ctx, "backup")
	cmd.Stdout, cmd.Stderr = &said, &said
	started := make(chan struct{})
	phone.spy.when(n, func() {
		<-started
		r.reached = cmd.Process.Kill() == nil
	})
	if err := cmd.Start(); err != nil {
		return r, "", err
	}
	close(started)
	_ = cmd.Wait() // it is killed; the state says the rest
	phone.spy.when(0, nil)
	r.status = cmd.ProcessState.ExitCode()
	return r, said.String(), nil
}

// judge says what the current backup is: the previous one, byte for byte, or
// the new one, whole; anything else is an error. So many runs may have ended.
func (l *lab) judge(ctx context.Context, runs int) (string, error) {
	if others, err := l.untouched(); err != nil || others != l.others {
		return "", fmt.Errorf("something that is not this phone's current backup was changed, %w", err)
	}
	current, ids, err := l.state(ctx)
	if err != nil {
		return "", err
	}
	now, err := digest(current)
	if err != nil {
		return "", err
	}
	if now == l.previous && slices.Equal(ids, l.ids) {
		return stayed, nil
	}
	if l.vault && !grown(l.ids, ids, runs) {
		return "", fmt.Errorf("the backups in the vault are %q, not %q and those of %d runs", ids, l.ids, runs)
	}
	inv, err := takeInventory(current, password)
	if err == nil {
		err = differ(inv, l.want)
	}
	if err != nil {
		return "", fmt.Errorf("the current backup is neither the previous nor the new one: %w", err)
	}
	return gone, nil
}

// judgeEnd checks that the current backup is the phone, and that nothing is
// left over.
func (l *lab) judgeEnd(ctx context.Context) error {
	if became, err := l.judge(ctx, 2); err != nil || became != gone {
		return fmt.Errorf("the current backup is the %q one, %w", became, err)
	}
	places, err := l.leftovers()
	if err != nil {
		return err
	}
	for _, place := range places {
		for _, name := range []string{"drafts", "aside", "trash", "incoming", "writing"} {
			entries, err := os.ReadDir(filepath.Join(place, name))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if len(entries) > 0 {
				return fmt.Errorf("%s is left in %s", entries[0].Name(), name)
			}
		}
	}
	return nil
}

// resent is how many bytes of content the phone sent again: at most one batch
// and the file that was in flight. When russet could end its run in order, they
// are all of the batch that was under way.
func (l *lab) resent(c class, first, second sent) (int64, error) {
	inOrder := []class{dropMessage, rebootMessage, betweenFiles, midFile}
	for name := range first.settled {
		if _, again := second.files[name]; again && slices.Contains(inOrder, c) {
			return 0, fmt.Errorf("%s was sent again, although its batch had been answered", name)
		}
	}
	if l.vault && !slices.Contains(inOrder, c) {
		// Up to 256 MB that were not in the index yet may come again after a kill.
		return max(0, total(first.files)+first.open+total(second.files)-total(l.sends)), nil
	}
	again := max(0, total(first.files)+first.open+total(second.files)-total(l.sends))
	if again > l.batchMost {
		return again, fmt.Errorf("%d bytes were sent again, the largest batch and a file have %d", again, l.batchMost)
	}
	return again, nil
}

// largest sums up the largest files, with what the wire adds to each.
func largest(files map[string]int64, most int) int64 {
	const names = 400 // two names, frame heads
	var sizes []int64
	for _, size := range files {
		sizes = append(sizes, size+names)
	}
	slices.Sort(sizes)
	slices.Reverse(sizes)
	var n int64
	for _, size := range sizes[:min(most, len(sizes))] {
		n += size
	}
	return n
}
