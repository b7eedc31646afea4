package service

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"russet"
	"russet/internal/host"
	"russet/internal/schedule"
)

// job is a run that is under way, or waits for its turn.
type job struct {
	done chan struct{} // closed when it is over

	order   sync.Mutex // one event after the other; taken before mu and before Service.mu
	mu      sync.Mutex
	now     Running
	hearers map[int]func(russet.Event)
	count   int

	full    bool   // the phone sends everything again
	stop    func() // ends a run that the schedule began; nil for one that a person did
	stopped bool   // by a person

	result host.BackupResult // once done
	err    error
}

// end ends a run that the schedule began because a person wants that, and
// reports whether it is one.
func (j *job) end() bool {
	j.mu.Lock()
	stop := j.stop
	j.stopped = stop != nil
	j.mu.Unlock()
	if stop == nil {
		return false
	}
	stop()
	return true
}

// ended reports whether a person ended a run that the schedule began.
func (j *job) ended() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stopped
}

func newJob(r Running) *job {
	return &job{done: make(chan struct{}), now: r, hearers: map[int]func(russet.Event){}}
}

// tell passes an event on to whoever listens.
func (j *job) tell(e russet.Event) {
	j.order.Lock()
	defer j.order.Unlock()
	j.mu.Lock()
	j.now.Event = e
	hearers := slices.Collect(maps.Values(j.hearers))
	j.mu.Unlock()
	for _, hear := range hearers {
		hear(e)
	}
}

// listen adds somebody who hears the events from now on, the last one at once.
func (j *job) listen(hear func(russet.Event)) (leave func()) {
	if hear == nil {
		return func() {}
	}
	j.order.Lock()
	defer j.order.Unlock()
	j.mu.Lock()
	id, last := j.count, j.now.Event
	j.count++
	j.hearers[id] = hear
	j.mu.Unlock()
	if last.Stage != "" {
		hear(last)
	}
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.hearers, id)
	}
}

func (j *job) running() Running {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now
}

// maxWhy bounds what is remembered of why a run failed, in bytes.
const maxWhy = 500

// why is what went wrong with a run, and what there is to do about it.
func (j *job) why() (what, next string) {
	run := j.result.Run
	switch {
	case j.err == nil:
		return "", ""
	case outcome(j.err) == schedule.Interrupted && russet.KindOf(j.err) == russet.Stopped:
		return "russet was stopped in the middle", ""
	case run.Error != "":
		what, next = run.Why(), run.Hint
	default:
		e := host.Explain(context.Background(), j.err)
		what, next = cmp.Or(e.What, e.Error()), e.Hint
	}
	return clip(what, maxWhy), clip(next, maxWhy)
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " …"
}

// join waits for a run that somebody else began. When ctx ends the run goes on,
// unless it was stopped as well.
func (j *job) join(ctx context.Context, progress func(russet.Event)) (host.BackupResult, error) {
	defer j.listen(progress)()
	select {
	case <-j.done:
		return j.result, j.err
	case <-ctx.Done():
		if j.ended() {
			<-j.done
			return j.result, j.err
		}
		return host.BackupResult{Notes: []string{}}, &russet.Error{
			Kind: russet.Stopped, What: "you no longer wait for it; the backup, which was begun elsewhere, goes on",
		}
	}
}
