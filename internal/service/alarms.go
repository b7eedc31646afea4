package service

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/schedule"
)

const (
	// repeat is when people are told again of a trouble that stays.
	repeat = 7 * 24 * time.Hour
	// again is the least time between two messages of one trouble that comes
	// and goes.
	again = 24 * time.Hour
	// forgets is how long a phone may be away before it is said that it may soon
	// forget this computer: it was seen to after 30 days.
	forgets = 25 * 24 * time.Hour
	// little is how many bytes are too little for a store: a phone wants 128 MiB
	// to be free beyond what it sends.
	little = 256 << 20
	// nearly is how much of an allowance is nearly all of it.
	nearly = 0.9
)

// raise tells people of a trouble, unless they know. Service.mu is held.
func (b *board) raise(now time.Time, key string, m notify.Message) {
	if b.Alarms == nil {
		b.Alarms = map[string]raised{}
	}
	a, known := b.Alarms[key]
	if !known || !a.Over.IsZero() {
		a.Since = now
	}
	quiet := now.Sub(a.Told)
	wait := repeat
	if !a.Over.IsZero() {
		wait = again
	}
	a.Over = time.Time{}
	if !known || quiet >= wait || quiet < 0 {
		a.Told, a.Letter = now, b.post(m)
	}
	a.Message = m
	b.Alarms[key] = a
}

// stand makes m what is said of a trouble as long as it holds.
func (b *board) stand(key string, m notify.Message) {
	a := b.Alarms[key]
	a.Message = m
	b.Alarms[key] = a
}

// over notes that a trouble ceased, and all whose keys begin with its key and a
// slash.
func (b *board) over(now time.Time, key string) (changed bool) {
	for k, a := range b.Alarms {
		if k != key && !strings.HasPrefix(k, key+"/") {
			continue
		}
		if a.Over.IsZero() {
			a.Over, changed = now, true
			b.Alarms[k] = a
		}
		if age := now.Sub(a.Told); age > repeat || age < -repeat {
			delete(b.Alarms, k)
			changed = true
		}
	}
	return changed
}

// post puts a message on its way, and returns the ID of its letter.
func (b *board) post(m notify.Message) string {
	l := letter{ID: rand.Text(), Message: m}
	b.Outbox = append(b.Outbox, l)
	b.Outbox = b.Outbox[max(0, len(b.Outbox)-maxOutbox):]
	return l.ID
}

// holds says whether a trouble is on.
func (b *board) holds(key string) bool {
	a, ok := b.Alarms[key]
	return ok && a.Over.IsZero()
}

// set raises a trouble or ends it, and reports whether anything changed.
func (b *board) set(now time.Time, key string, on bool, m func() notify.Message) (changed bool) {
	if !on {
		return b.over(now, key)
	}
	a := b.Alarms[key]
	if age := now.Sub(a.Told); b.holds(key) && age >= 0 && age < repeat {
		return false
	}
	b.raise(now, key, m())
	return true
}

// without ends the troubles of stores that are no longer there.
func (b *board) without(now time.Time, shelves map[string]*shelf) (changed bool) {
	for key, a := range b.Alarms {
		if a.Over.IsZero() && a.Message.Store != "" && shelves[a.Message.Store] == nil {
			changed = b.over(now, key) || changed
		}
	}
	return changed
}

// subject is what a message about a device begins with. Service.mu is held.
func (s *Service) subject(st *state, store string) notify.Subject {
	return notify.Subject{Time: s.now(), Device: st.Device.UDID, Name: s.called(st.Device), Store: store}
}

// alarms finds the troubles there are, and those that are over. Service.mu is
// held.
func (s *Service) alarms(views []*view) {
	now := s.now()
	for _, v := range views {
		st := v.state
		if st == nil {
			continue
		}
		late := v.policy.Automatic && v.decision.Overdue && v.facts.Running == ""
		changed := st.set(now, "overdue", late, func() notify.Message {
			return notify.ForOverdue(s.subject(st, ""), v.last(), st.Since, missingText(v.decision), s.help(st, v.decision))
		})
		met := now.Sub(st.Met)
		lost := v.policy.Automatic && !v.present && met >= forgets
		changed = st.set(now, "pairing", lost, func() notify.Message {
			return notify.ForPairing(s.subject(st, ""), st.Met)
		}) || changed
		changed = s.behind(now, v) || changed
		changed = st.without(now, s.shelves) || changed
		if changed {
			s.save(st) //nolint:errcheck // it is said
		}
	}
	changed := s.house.without(now, s.shelves)
	for _, sh := range s.shelves {
		if sh.problem == "" && !sh.at.IsZero() {
			changed = s.storeAlarms(now, sh) || changed
		}
	}
	if changed {
		s.saveHouse() //nolint:errcheck // it is said
	}
}

