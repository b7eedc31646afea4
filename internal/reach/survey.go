package reach

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"russet"
	"russet/device"
	"russet/device/usbmux"
)

// survey is what one look around found.
type survey struct {
	seen   []Sighting // each device once, those on the cable first
	mux    error      // why usbmuxd did not answer, if it did not
	wanted []*wanted  // devices that may be on the network, found or not
	tries  []try      // what was tried on the network in vain
}

// quest is what a look is for.
type quest struct {
	// word names one device; "" means all there are.
	word string
	// here leaves out the network.
	here bool
	// again tries anew what failed a moment ago.
	again bool
}

// survey asks usbmuxd for devices and each of them who it is, then looks for
// the others on the network, as far as they are known and the quest asks for
// more than is there.
func (ds *Devices) survey(ctx context.Context, q quest) survey {
	links, err := ds.muxDevices(ctx)
	sv := survey{mux: err}
	onCable, onNetwork := byConnection(links)
	if i := slices.IndexFunc(onCable, func(l *usbmux.Device) bool { return l.UDID == q.word }); i >= 0 {
		onCable = onCable[i : i+1] // the others need not be asked: there may be many
	}
	sv.seen = ds.probeAll(ctx, onCable)
	if q.word != "" && sv.answers(q.word) {
		return sv
	}
	if !q.here {
		ds.search(ctx, &sv, q, onNetwork)
	}
	// What usbmuxd has on the network and we could not reach, it reaches itself.
	onNetwork = slices.DeleteFunc(onNetwork, func(l *usbmux.Device) bool { return sv.has(russet.UDID(l.UDID)) })
	sv.seen = append(sv.seen, ds.probeAll(ctx, onNetwork)...)
	sv.addTroubled()
	slices.SortStableFunc(sv.seen, func(a, b Sighting) int {
		return cmp.Or(-strings.Compare(a.Connection, b.Connection), strings.Compare(string(a.UDID), string(b.UDID)))
	})
	return sv
}

// answers reports whether exactly one device that was seen is meant by word.
func (sv *survey) answers(word string) bool {
	_, err := FindDevice(devicesOf(sv.seen), word)
	return err == nil
}

func (sv *survey) has(udid russet.UDID) bool {
	return slices.ContainsFunc(sv.seen, func(s Sighting) bool { return s.UDID == udid })
}

// muxDevices lists what usbmuxd has.
func (ds *Devices) muxDevices(ctx context.Context) ([]*usbmux.Device, error) {
	links, err := ds.usbmux().Devices(ctx)
	return slices.DeleteFunc(links, func(l *usbmux.Device) bool { return !russet.UDID(l.UDID).Valid() }), err
}

// byConnection sorts connections into those of the cable and the others, each
// device once.
func byConnection(links []*usbmux.Device) (onCable, onNetwork []*usbmux.Device) {
	has := func(list []*usbmux.Device, l *usbmux.Device) bool {
		return slices.ContainsFunc(list, func(o *usbmux.Device) bool { return o.UDID == l.UDID })
	}
	for _, l := range links {
		if l.Connection == usbmux.USB && !has(onCable, l) {
			onCable = append(onCable, l)
		}
	}
	for _, l := range links {
		if l.Connection != usbmux.USB && !has(onCable, l) && !has(onNetwork, l) {
			onNetwork = append(onNetwork, l)
		}
	}
	return onCable, onNetwork
}

// probeAll asks devices of usbmuxd side by side who they are, but for those
// that are busy with a run.
func (ds *Devices) probeAll(ctx context.Context, links []*usbmux.Device) []Sighting {
	seen := make([]Sighting, len(links))
	var all sync.WaitGroup
	for i, l := range links {
		if s, busy := ds.working.at(russet.UDID(l.UDID)); busy {
			seen[i] = s
			continue
		}
		all.Go(func() { seen[i] = ds.probe(ctx, russet.UDID(l.UDID), strings.ToLower(l.Connection), l) })
	}
	all.Wait()
	return seen
}

