package reach

import (
	"strings"
	"testing"

	"russet/device/mdns"
)

// TestForgotten: a phone that dropped this computer's pairing is told of where it
// was and wherever it announces itself, if it says who it is; a visitor's is
// not, even at the very address where ours was.
func TestForgotten(t *testing.T) {
	t.Parallel()
	ours, w := onNetwork(t, 701)
	_, other := onNetwork(t, 702)
	onNetwork(t, 703)
	other.udid = "00008140-00000000000000AB" // one more that is missed, and is not there
	if err := ours.ForgetHosts(); err != nil {
		t.Fatal(err)
	}
	its, visitors := lair(701).String(), lair(703).String()
	for name, c := range map[string]struct {
		last    string
		adverts []mdns.Advert
		told    string // the address
	}{
		"where it was":                     {last: its, told: its},
		"with the tags of others":          {adverts: []mdns.Advert{advert("2a:00:00:00:00:01@fe80::1", its, tags("HOST-C")...)}, told: its},
		"without tags":                     {adverts: []mdns.Advert{advert("2a:00:00:00:00:01@fe80::1", its)}, told: its},
		"a visitor where it was":           {last: visitors},
		"a visitor with tags where it was": {last: visitors, adverts: []mdns.Advert{advert("2a:00:00:00:00:02@fe80::1", visitors, tags("HOST-C")...)}},
		"a visitor without tags":           {adverts: []mdns.Advert{advert("2a:00:00:00:00:02@fe80::1", visitors)}},
		"both": {last: visitors, adverts: []mdns.Advert{
			advert("2a:00:00:00:00:02@fe80::1", visitors, tags("HOST-C")...), advert("2a:00:00:00:00:01@fe80::1", its, tags("HOST-D")...),
		}, told: its},
	} {
		ds := devicesIn(t, t.TempDir())
		w.seen = Seen{Address: c.last}
		for _, look := range []string{"first", "next"} { // the next one leaves the address alone
			n := &hunt{ds: ds, missing: []*wanted{w, other}, all: []*wanted{w, other}, adverts: func() []mdns.Advert { return c.adverts }}
			n.run(t.Context())
			sv := survey{wanted: n.all, tries: n.tries, seen: n.found}
			sv.addTroubled()
			switch {
			case c.told == "" && len(sv.seen) > 0:
				t.Errorf("%s, %s look: told of %+v", name, look, sv.seen)
			case c.told == "":
			case len(sv.seen) != 1:
				t.Errorf("%s, %s look: told of %+v; tries %+v", name, look, sv.seen, n.tries)
			case sv.seen[0].UDID != w.udid || sv.seen[0].Address != c.told || !sv.seen[0].Untrusted || sv.seen[0].Paired || !strings.Contains(sv.seen[0].Problem, "seems"):
				t.Errorf("%s, %s look: %+v", name, look, sv.seen[0])
			}
		}
	}
	// One that trusts us, whatever its tags say, is just found.
	ds := devicesIn(t, t.TempDir())
	_, third := onNetwork(t, 704)
	n := &hunt{ds: ds, missing: []*wanted{third}, all: []*wanted{third}, adverts: func() []mdns.Advert {
		return []mdns.Advert{advert("2a:00:00:00:00:03@fe80::1", lair(704).String(), tags("HOST-C")...)}
	}}
	n.run(t.Context())
	if len(n.found) != 1 || n.found[0].UDID != third.udid || !n.found[0].Paired {
		t.Errorf("one that trusts us: %+v, %+v", n.found, n.tries)
	}
}
