package service

import (
	"context"
	"errors"
	"slices"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/schedule"
)

// bySchedule is what Run.By says of runs that nobody asked for.
const bySchedule = "schedule"

// begin starts a run in the background, if there is a slot for it. That it was
// begun is written before the phone can ask for anything: if this process
// dies, the next one knows that it may have.
func (s *Service) begin(v *view) {
	if !s.slot.try() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := v.state
	if st == nil || s.base == nil || s.base.Err() != nil || s.jobs[v.device.UDID] != nil {
		s.slot.give()
		return
	}
	now := s.now()
	st.Attempts = append(st.Attempts, schedule.Attempt{At: now, Store: v.decision.Start})
	if s.save(st) != nil {
		st.Attempts = st.Attempts[:len(st.Attempts)-1]
		s.slot.give()
		return
	}
	j := newJob(Running{
		Device: v.device.UDID, Name: v.device.Name, Called: s.called(v.device), Store: v.decision.Start, By: bySchedule, Since: now,
	})
	s.jobs[v.device.UDID] = j
	s.log.Info("a backup begins", "name", v.device.Name, "device", v.device.UDID, "store", j.now.Store, "assisted", v.decision.Assisted)
	s.work.Go(func() {
		defer s.slot.give()
		s.unattended(j, v)
	})
}

// lasting is the context of what goes on in the background. It ends with base or
// stop, as when a person stops it: what was received is kept.
func (s *Service) lasting() (ctx context.Context, stop, release func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(s.base))
	stop = func() { host.Stop(cancel) }
	leave := context.AfterFunc(s.base, stop)
	return ctx, stop, func() {
		leave()
		cancel(nil)
	}
}

// unattended is a run that nobody asked for.
func (s *Service) unattended(j *job, v *view) {
	ctx, stop, release := s.lasting()
	defer release()
	j.mu.Lock()
	j.stop = stop
	j.mu.Unlock()
	st, err := s.host.Store(j.now.Store)
	if err == nil {
		watch := &sheetWatch{service: s, state: v.state, nudge: v.decision.Nudge, surprise: !v.decision.Assisted && !v.policy.QuietAt(s.now())}
		defer j.listen(watch.event)()
		s.backUp(ctx, s.host, j, host.BackupOptions{Device: v.device, Store: st, By: bySchedule})
	} else {
		j.err = host.Explain(ctx, err)
	}
	s.mu.Lock()
	a := v.state.open()
	if a == nil { // the clock was set, and it was thrown away as old
		a = v.state.attempted(s.now(), j.now.Store)
	}
	s.ended(j, v.state, a)
	if j.ended() && russet.KindOf(j.err) == russet.Stopped {
		a.Outcome = schedule.Stopped
	}
	v.facts.Now, v.facts.Attempts, v.facts.Running = s.now(), slices.Clone(v.state.Attempts), ""
	s.failed(j, v)
	s.finish(j, v.state)
	s.mu.Unlock()
	s.after()
}

// ended notes how an attempt ended, and what it tells. Service.mu is held.
func (s *Service) ended(j *job, st *state, a *schedule.Attempt) {
	run := j.result.Run
	a.End, a.Outcome = s.now(), outcome(j.err)
	// A phone that was not unlocked since it was switched on opens nothing, and
	// asks nobody; its own code comes after the question.
	a.Asked = a.Asked || run.Passcode || a.Outcome == schedule.NotNow && run.Code != 0
	a.Why, a.Next = "", ""
	if a.Outcome != schedule.Done {
		a.Why, a.Next = j.why()
	}
	a.Answered = a.Asked && a.Outcome != schedule.NotNow && (a.Answered || a.Outcome == schedule.Done || run.Files > 0)
	s.concluded(j, st)
	if a.Outcome == schedule.NoSpace && run.Received+run.Sent > 0 {
		st.tooBig(j.now.Store, short{At: s.now(), Room: s.shelfOf(j.now.Store).room(st.Device.UDID), Asked: a.Asked})
	}
}

// tooBig notes a backup that did not fit.
func (st *state) tooBig(store string, f short) {
	if st.Short == nil {
		st.Short = map[string]short{}
	}
	st.Short[store] = f
}

// attempted adds an attempt.
func (st *state) attempted(at time.Time, store string) *schedule.Attempt {
	st.Attempts = append(st.Attempts, schedule.Attempt{At: at, Store: store})
	return &st.Attempts[len(st.Attempts)-1]
}

