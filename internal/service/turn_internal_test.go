package service

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"russet"
)

// rounds plays verifications of a phone that is backed up every day; keep says
// which backups are kept, bad those that are never found good.
type rounds struct {
	readings
	every   time.Duration
	backups []russet.Backup
	turns   map[russet.BackupID][]int // the rounds in which each was read
}

var firstDay = time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC)

func newRounds(every time.Duration) *rounds {
	r := &rounds{every: every, turns: map[russet.BackupID][]int{}}
	r.looked = map[string]time.Time{}
	r.damaged = func(b russet.Backup) bool { return !r.looked[lookKey(b)].IsZero() }
	return r
}

func (r *rounds) add(day int) {
	r.backups = append(r.backups, russet.Backup{
		ID: russet.BackupID(fmt.Sprintf("%032x", day)), Device: "phone", Store: "home", Time: firstDay.Add(time.Duration(day) * 24 * time.Hour),
	})
}

// play is one round at a moment.
func (r *rounds) play(n int, now time.Time, bad func(russet.Backup) bool) []russet.Backup {
	r.now, r.since = now, now.Add(-r.every)
	turn := r.turn(r.backups)
	for _, b := range turn {
		r.turns[b.ID] = append(r.turns[b.ID], n)
		if now = now.Add(time.Minute); bad(b) {
			r.looked[lookKey(b)] = now
			continue
		}
		i := slices.IndexFunc(r.backups, func(o russet.Backup) bool { return o.ID == b.ID })
		at := now
		r.backups[i].Verified = &at
	}
	return turn
}

func none(russet.Backup) bool { return false }

// TestEveryVersionHasItsTurn: over the rounds every backup that is kept is
// verified, again and again, those first that were not read for longest, though
// a new one comes every day and most of those are deleted unread.
func TestEveryVersionHasItsTurn(t *testing.T) {
	t.Parallel()
	const month = 30
	r := newRounds(month * 24 * time.Hour)
	for day := 1; day <= 4*365; day++ {
		r.add(day)
		// Kept are fourteen days, and every thirtieth for a year.
		r.backups = slices.DeleteFunc(r.backups, func(b russet.Backup) bool {
			age := day - int(b.Time.Sub(firstDay).Hours()/24)
			return age >= 14 && (day-age)%month != 0 || age > 365
		})
		if day%month != 0 {
			continue
		}
		waiting := slices.Clone(r.backups[:len(r.backups)-1])
		now := firstDay.Add(time.Duration(day)*24*time.Hour + time.Duration(day)*time.Minute) // a round is due after the last one's end
		turn := r.play(day/month, now, none)
		if len(turn) != min(1+olderOnes, len(r.backups)) || turn[0].ID != r.backups[len(r.backups)-1].ID {
			t.Fatalf("round %d: %d of %d backups", day/month, len(turn), len(r.backups))
		}
		slices.SortStableFunc(waiting, func(a, b russet.Backup) int { return r.rank(a).Compare(r.rank(b)) })
		for _, b := range turn[1:] {
			if r.rank(b).After(r.rank(waiting[olderOnes-1])) {
				t.Errorf("round %d: %s is read before others that waited longer", day/month, b.ID)
			}
		}
	}
	for day := month; day <= 3*365-month; day += month { // has lived its year
		turns := r.turns[russet.BackupID(fmt.Sprintf("%032x", day))]
		if len(turns) < 2 {
			t.Errorf("the backup of day %d was verified in the rounds %v", day, turns)
		}
	}
}

// TestDamagedOnesDoNotHoldOthersBack: backups that are never found good are
// looked at each round, and so are two of the others.
func TestDamagedOnesDoNotHoldOthersBack(t *testing.T) {
	t.Parallel()
	r := newRounds(24 * time.Hour)
	for day := range 12 {
		r.add(day)
	}
	bad := func(b russet.Backup) bool { return b.Time.Before(firstDay.Add(3 * 24 * time.Hour)) }
	for n := range 8 {
		if turn := r.play(n, firstDay.Add(time.Duration(12+n)*24*time.Hour+time.Duration(n)*time.Hour), bad); len(turn) > 1+2*olderOnes {
			t.Errorf("round %d: %d backups", n, len(turn))
		}
	}
	for _, b := range r.backups {
		if len(r.turns[b.ID]) == 0 {
			t.Errorf("%s was never read", b.ID)
		}
	}
	if n := len(r.turns[r.backups[0].ID]); n < 5 {
		t.Errorf("one that is damaged was looked at %d times", n)
	}
	// Repaired, they are like the others.
	for n := range 4 {
		r.play(8+n, firstDay.Add(time.Duration(30+n)*24*time.Hour), func(b russet.Backup) bool {
			delete(r.looked, lookKey(b))
			return false
		})
	}
	if len(r.looked) != 0 {
		t.Errorf("still damaged: %v", r.looked)
	}
}

// TestRoundGoesOn: a round that was interrupted reads what is left, and a clock
// that was wrong keeps nothing from being read.
func TestRoundGoesOn(t *testing.T) {
	t.Parallel()
	r := newRounds(24 * time.Hour)
	for day := range 6 {
		r.add(day)
	}
	now := firstDay.Add(10 * 24 * time.Hour)
	r.now, r.since = now, now.Add(-r.every)
	for left := 1 + olderOnes; left > 0; left-- {
		turn := r.turn(r.backups)
		if len(turn) != left {
			t.Fatalf("%d are left, not %d", len(turn), left)
		}
		i := slices.IndexFunc(r.backups, func(o russet.Backup) bool { return o.ID == turn[0].ID })
		r.backups[i].Verified = &now
	}
	ahead := now.Add(365 * 24 * time.Hour)
	for i := range r.backups {
		r.backups[i].Verified = &ahead
	}
	if turn := r.turn(r.backups); len(turn) != 1+olderOnes {
		t.Errorf("after a wrong clock %d have a turn", len(turn))
	}
}