// last is when the newest backup of a device was made, anywhere.
func (v *view) last() time.Time {
	var last time.Time
	for _, f := range v.facts.Stores {
		if f.Last.After(last) {
			last = f.Last
		}
	}
	return last
}

func missingText(d schedule.Decision) string {
	if len(d.Missing) == 0 {
		return ""
	}
	return d.Missing[0].Text
}

// help is the next step of somebody whose device is overdue; "" for the usual
// one.
func (s *Service) help(st *state, d schedule.Decision) string {
	if len(d.Missing) == 0 {
		return ""
	}
	switch d.Missing[0].Code {
	case schedule.NoStore:
		return "See what is the matter with the store: russet store status " + d.Missing[0].Store
	case schedule.Unpaired:
		return "Connect it to this computer with its cable, unlock it, and run: russet pair " + string(st.Device.UDID)
	default:
		return ""
	}
}

// storeAlarms finds the troubles of a store. Service.mu is held.
func (s *Service) storeAlarms(now time.Time, sh *shelf) (changed bool) {
	st := sh.status
	about := func(device russet.UDID) notify.Subject {
		return notify.Subject{Time: now, Store: sh.name, Device: device, Name: s.nameOf(device)}
	}
	check := func(key string, used, limit int64, device russet.UDID) {
		on := limit > 0 && float64(used) >= nearly*float64(limit)
		changed = s.house.set(now, key, on, func() notify.Message { return notify.ForAllowance(about(device), used, limit) }) || changed
	}
	check("allowance/"+sh.name, st.Used, st.Allowance, "")
	of := "allowance of/" + sh.name + "/"
	for device, limit := range st.DeviceAllowances {
		check(of+string(device), st.DeviceUsed[device], limit, device)
	}
	for key, a := range s.house.Alarms {
		// A backup that was deleted since it was found to be damaged.
		id, ok := strings.CutPrefix(key, "damage/"+sh.name+"/")
		if ok && !sh.there[russet.BackupID(id)] && a.Told.Before(sh.at) {
			changed = s.house.over(now, key) || changed
		}
		device, ok := strings.CutPrefix(key, of)
		if _, limited := st.DeviceAllowances[russet.UDID(device)]; ok && !limited {
			changed = s.house.over(now, key) || changed
		}
	}
	key := "space/" + sh.name
	if short := st.Free < little; short || st.Free > 2*little {
		changed = s.house.set(now, key, short, func() notify.Message { return notify.ForSpace(about(""), st.Free, 0) }) || changed
	}
	return changed
}

// nameOf is how a device was called last; "" if that is not known. Service.mu is
// held.
func (s *Service) nameOf(udid russet.UDID) string {
	if st := s.states[udid]; st != nil {
		return s.called(st.Device)
	}
	return ""
}

// compare tells of an iOS or an encryption that changed since the last session.
// Service.mu is held; the caller saves.
func (s *Service) compare(st *state, d russet.Device) {
	old := st.Device
	if !old.Paired {
		return // it was not asked yet
	}
	about := notify.Subject{Time: s.now(), Device: d.UDID, Name: s.called(d)}
	if old.IOS != "" && d.IOS != "" && old.IOS != d.IOS {
		st.Prior = s.prior(d.UDID)
		st.post(notify.ForNewIOS(about, old.IOS, d.IOS, st.Prior.ID, st.Prior.until()))
	}
	if old.Encrypted == d.Encrypted || old.EncryptedUnknown || !s.host.EncryptionChanged(d.UDID).Before(st.Met.Add(-time.Hour)) {
		return // or russet did it
	}
	change := notify.EncryptionOff
	if d.Encrypted {
		change = notify.EncryptionOn
	}
	st.post(notify.ForEncryption(about, change))
}

// failed tells of a run that failed and that nobody watched, once for each
// cause. What a person has nothing to do with, such as a link that broke, is
// not told. Service.mu is held.
func (s *Service) failed(j *job, v *view) {
	o := outcome(j.err)
	if o != schedule.Failed && o != schedule.NoSpace {
		return
	}
	e := host.Explain(s.base, j.err)
	say := func(again time.Time) notify.Message {
		m := notify.ForFailed(s.subject(v.state, j.now.Store), e, again)
		if o == schedule.NoSpace {
			m.Kind = notify.Space
		}
		return m
	}
	// A success that could not be told yet would come after this.
	v.state.Outbox = slices.DeleteFunc(v.state.Outbox, func(l letter) bool {
		return l.Message.Kind == notify.Done && l.Tries > 0 && l.Message.Store == j.now.Store
	})
	key := fmt.Sprintf("failed/%s/%d/%d", j.now.Store, e.Kind, e.Code)
	v.state.raise(s.now(), key, say(schedule.Decide(v.policy, v.facts).Next(j.now.Store)))
	v.state.stand(key, say(time.Time{})) // when it is tried again is not true for long
}
