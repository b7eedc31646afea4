// Package doctor explains why a phone is not seen or not backed up. What was
// looked at comes as Readings; what they mean is worked out by pure functions,
// so that every case can be tried with readings of its own.
//
// One cause hides its consequences: where usbmuxd is missing, nobody is told
// that no phone is on the cable.
package doctor

import (
	"slices"
	"strings"
	"time"

	"russet"
)

// Finding is one thing that was looked at, and what there is to do about it.
type Finding struct {
	Code Code        `json:"code"` // stable; docs/doctor.md lists them
	What string      `json:"what"` // what was found, in a sentence
	Good bool        `json:"good"`
	Hint string      `json:"hint,omitempty"` // the next step
	Kind russet.Kind `json:"kind"`           // the exit status it stands for; 0 when good or only worth a word
	// Device and Store say whom it is about; "" if it is about no one alone.
	Device russet.UDID `json:"device,omitempty"`
	Store  string      `json:"store,omitempty"`
}

// Readings is everything that is looked at, as it is at one moment.
type Readings struct {
	Now      time.Time
	Computer Computer
	Home     Home
	Mux      Mux
	Network  Network
	Phones   []Phone // those that are here or were here, each once
	Stores   []Store
	Service  Service
	// Only narrows it to one device; "" is all of them.
	Only russet.UDID
}

// Examine says what the readings mean: first what all depends on, then the
// cable, the phones that are here, those that are not, what happens by itself,
// the stores, and what became of the last backups.
func Examine(r Readings) []Finding {
	r = r.toldApart().narrowed()
	var all []Finding
	for _, section := range []func(Readings) []Finding{
		examineHome, examineCable, examinePhones, examineNetwork, examineService, examineStores, examineHistory,
	} {
		all = append(all, section(r)...)
	}
	return all
}

// toldApart gives phones of one name the ends of their UDIDs.
func (r Readings) toldApart() Readings {
	have := map[string]int{}
	for _, p := range r.Phones {
		have[strings.ToLower(p.Name)]++
	}
	r.Phones = slices.Clone(r.Phones)
	for i := range r.Phones {
		if p := &r.Phones[i]; p.Name != "" && have[strings.ToLower(p.Name)] > 1 {
			p.Name += " (…" + string(p.UDID[max(0, len(p.UDID)-4):]) + ")"
		}
	}
	return r
}

// narrowed leaves out the phones that were not asked for, and the stores that
// have nothing to do with the one that was.
func (r Readings) narrowed() Readings {
	if r.Only == "" {
		return r
	}
	r.Phones = slices.DeleteFunc(slices.Clone(r.Phones), func(p Phone) bool { return p.UDID != r.Only })
	var wanted []string
	for _, p := range r.Phones {
		wanted = append(wanted, p.Policy.Stores...)
	}
	if len(wanted) > 0 {
		r.Stores = slices.DeleteFunc(slices.Clone(r.Stores), func(s Store) bool { return !slices.Contains(wanted, s.Name) })
	}
	return r
}

// Worst is the exit status for some findings: that of the gravest; 0 when all
// is well. How the last runs ended counts only when nothing is wrong now.
func Worst(findings []Finding) russet.Kind {
	past := func(f Finding) bool { return strings.HasPrefix(string(f.Code), "run-") }
	now := slices.DeleteFunc(slices.Clone(findings), past)
	if kind := worst(now); kind != 0 {
		return kind
	}
	return worst(findings)
}

func worst(findings []Finding) russet.Kind {
	// From what stops everything to what stops one device once.
	for _, kind := range []russet.Kind{
		russet.Failed, russet.Damaged, russet.Password, russet.NoSpace, russet.Usage, russet.NotConnected, russet.NotTrusted,
		russet.Locked, russet.Unsupported, russet.Interrupted, russet.Partial,
	} {
		if slices.ContainsFunc(findings, func(f Finding) bool { return f.Kind == kind }) {
			return kind
		}
	}
	return 0
}

// ill reports whether the clock cannot be believed: then nothing is said of
// how long ago something was.
func (r Readings) ill() bool { return r.Now.Year() < firstYear }

// about marks findings as being about a device.
func about(p Phone, findings ...Finding) []Finding {
	for i := range findings {
		findings[i].Device = p.UDID
	}
	return findings
}

// list says some things in a row: "a", "a and b", "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
