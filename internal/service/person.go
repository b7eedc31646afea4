package service

import (
	"context"

	"russet"
	"russet/internal/host"
	"russet/internal/schedule"
)

// BackUp backs a device up because a person wants it, before whatever waits for
// the schedule. When that device is being backed up already, it waits for that;
// when that goes to another store than the one that was named, it is backed up
// to this then; and when a full one is wanted, after one that is not. A backup
// password is tried on what is there then. progress may be nil.
func (s *Service) BackUp(ctx context.Context, r Request, progress func(russet.Event)) (host.BackupResult, error) {
	s.work.Add(1)
	defer s.work.Done()
	store, _, err := s.host.StoreOf(ctx, r.Device, r.Store)
	if err != nil {
		return host.BackupResult{Notes: []string{}}, err
	}
	s.mu.Lock()
	for j := s.jobs[r.Device]; j != nil; j = s.jobs[r.Device] {
		s.mu.Unlock()
		result, err := j.join(ctx, progress)
		same := r.Store == "" || r.Store == j.running().Store
		if same && (j.full || !r.Full) || ctx.Err() != nil {
			return s.prove(ctx, r, result), err
		}
		s.mu.Lock() // that was for another store, or less than was asked for
	}
	d := s.device(r.Device)
	j := newJob(Running{Device: d.UDID, Name: d.Name, Called: s.called(d), Store: store.Name, Since: s.now()})
	j.full = r.Full
	s.jobs[r.Device] = j
	s.mu.Unlock()
	defer j.listen(progress)()
	s.attended(ctx, j, host.BackupOptions{Device: d, Store: store, Full: r.Full, Retry: r.Retry}, r.Password)
	return j.result, j.err
}

// prove tries the password of a request on what a run made that began without it.
func (s *Service) prove(ctx context.Context, r Request, made host.BackupResult) host.BackupResult {
	if r.Password == "" || made.Backup == nil {
		return made
	}
	made = s.host.WithPassword(r.Password).ProvePassword(ctx, made)
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.states[r.Device]; st != nil && !made.PasswordChanged && !made.PasswordUnknown {
		st.over(s.now(), "password")
		st.over(s.now(), "password-unknown")
		s.save(st) //nolint:errcheck // it is said
	}
	return made
}

// Stop ends a run of a device that the schedule began, cleanly, and leaves the
// phone alone for a while; it reports whether there was one.
func (s *Service) Stop(udid russet.UDID) bool {
	s.mu.Lock()
	j := s.jobs[udid]
	s.mu.Unlock()
	return j != nil && j.end()
}

// attended is a run for which a person waits.
func (s *Service) attended(ctx context.Context, j *job, opts host.BackupOptions, password string) {
	err := s.slot.take(ctx, func() {
		j.tell(russet.Event{
			Time: s.now(), Device: opts.Device.UDID, Stage: russet.Connecting, Percent: -1, Message: "waits until another device is done",
		})
	})
	if err == nil {
		h := s.host
		if password != "" {
			h = h.WithPassword(password)
		}
		s.backUp(ctx, h, j, opts)
		s.slot.give()
	} else {
		j.result.Notes, j.err = []string{}, host.Explain(ctx, err)
	}
	s.mu.Lock()
	s.forget(j.now.Store)
	st := s.states[opts.Device.UDID] // nil when it was paired a moment ago
	// What a person tried counts, too: the phone that was just cancelled must not
	// ask again by itself. One that was not reached tells nothing.
	if j.result.Run.Way != "" {
		st = s.stateOf(opts.Device)
		tried := st.attempted(j.now.Since, j.now.Store)
		s.ended(j, st, tried)
		if russet.KindOf(j.err) == russet.Stopped && s.base != nil && s.base.Err() == nil {
			tried.Outcome = schedule.Stopped // and not by the end of the service
		}
	}
	s.finish(j, st)
	s.mu.Unlock()
	s.after()
}

// Ask notes that a person wants a device backed up as soon as it is here: its
// window and its conditions do not count then.
func (s *Service) Ask(udid russet.UDID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(false); err != nil {
		return err
	}
	st := s.states[udid]
	if st == nil {
		return &russet.Error{
			Kind: russet.NotConnected, Doing: "note that a backup is wanted", What: "no device " + string(udid) + " is known here",
			Hint: "connect it with a cable and pair it first: russet pair",
		}
	}
	st.Requested = s.now()
	s.Wake()
	return s.save(st)
}
