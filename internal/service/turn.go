package service

import (
	"maps"
	"slices"
	"strings"
	"time"

	"russet"
)

// olderOnes is how many older backups of each device a verification reads
// beside the newest. Versions share most of their bytes, so that the next rounds
// would read much of the same again.
const olderOnes = 2

// turn picks the backups of a store to verify now.
func (s *Service) turn(store string, backups []russet.Backup, every time.Duration) []russet.Backup {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.house.Looked {
		id, here := strings.CutPrefix(key, store+"/")
		if here && !slices.ContainsFunc(backups, func(b russet.Backup) bool { return string(b.ID) == id }) {
			delete(s.house.Looked, key)
		}
	}
	now := s.now()
	r := readings{now: now, since: now.Add(-every), looked: s.house.Looked}
	r.damaged = func(b russet.Backup) bool { return s.house.holds(damageKey(b)) }
	return r.turn(backups)
}

// looked notes that a backup has had its turn. That it was good, and when, its
// store remembers.
func (s *Service) looked(b russet.Backup, good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := lookKey(b)
	if _, known := s.house.Looked[key]; good && !known {
		return
	}
	if good {
		delete(s.house.Looked, key)
	} else {
		if s.house.Looked == nil {
			s.house.Looked = map[string]time.Time{}
		}
		s.house.Looked[key] = s.now()
	}
	s.saveHouse() //nolint:errcheck // it is said
}

func lookKey(b russet.Backup) string { return b.Store + "/" + string(b.ID) }

func damageKey(b russet.Backup) string { return "damage/" + lookKey(b) }

// readings is what is known of when backups were read.
type readings struct {
	now, since time.Time // what was read after since has had its turn
	looked     map[string]time.Time
	damaged    func(russet.Backup) bool
}

// turn picks of each device the newest backup; of the older ones those that were
// not read for longest, one that never was counting from its day; and as many of
// those that were found damaged, to see whether they are whole again. What has a
// turn goes to the end and nothing new comes before what waits, so everything
// that is kept for long enough has its turn. backups are sorted by time.
func (r *readings) turn(backups []russet.Backup) []russet.Backup {
	byDevice := map[russet.UDID][]russet.Backup{}
	for _, b := range slices.Backward(backups) { // newest first
		if b.Problem == "" {
			byDevice[b.Device] = append(byDevice[b.Device], b)
		}
	}
	var turn []russet.Backup
	for _, device := range slices.Sorted(maps.Keys(byDevice)) {
		of := byDevice[device]
		if r.waits(of[0]) {
			turn = append(turn, of[0])
		}
		var good, damaged []russet.Backup
		for _, b := range of[1:] {
			if r.damaged(b) {
				damaged = append(damaged, b)
			} else {
				good = append(good, b)
			}
		}
		turn = append(append(turn, r.longest(good)...), r.longest(damaged)...)
	}
	return turn
}

// longest are those that were not read for longest, as many as still have a turn
// in this round.
func (r *readings) longest(backups []russet.Backup) []russet.Backup {
	waiting := slices.DeleteFunc(slices.Clone(backups), func(b russet.Backup) bool { return !r.waits(b) })
	had := len(backups) - len(waiting)
	slices.SortStableFunc(waiting, func(a, b russet.Backup) int { return r.rank(a).Compare(r.rank(b)) })
	return waiting[:min(max(0, olderOnes-had), len(waiting))]
}

// read is when a backup was last read; zero if never.
func (r *readings) read(b russet.Backup) time.Time {
	last := r.looked[lookKey(b)]
	if b.Verified != nil && b.Verified.After(last) {
		last = *b.Verified
	}
	if last.After(r.now) {
		return time.Time{} // a clock was wrong
	}
	return last
}

func (r *readings) waits(b russet.Backup) bool { return !r.read(b).After(r.since) }

// rank says who comes first: the earlier.
func (r *readings) rank(b russet.Backup) time.Time {
	if read := r.read(b); !read.IsZero() || b.Time.After(r.now) {
		return read
	}
	return b.Time
}
