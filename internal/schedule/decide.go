package schedule

import (
	"slices"
	"time"
)

// How long things hold.
const (
	// skew is by how much a clock may be ahead without being wrong.
	skew = 5 * time.Minute
	// moment is how long it is a good moment after the device was plugged in
	// or unlocked.
	moment = 5 * time.Minute
	// wish is how long a request holds, and loud how long it opens the quiet
	// hours.
	wish, loud = 24 * time.Hour, time.Hour
	// unlockable is for how long a device stays unlocked that does not lock at
	// all. Without a passcode it never says that it is locked.
	unlockable = 3 * 24 * time.Hour
)

// HoldFor is how long a backup that the next one would replace is left as it
// is, for its owner to archive.
const HoldFor = 24 * time.Hour

// How soon to look again.
const (
	often    = 2 * time.Minute  // it is here and due: its lock and its power change unannounced
	seldom   = time.Hour        // else
	anyStore = 15 * time.Minute // a store is away, or a copy is to be made
)

// look is one decision being made.
type look struct {
	p        Policy
	f        Facts
	now      time.Time
	attempts []Attempt // without those from the future: the clock was wrong
	every    time.Duration
	asks     bool // the device asks for its passcode
	wanted   bool // a person asked for a backup
	fresh    bool // and nothing was tried since
	good     bool // it was plugged in or unlocked just now
	stores   []storeLook
	takes    bool // a store that is due takes a backup now
}

// storeLook is what a decision says of one store.
type storeLook struct {
	StoreFacts
	at       time.Time // when it is due, or since when; zero if that is not known
	due      bool
	ahead    bool   // its newest backup is dated in the future
	behind   bool   // it is overdue
	copyFrom string // the store whose backup can be copied here
	copyLate bool   // but one of the two takes part in nothing now
}

// Decide says what to do about a device now, and why. It starts nothing and
// keeps nothing: whoever does must note each attempt, each nudge and what
// became of them, and put them into the facts of the next look.
func Decide(p Policy, f Facts) Decision {
	l := newLook(p, f)
	d := Decision{Assisted: l.asks, Copies: []Copy{}, Missing: []Missing{}, Behind: []string{}}
	if !p.Automatic && !l.wanted {
		off := Missing{Code: Off, Text: "automatic backups are switched off"}
		d.Missing, d.Again = append(d.Missing, off), l.now.Add(seldom)
		d.Text = l.offText()
		return d
	}
	l.dues()
	d.Due, d.DueSince = l.due()
	for _, s := range l.stores {
		if s.behind {
			d.Behind = append(d.Behind, s.Name)
		}
		if s.copyFrom != "" && !s.copyLate {
			d.Copies = append(d.Copies, Copy{From: s.copyFrom, To: s.Name})
		}
	}
	d.Overdue = len(d.Behind) > 0 && len(d.Behind) == len(l.stores)
	if d.Due {
		d.Start, d.Missing = l.choose()
	}
	if d.Start != "" {
		d.Nudge = l.nudge(d.Start)
	}
	d.Again = l.again(d)
	d.Text = l.text(d)
	if d.Due && d.Start == "" && l.f.Running == "" {
		for i := range d.Missing {
			m := &d.Missing[i]
			m.Said = m.echo && (m.Store == "" || !l.takes) // as needed picks them
		}
	}
	return d
}

func newLook(p Policy, f Facts) *look {
	l := &look{p: p, f: f, now: f.Now, every: max(p.Every, minEvery), asks: f.Asking != Never}
	if p.Every <= 0 {
		l.every = Default().Every
	}
	l.attempts = f.Attempts
	ahead := func(a Attempt) bool { return l.future(a.At) }
	if slices.ContainsFunc(l.attempts, ahead) {
		l.attempts = slices.DeleteFunc(slices.Clone(l.attempts), ahead)
	}
	l.good = l.justNow(f.Plugged) || l.asks && l.justNow(f.Unlocked)
	l.wish()
	return l
}

// wish finds out whether a request holds. An attempt after it that nobody
// answered is its end.
func (l *look) wish() {
	r := l.f.Requested
	if r.IsZero() || l.future(r) || l.now.Sub(r) > wish {
		return
	}
	l.wanted, l.fresh = true, true
	for _, a := range l.attempts {
		if !a.At.Before(r) {
			l.fresh = false
			l.wanted = l.wanted && a.Outcome != NotNow
		}
	}
}

func (l *look) future(t time.Time) bool { return t.After(l.now.Add(skew)) }

func (l *look) justNow(t time.Time) bool {
	return !t.IsZero() && !l.future(t) && l.now.Sub(t) <= moment
}

// early is how much before its time a backup may be made, so that daily ones
// do not come later every day.
func (l *look) early() time.Duration { return min(l.every/6, 4*time.Hour) }