// search looks for devices on the network that are not on the cable: those the
// quest is for and, if that is a word nobody is known by, all.
func (ds *Devices) search(ctx context.Context, sv *survey, q quest, onNetwork []*usbmux.Device) {
	for _, s := range ds.working.onNetwork() {
		if !sv.has(s.UDID) {
			sv.seen = append(sv.seen, s)
		}
	}
	sv.wanted = ds.whoIsKnown(ctx, onNetwork, sv.has)
	n := &hunt{ds: ds, all: sv.wanted, fresh: q.word != "" || q.again}
	for _, w := range sv.wanted {
		if !sv.has(w.udid) {
			n.missing = append(n.missing, w)
		}
	}
	if meant := meantBy(n.missing, q.word); meant != nil {
		n.missing = []*wanted{meant}
	} else if q.word != "" {
		n.enough = func(s Sighting) bool { _, err := FindDevice([]russet.Device{s.Device}, q.word); return err == nil }
	}
	if len(n.missing) == 0 || ctx.Err() != nil {
		return
	}
	n.run(ctx)
	sv.seen, sv.tries = append(sv.seen, n.found...), n.tries
}

// meantBy is the one device among these that a word means; nil if it is not
// clear.
func meantBy(list []*wanted, word string) *wanted {
	if word == "" {
		return nil
	}
	devices := make([]russet.Device, len(list))
	for i, w := range list {
		devices[i] = russet.Device{UDID: w.udid, Name: w.seen.Device.Name}
	}
	d, err := FindDevice(devices, word)
	if err != nil {
		return nil
	}
	return list[slices.IndexFunc(list, func(w *wanted) bool { return w.udid == d.UDID })]
}

// whoIsKnown lists the devices with which there is a pairing: those russet
// keeps one of, those it met, those it was given an address of, and those that
// usbmuxd has on the network. When all of them are here, nobody is wanted, and
// no keyring is asked for pairings.
func (ds *Devices) whoIsKnown(ctx context.Context, onNetwork []*usbmux.Device, here func(russet.UDID) bool) []*wanted {
	known := map[russet.UDID]*wanted{}
	add := func(udid russet.UDID) *wanted {
		if known[udid] == nil {
			known[udid] = &wanted{udid: udid}
		}
		return known[udid]
	}
	for _, l := range onNetwork {
		add(russet.UDID(l.UDID)).mux = l
	}
	for _, udid := range ds.keptPairings() {
		add(udid)
	}
	seen, err := ds.remembers()
	if err != nil {
		ds.log.Warn("what was connected before is not known", "error", err)
	}
	for udid, s := range seen {
		add(udid).seen = s
	}
	if given, err := ds.given(); err == nil {
		for udid, addresses := range given {
			if udid.Valid() {
				add(udid).fixed = addresses
			}
		}
	}
	var list []*wanted
	udids := slices.Sorted(maps.Keys(known))
	if !slices.ContainsFunc(udids, func(u russet.UDID) bool { return !here(u) }) {
		return nil
	}
	for _, udid := range udids {
		w := known[udid]
		if w.records, _ = ds.pairRecords(ctx, udid); len(w.records) > 0 {
			list = append(list, w)
		}
	}
	return list
}

// addTroubled adds devices that announce themselves on the network and cannot
// be used, with what is in the way; also those that do not know us and answer at
// the address a person gave or, if they say who they are, where they were.
func (sv *survey) addTroubled() {
	for _, t := range tellingFirst(sv.tries) {
		told := refused(t.err) && (t.clue == byFixed || errors.As(t.err, new(itself)))
		if t.instance == "" && !told || len(t.who) != 1 || t.clue >= byNothing || sv.has(t.who[0].udid) {
			continue
		}
		w := t.who[0]
		d := w.seen.Device
		d.UDID, d.Name = w.udid, cmp.Or(d.Name, string(w.udid))
		d.Connection, d.Address, d.Problem = overNetwork, t.host, networkProblem(t.err)
		d.Paired, d.Locked, d.Power, d.Battery, d.Untrusted = false, false, false, -1, refused(t.err)
		sv.seen = append(sv.seen, Sighting{Device: d, way: device.Network{Host: t.host}, err: t.err})
	}
}

// tellingFirst puts those who answered, and did not want us, before addresses
// where nobody did: of several addresses of a device one may be dead.
func tellingFirst(tries []try) []try {
	sorted := slices.Clone(tries)
	slices.SortStableFunc(sorted, func(a, b try) int {
		switch x, y := answered(a.err), answered(b.err); {
		case x == y:
			return 0
		case x:
			return -1
		default:
			return 1
		}
	})
	return sorted
}