// open is the attempt that has not ended.
func (st *state) open() *schedule.Attempt {
	for i := range slices.Backward(st.Attempts) {
		if a := st.Attempts[i]; a.Outcome == schedule.Begun && a.End.IsZero() {
			return &st.Attempts[i]
		}
	}
	return nil
}

// backUp is the run itself. Its error is explained while the context still
// tells why it ended: not all that was stopped says so by itself.
func (s *Service) backUp(ctx context.Context, h *host.Host, j *job, opts host.BackupOptions) {
	defer s.using()()
	opts.Progress = j.tell
	result, err := h.Backup(ctx, opts)
	j.result = result
	if e := host.Explain(ctx, err); e != nil {
		j.err = e
		s.log.Info("a backup ended", "name", j.now.Name, "device", j.now.Device, "store", j.now.Store, "outcome", j.result.Run.Outcome, "error", e)
		return
	}
	s.log.Info("a backup is done", "name", j.now.Name, "device", j.now.Device, "store", j.now.Store, "received", j.result.Run.Received, "files", j.result.Run.Files)
	for _, note := range j.result.Notes {
		s.log.Info(note, "name", j.now.Name, "device", j.now.Device, "store", j.now.Store)
	}
}

// outcome sorts what became of a run.
func outcome(err error) schedule.Outcome {
	e, _ := errors.AsType[*russet.Error](err)
	switch russet.KindOf(err) {
	case 0, russet.Partial:
		return schedule.Done
	case russet.Locked:
		return schedule.NotNow
	case russet.Stopped:
		if e != nil && e.Code != 0 { // on the phone
			return schedule.NotNow
		}
		return schedule.Interrupted
	case russet.Interrupted, russet.NotConnected, russet.Busy:
		return schedule.Interrupted
	case russet.NoSpace:
		return schedule.NoSpace
	default:
		return schedule.Failed
	}
}

// concluded draws from a run what any run tells. Service.mu is held.
func (s *Service) concluded(j *job, st *state) {
	s.forget(j.now.Store)
	if outcome(j.err) != schedule.Done {
		return
	}
	st.Requested = time.Time{}
	delete(st.Short, j.now.Store)
	st.keep(j.now.Store, kept{j.result.Run.Backup, s.now()})
	st.overtaken(j.now.Store)
	st.over(s.now(), "failed/"+j.now.Store)
	st.set(s.now(), "password", j.result.PasswordChanged, func() notify.Message {
		return notify.ForEncryption(s.subject(st, j.now.Store), notify.PasswordChanged)
	})
	st.set(s.now(), "password-unknown", j.result.PasswordUnknown, func() notify.Message {
		return notify.ForEncryption(s.subject(st, j.now.Store), notify.PasswordUnknown)
	})
	st.post(notify.ForDone(s.subject(st, j.now.Store), j.result.Run))
}

// finish lets go of a run. Service.mu is held.
func (s *Service) finish(j *job, st *state) {
	if st != nil {
		s.save(st) //nolint:errcheck // it is said
	}
	delete(s.jobs, j.now.Device)
	close(j.done)
}

// after is what follows a run: people are told, and it is looked again.
func (s *Service) after() {
	s.deliver()
	s.Wake()
}

// sheetWatch notes what the phone asks its owner, as soon as it does.
type sheetWatch struct {
	service *Service
	state   *state
	nudge   bool // tell the owner when the phone may ask
	// surprise: the owner of a phone that was not expected to ask is told when it
	// does.
	surprise bool
	shown    bool
	typed    bool
}

// event hears of every step of a run.
func (w *sheetWatch) event(e russet.Event) {
	nudge := w.nudge && (e.Stage == russet.Waiting || e.Passcode) || w.surprise && e.Passcode
	shown := e.Passcode && !w.shown
	typed := w.shown && !w.typed && !e.Passcode && e.Stage == russet.Receiving && e.Bytes > 0
	if !nudge && !shown && !typed {
		return
	}
	s := w.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if nudge {
		w.state.Nudged = s.now()
		w.state.post(notify.ForPasscode(s.subject(w.state, ""), w.surprise))
		w.nudge, w.surprise = false, false
	}
	if a := w.state.open(); a != nil {
		w.shown, w.typed = w.shown || shown, w.typed || typed
		a.Asked, a.Answered = a.Asked || shown, a.Answered || typed
	}
	s.save(w.state) //nolint:errcheck // it is said
	if nudge {
		s.work.Go(func() { s.deliver() })
	}
}
