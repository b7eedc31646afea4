package retention

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Allowance is one limit, and what is used of it.
type Allowance struct {
	Whose string // the name of the device it is for; "" for the whole store
	Limit int64  // bytes; 0 means no limit
	Used  int64  // bytes that stand in the store
	Items []Item // what could be deleted to make room in it
}

// text names it in a sentence about its store.
func (a Allowance) text() string {
	if a.Whose == "" {
		return fmt.Sprintf("allowance of %s", Bytes(a.Limit))
	}
	return fmt.Sprintf("allowance of %s for %q", Bytes(a.Limit), a.Whose)
}

// Left is how many more bytes it allows; negative when there is no limit.
func (a Allowance) Left() int64 {
	if a.Limit <= 0 {
		return -1
	}
	return max(0, a.Limit-max(0, a.Used))
}

// Over is how far it was exceeded.
func (a Allowance) Over() int64 {
	if a.Limit <= 0 {
		return 0
	}
	return max(0, a.Used-a.Limit)
}

// Request is a run that wants to begin.
type Request struct {
	Allowances []Allowance // all that apply; the tightest decides
	// Whole says that the phone will send everything: the first run, or one
	// that was asked to be full. Upload is how much that is; 0 if nobody knows.
	Whole  bool
	Upload int64
	// Growth is how much recent runs added to the store; see Typical.
	Growth int64
	// SentIsStored says that the store keeps what it is sent as it is, so that
	// the phone itself can hold the limit.
	SentIsStored bool
	Freeing      int64 // bytes of deleted backups that are counted no more
	Now          time.Time
}

// Answer says whether a run may begin, and why not.
type Answer struct {
	Go bool
	// Allow is how many more bytes the phone may be told are free because of
	// the allowance; negative for no limit.
	Allow int64
	Why   string // in plain words; "" when it may
	Could Room   // what could be deleted, when it may not
	Hint  string // the next step
}

// Gate decides before a run begins; once it has begun nothing stops it. A
// phone that sends everything must fit. One that sends what changed may begin
// when what it usually adds fits: should this time be more, it is let
// through, and the next one waits.
func Gate(r Request) Answer {
	answer := Answer{Go: true, Allow: -1}
	for _, a := range r.Allowances {
		left := a.Left()
		if left < 0 {
			continue
		}
		if why, need := r.refuse(a); why != "" {
			room := MakeRoom(need, a.Items, r.Now)
			return Answer{Allow: left, Why: why, Could: room, Hint: r.hint(room)}
		}
		// What changed is sent whole and stored small: told how little is left, a
		// phone would refuse a run that fits.
		if r.Whole || r.SentIsStored {
			answer.Allow = lesser(answer.Allow, left)
		}
	}
	return answer
}

func lesser(a, b int64) int64 {
	if a < 0 {
		return b
	}
	return min(a, b)
}

// refuse says why an allowance does not let a run begin, and how many bytes
// would have to go; "" if it does.
func (r Request) refuse(a Allowance) (why string, need int64) {
	left, over := a.Left(), a.Over()
	limit := "its " + a.text()
	switch expected := r.expected(); {
	case over > 0:
		return fmt.Sprintf("%s is used up, and exceeded by %s", limit, Bytes(over)), add(over, max(1, expected))
	case left == 0:
		return limit + " is used up", max(1, expected)
	case expected > left && r.Whole:
		return fmt.Sprintf("%s leaves %s, and this backup needs about %s", limit, Bytes(left), Bytes(expected)), expected - left
	case expected > left:
		return fmt.Sprintf("%s leaves %s, and a backup lately added about %s", limit, Bytes(left), Bytes(expected)), expected - left
	default:
		return "", 0
	}
}

// expected is how much the run will probably add; 0 if nothing is known.
func (r Request) expected() int64 {
	if r.Whole {
		return max(0, r.Upload)
	}
	return max(0, r.Growth)
}

// hint names the next step: what could be deleted and what that would bring.
func (r Request) hint(room Room) string {
	var parts []string
	if n := len(room.Delete); n > 0 {
		ids := make([]string, 0, maxNamed)
		for _, d := range room.Delete[:min(n, maxNamed)] {
			ids = append(ids, string(d.Item.ID[:min(len(d.Item.ID), 8)]))
		}
		which := fmt.Sprintf("the %d oldest backups that may go (%s …)", n, strings.Join(ids, ", "))
		switch {
		case n == 1:
			which = "the backup " + ids[0]
		case n <= maxNamed:
			which = "the backups " + strings.Join(ids, ", ")
		}
		parts = append(parts, fmt.Sprintf(`deleting %s would free about %s ("russet delete", "russet policy preview")`, which, Bytes(room.Frees)))
		if !room.Enough {
			parts = append(parts, "that is not enough")
		}
	} else {
		parts = append(parts, "no backup may go: the newest of a device and archived ones stay")
	}
	if r.Freeing > 0 {
		parts = append(parts, fmt.Sprintf("%s of deleted backups are not counted any more", Bytes(r.Freeing)))
	}
	parts = append(parts, `a larger allowance helps too ("russet store set")`)
	return strings.Join(parts, "; ")
}

// maxNamed is how many backups a sentence can name.
const maxNamed = 3

// Overrun says how far a run went over an allowance of a store; "" if it did
// not.
func Overrun(store string, allowances []Allowance) string {
	for _, a := range allowances {
		if over := a.Over(); over > 0 {
			return fmt.Sprintf("the store %q is %s over its %s now; this backup is kept, the next one waits until there is room",
				store, Bytes(over), a.text())
		}
	}
	return ""
}

// Typical is what recent runs usually added: the one in the middle, so that a
// single large one (a new iOS, a holiday) does not shut the door on the next.
func Typical(added []int64) int64 {
	if len(added) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(added))
	return max(0, sorted[len(sorted)/2])
}

// Bytes says a number of bytes in a sentence.
func Bytes(n int64) string {
	switch {
	case n < 1e3:
		return fmt.Sprintf("%d bytes", n)
	case n < 1e6:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	case n < 1e12:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	default:
		return fmt.Sprintf("%.1f TB", float64(n)/1e12)
	}
}
