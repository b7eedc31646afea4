package service

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/schedule"
)

// How old what is known of a store may be, and how long it may take to answer.
const (
	shelfAge     = time.Hour
	vaultAge     = 6 * time.Hour    // a vault: opening one takes a second and much memory
	problemAge   = 10 * time.Minute // of one that took nothing
	shelfPatient = 30 * time.Second
)

// silent is the problem of a store that does not answer.
const silent = "it does not answer"

// shelf is what is known of a store. What it points to does not change.
type shelf struct {
	name    string
	vault   bool
	at      time.Time // when it was looked at; zero if never, or if that is old
	status  host.StoreStatus
	backups map[russet.UDID][]russet.Backup // that can be used, by the devices' clocks
	there   map[russet.BackupID]bool        // all that are in it
	problem string                          // why it takes nothing, in words
	asked   chan struct{}                   // it is being looked at, until this is closed; nil if not
}

// shelfOf is what is known of a store. Service.mu is held.
func (s *Service) shelfOf(name string) *shelf {
	if sh := s.shelves[name]; sh != nil {
		return sh
	}
	return &shelf{name: name, problem: "there is no store of that name"}
}

// forget makes the next look ask a store anew. Service.mu is held.
func (s *Service) forget(store string) {
	s.changes[store]++
	if sh := s.shelves[store]; sh != nil {
		old := *sh
		old.at = time.Time{}
		s.shelves[store] = &old
	}
}

// Recheck makes the next look ask every store anew, and looks at once: somebody
// else changed what is in them.
func (s *Service) Recheck() {
	s.mu.Lock()
	for name := range s.shelves {
		s.forget(name)
	}
	s.mu.Unlock()
	s.Wake()
}

// refresh looks at the stores whose state is not known well enough, all at
// once. One that does not answer in time is looked at further, and keeps nobody
// waiting.
func (s *Service) refresh(ctx context.Context, settings []host.StoreSettings) {
	var all sync.WaitGroup
	s.mu.Lock()
	life := ctx // whoever asks a service may go before the answer comes
	if s.base != nil {
		life = s.base
	}
	for name := range s.shelves {
		if !slices.ContainsFunc(settings, func(st host.StoreSettings) bool { return st.Name == name }) {
			delete(s.shelves, name)
		}
	}
	for _, st := range settings {
		sh := s.shelves[st.Name]
		if sh == nil {
			sh = &shelf{name: st.Name, vault: host.IsVault(st.URL)}
		}
		switch {
		case sh.asked != nil && sh.problem == silent: // once was enough
		case sh.asked != nil:
			all.Go(func() { s.awaitShelf(ctx, st.Name, sh.asked) })
		case sh.stale(s.now()) || sh.outdated(st):
			asked := *sh
			asked.asked = make(chan struct{})
			s.shelves[st.Name] = &asked
			changes := s.changes[st.Name]
			s.asks.Go(func() { s.examine(life, st, &asked, changes) })
			all.Go(func() { s.awaitShelf(ctx, st.Name, asked.asked) })
		}
	}
	s.mu.Unlock()
	all.Wait()
}

