package reach

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"russet"
	"russet/device/lockdown"
	"russet/device/mdns"
	"russet/internal/doctor"
)

// everything asks whoever is there what services there are (RFC 6763, section
// 9): silence after that means that nothing gets here.
const everything = "_services._dns-sd._udp"

// Examine looks at all that may keep devices away, for the doctor, who listens to
// the network for so long. The phones are those that are here or were here, each
// once. Nothing is changed by it, not even what is remembered of whom it meets.
func (ds *Devices) Examine(ctx context.Context, listen time.Duration) (doctor.Mux, doctor.Network, []doctor.Phone) {
	v := *ds
	v.looks = true
	mux := v.readMux(ctx)
	if mux.State == doctor.MuxSilent {
		v.mux = v.noMux() // it was waited for once
	}
	sv, network := v.lookAround(ctx, mux.Devices, listen)
	return mux, network, v.readPhones(ctx, sv)
}

// lookAround is survey for one who wants to know what is in the way. It listens
// to the network only if a phone is missed that may be there.
func (ds *Devices) lookAround(ctx context.Context, onCable []russet.UDID, listen time.Duration) (survey, doctor.Network) {
	defer ds.leaveBusy()()
	here := func(udid russet.UDID) bool { return slices.Contains(onCable, udid) }
	if !slices.ContainsFunc(ds.whoIsKnown(ctx, nil, here), func(w *wanted) bool { return !here(w.udid) }) {
		return ds.survey(ctx, quest{here: true}), doctor.Network{}
	}
	listening, stop := context.WithCancel(ctx)
	var ears sync.WaitGroup
	defer ears.Wait()
	defer stop()
	phones, others := mdns.New(mdns.Options{Log: ds.log}), mdns.New(mdns.Options{Log: ds.log, Service: everything})
	for _, b := range []*mdns.Browser{phones, others} {
		ears.Go(func() { b.Run(listening, func() {}) }) //nolint:errcheck // State tells
	}
	select {
	case <-time.After(listen):
	case <-ctx.Done():
	}
	if ds.browser.CompareAndSwap(nil, phones) { // the survey hears what it heard
		defer ds.browser.CompareAndSwap(phones, nil)
	}
	sv := ds.survey(ctx, quest{again: true})
	return sv, network(sv, phones, others)
}

// leaveBusy keeps a look around away from devices that other processes are at
// work with: they are taken to be as they were when that began.
func (ds *Devices) leaveBusy() (done func()) {
	before, err := ds.remembers()
	if err != nil {
		ds.log.Warn("what was connected before is not known", "error", err)
	}
	var all []func()
	for udid, was := range before {
		if ds.home.Locked(deviceLock(udid)) {
			all = append(all, ds.working.begin(Sighting{Device: was.Device}))
		}
	}
	return func() {
		for _, done := range all {
			done()
		}
	}
}

// network sums up what was heard.
func network(sv survey, phones, others *mdns.Browser) doctor.Network {
	state, more := phones.State(), others.State()
	n := doctor.Network{
		Listened: true, Interfaces: state.Interfaces, Shared: state.Shared, Trouble: cmp.Or(state.Problem, more.Problem),
		Heard: !state.Heard.IsZero() || !more.Heard.IsZero(),
	}
	instances := map[string]bool{} // a phone announces itself on every interface
	for _, a := range phones.Adverts() {
		known := slices.ContainsFunc(sv.seen, func(s Sighting) bool { return slices.Contains(addressesOf(a, ownLeads), s.Address) })
		if who, _ := whose(sv.wanted, a); who == nil && !known {
			instances[a.Instance] = true
		}
	}
	n.Strangers = len(instances)
	return n
}

// phoneBook is what is known of phones, by their UDIDs.
type phoneBook map[russet.UDID]*page

// page is what is known of one phone.
type page struct{ doctor.Phone }

func (b phoneBook) phone(udid russet.UDID) *page {
	if b[udid] == nil {
		b[udid] = &page{doctor.Phone{Device: russet.Device{UDID: udid}}}
	}
	return b[udid]
}

func (b phoneBook) list() []doctor.Phone {
	var list []doctor.Phone
	for _, e := range b {
		list = append(list, e.Phone)
	}
	return list
}

// remember adds what is known of a phone since it was here.
func (e *page) remember(was Seen) {
	e.First, e.Met, e.MetCable = was.First, was.At, was.Cable
	name := cmp.Or(e.Name, was.Device.Name)
	if e.Name == string(e.UDID) {
		name = was.Device.Name
	}
	if !e.Here {
		e.Device = was.Device
		e.Address = was.Address
	}
	e.Name = name
}

// try adds a place where a phone was looked for in vain.
func (e *page) try(t try) {
	a := doctor.Address{Host: t.host, Fixed: t.clue == byFixed}
	a.State, a.Why = addressState(t.err)
	if t.instance != "" {
		e.Announced = append(e.Announced, a)
	} else {
		e.Addresses = append(e.Addresses, a)
	}
}

// addressState sorts what keeps a phone from answering at an address.
func addressState(err error) (doctor.AddressState, string) {
	noName, isName := errors.AsType[*net.DNSError](err)
	switch {
	case isName && noName.IsNotFound:
		return doctor.AddressNoName, "the name is not known"
	case isName:
		return doctor.AddressNoName, "the name server does not answer"
	case errors.Is(err, syscall.ECONNREFUSED):
		return doctor.AddressRefused, "the connection is refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return doctor.AddressNoRoute, "no way leads there"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return doctor.AddressSilent, "nothing comes back"
	case errors.Is(err, lockdown.ErrImpostor), errors.Is(err, lockdown.InvalidHostID), errors.Is(err, errOther):
		return doctor.AddressOther, "it does not know this computer"
	case lockdown.Dropped(err):
		return doctor.AddressSilent, "it hangs up"
	default:
		return doctor.AddressRefused, err.Error()
	}
}