// dues finds what is due in each store, and which can have a copy.
func (l *look) dues() {
	for _, s := range l.f.Stores {
		l.stores = append(l.stores, l.dueIn(s))
	}
	if !l.asks {
		return // it can be asked twice for nothing
	}
	for i := range l.stores {
		to := &l.stores[i]
		if !to.due || !to.Copies {
			continue
		}
		for _, from := range l.stores {
			if from.due || !from.Last.After(to.Last) || to.copyFrom != "" && !to.copyLate {
				continue
			}
			to.copyFrom, to.copyLate = from.Name, from.Problem+to.Problem != ""
		}
	}
}

func (l *look) dueIn(s StoreFacts) storeLook {
	d := storeLook{StoreFacts: s}
	known := l.f.Since
	if l.future(known) {
		known = l.now
	}
	switch {
	case s.Last.IsZero():
		d.at, d.due = known, true
	case l.future(s.Last):
		// The clock was changed. It is due in the rhythm it would have had.
		late := s.Last.Sub(l.now)
		d.at, d.due, d.ahead = l.now.Add(late%l.every-l.every), true, true
	default:
		d.at = s.Last.Add(l.every - l.early())
		d.due = !l.now.Before(d.at)
	}
	if l.wanted && s.Last.Before(l.f.Requested) && !d.due {
		d.at, d.due = l.f.Requested, true
	}
	last := s.Last
	if last.IsZero() {
		last = known
	}
	d.behind = l.p.Overdue > 0 && !last.IsZero() && l.now.Sub(last) >= l.p.Overdue
	return d
}

// due is whether any store is, and since when the first one was, or when it
// will be.
func (l *look) due() (due bool, at time.Time) {
	if len(l.stores) == 0 {
		return true, l.f.Since
	}
	first := slices.MinFunc(l.stores, func(a, b storeLook) int {
		switch {
		case a.due != b.due && a.due:
			return -1
		case a.due != b.due:
			return 1
		default:
			return a.at.Compare(b.at)
		}
	})
	return first.due, first.at
}

// after lists the stores that come after the one to which a backup begins now.
// Those that can have a copy of it wait for nothing.
func (l *look) after(first int) []Missing {
	var m []Missing
	now := l.stores[first].Name
	for _, s := range l.stores[first+1:] {
		if s.due && s.Problem == "" && !(l.asks && s.Copies) {
			m = append(m, Missing{Code: Busy, Store: s.Name, Text: s.Name + " comes after " + now, until: now + " is done"})
		}
	}
	return m
}

// held says whether the last backup in a store is left as it is for now. A
// clock that was ahead when that was noted holds nothing.
func (l *look) held(s storeLook) bool {
	return s.Held.After(l.now) && s.Held.Sub(l.now) <= HoldFor && !l.wanted
}

// choose finds the store to back up to, or what that waits for.
func (l *look) choose() (start string, missing []Missing) {
	missing = []Missing{}
	if len(l.stores) == 0 {
		if !l.f.Present || !l.f.Paired {
			missing = l.device(-1)
		}
		return "", append(missing, Missing{
			Code: NoStore, Text: "there is no store to back up to", until: `there is a store (the first backup makes one, "russet store add" another)`, echo: true,
		})
	}
	first := -1
	for i, s := range l.stores {
		switch {
		case !s.due || s.copyFrom != "" && !s.copyLate:
		case s.Problem != "":
			missing = append(missing, storeMissing(s))
		case s.copyFrom != "":
			missing = append(missing, Missing{
				Code: NoStore, Store: s.Name, until: s.copyFrom + " is back",
				Text: s.Name + " gets a copy of the backup in " + s.copyFrom + ", which takes part in nothing now",
			})
		case l.held(s):
			missing = append(missing, Missing{
				Code: Held, Store: s.Name, at: s.Held, then: "the next backup may take the place of the last one",
				Text: "the last backup in " + s.Name + " is of an earlier iOS, and is left for you to archive until " + plainly(l.now, s.Held),
			})
		case first < 0:
			if pause, ok := l.pause(s.Name); ok {
				missing = append(missing, pause)
				continue
			}
			first = i
		}
	}
	if !slices.ContainsFunc(l.stores, func(s storeLook) bool { return s.due && s.copyFrom == "" }) {
		return "", missing // copies are all it takes
	}
	l.takes = first >= 0
	lacks := l.device(first)
	if first >= 0 && !slices.ContainsFunc(lacks, func(m Missing) bool { return m.Code == Busy }) {
		lacks = append(lacks, l.owner(l.stores[first])...)
	}
	if len(lacks) > 0 || first < 0 {
		return "", append(lacks, missing...)
	}
	return l.stores[first].Name, append(missing, l.after(first)...)
}