// awaitShelf waits for a while until a store was looked at.
func (s *Service) awaitShelf(ctx context.Context, name string, asked <-chan struct{}) {
	limit := time.NewTimer(shelfPatient)
	defer limit.Stop()
	select {
	case <-asked:
		return
	case <-ctx.Done():
	case <-limit.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sh := s.shelves[name]; sh != nil && sh.asked == asked {
		mute := *sh
		mute.at, mute.problem = s.now(), silent
		s.shelves[name] = &mute
	}
}

// outdated reports whether a person changed the store since.
func (sh *shelf) outdated(st host.StoreSettings) bool {
	old := sh.status
	return old.URL != st.URL || old.Allowance != st.Allowance || !maps.Equal(old.DeviceAllowances, st.DeviceAllowances)
}

func (sh *shelf) stale(now time.Time) bool {
	limit := shelfAge
	if sh.vault {
		limit = vaultAge
	}
	if sh.problem != "" {
		limit = problemAge
	}
	age := now.Sub(sh.at)
	return sh.at.IsZero() || age < 0 || age > limit
}

// examine looks at one store, for as long as that takes. changes is how often it
// had changed until then: what was seen may be old when it is known.
func (s *Service) examine(ctx context.Context, st host.StoreSettings, before *shelf, changes int) {
	defer s.using()()
	defer close(before.asked)
	ctx, cancel := context.WithTimeout(ctx, 10*shelfPatient)
	defer cancel()
	sh := &shelf{name: st.Name, vault: before.vault, at: s.now(), backups: map[russet.UDID][]russet.Backup{}, there: map[russet.BackupID]bool{}}
	backups, err := s.host.Backups(ctx, st.Name, "", false)
	if err == nil {
		sh.status = s.host.StoreStatus(ctx, st)
		sh.problem = sh.status.Problem
	} else {
		sh.backups, sh.status.StoreSettings, sh.problem = before.backups, st, inWords(err)
	}
	sh.status.Problem = sh.problem
	for _, b := range backups { // oldest first
		sh.there[b.ID] = true
		if b.Problem == "" {
			sh.backups[b.Device] = append(sh.backups[b.Device], b)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes[st.Name] != changes {
		sh.at = time.Time{}
	}
	if s.shelves[st.Name] != nil {
		s.shelves[st.Name] = sh
	}
}

// inWords is what went wrong, without what was being done.
func inWords(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return silent
	}
	if e, ok := errors.AsType[*russet.Error](err); ok {
		return cmp.Or(e.What, err.Error())
	}
	return err.Error()
}

// facts is what the schedule has to know of a store for a device.
func (sh *shelf) facts(v *view, now time.Time) schedule.StoreFacts {
	f := schedule.StoreFacts{Name: sh.name, Problem: sh.problem, Copies: sh.vault}
	if b := sh.newest(v.device.UDID, v.state); b != nil {
		f.Last = b.Time
	}
	if v.state == nil {
		return f
	}
	f.Held = sh.held(v.state)
	if f.Problem == "" && v.state.Short[sh.name].holds(sh.room(v.device.UDID), now) {
		f.Problem = "the last backup did not fit, and there is no more room than there was"
	}
	if k, ok := v.state.Kept[sh.name]; ok && (k.At.Sub(now) < skew || f.Last.IsZero() || f.Last.Sub(now) >= skew) {
		f.Last = k.At
	}
	return f
}

// room is how many bytes a store takes of a device.
func (sh *shelf) room(device russet.UDID) int64 {
	st := sh.status
	room := st.Free
	if st.Allowance > 0 {
		room = min(room, st.Allowance-st.Used)
	}
	if limit := st.DeviceAllowances[device]; limit > 0 {
		room = min(room, limit-st.DeviceUsed[device])
	}
	return max(0, room)
}

// holds says whether a backup that did not fit would not fit again, as far as
// can be known: the phone may have less to send one day. Who would be asked for
// a passcode is not asked for that soon.
func (f short) holds(room int64, now time.Time) bool {
	wait := 24 * time.Hour
	if f.Asked {
		wait *= 7
	}
	age := now.Sub(f.At)
	return !f.At.IsZero() && age >= 0 && age < wait && room <= f.Room+f.Room/20
}

// using notes that a store is in use until the returned function is called.
func (s *Service) using() (done func()) {
	s.stores.RLock()
	return func() {
		s.mu.Lock()
		s.used = s.now()
		s.mu.Unlock()
		s.stores.RUnlock()
	}
}

// idle is how long the stores stay open when nobody needs them.
const idle = 5 * time.Minute

// rest lets go of the stores when they were not needed for a while: their
// memory is free then, and their disks can be unmounted.
func (s *Service) rest() {
	s.mu.Lock()
	since := s.now().Sub(s.used)
	used := !s.used.IsZero()
	s.mu.Unlock()
	if !used || since < idle && since >= 0 || !s.stores.TryLock() {
		return
	}
	defer s.stores.Unlock()
	if err := s.host.CloseStores(); err != nil {
		s.log.Warn("a store could not be closed", "error", err)
	}
	s.mu.Lock()
	s.used = time.Time{}
	s.mu.Unlock()
	debug.FreeOSMemory() // a vault that was open leaves a hundred megabytes behind
}
