package reach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"russet"
	"russet/internal/durable"
	"russet/internal/home"
)

// Seen is a device that russet had a session with. A phone forgets a computer
// that it heard nothing of for a month.
type Seen struct {
	Device  russet.Device `json:"device"` // as it was then
	First   time.Time     `json:"first"`
	At      time.Time     `json:"at"`                 // the last session; on disk it may lag an hour behind
	Cable   time.Time     `json:"cable"`              // the last one over the cable
	Address string        `json:"address,omitempty"`  // where it was last reached on the network
	Service string        `json:"service,omitempty"`  // what it calls itself in mDNS, in its own words
	Found   string        `json:"found_as,omitempty"` // the mDNS instance it was found under
}

const (
	seenFile = "seen.json"
	// maxSeen bounds the file; a device takes half a kilobyte.
	maxSeen = 4 << 20
	// seenEvery is how often a session that brought nothing new is written
	// down: disks should be able to sleep.
	seenEvery = time.Hour
)

// seenFolks is the devices russet knows, by their UDIDs.
type seenFolks = map[russet.UDID]Seen

// memory is seen.json in this process.
type memory struct {
	mu      sync.Mutex
	latest  seenFolks // the sessions of this process
	written seenFolks // what of them is on disk
	// noted are those that were found on disk. One that is there no longer was
	// forgotten by another process.
	noted map[russet.UDID]bool
}

// Remembered lists every device that russet ever had a session with, by name.
func (ds *Devices) Remembered() ([]Seen, error) {
	folks, err := ds.remembers()
	list := slices.SortedFunc(maps.Values(folks), func(a, b Seen) int {
		return cmp.Or(strings.Compare(a.Device.Name, b.Device.Name), strings.Compare(string(a.Device.UDID), string(b.Device.UDID)))
	})
	return list, err
}

// remembers is the file with what this process knows beyond it.
func (ds *Devices) remembers() (seenFolks, error) {
	folks, there := seenFolks{}, false
	dir, err := ds.home.Open()
	if err == nil {
		if there, err = dir.Exists(seenFile); err == nil {
			folks, err = readSeen(dir)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	ds.memory.mu.Lock()
	defer ds.memory.mu.Unlock()
	if there {
		ds.memory.compare(folks)
	}
	for udid, s := range ds.memory.latest {
		if s.At.After(folks[udid].At) {
			folks[udid] = s
		}
	}
	return folks, nil
}

// compare lets go of devices that another process forgot: they were on disk, and
// are there no more. memory.mu is held.
func (m *memory) compare(onDisk seenFolks) {
	for udid := range m.noted {
		if _, ok := onDisk[udid]; !ok {
			delete(m.latest, udid)
			delete(m.written, udid)
		}
	}
	m.noted = map[russet.UDID]bool{}
	for udid := range onDisk {
		m.noted[udid] = true
	}
}

// readSeen reads seen.json. Entries whose key is no UDID are passed over, for
// keys become parts of paths.
func readSeen(dir *durable.Dir) (seenFolks, error) {
	folks := seenFolks{}
	err := dir.ReadJSON(seenFile, maxSeen, &folks)
	if errors.Is(err, fs.ErrNotExist) {
		return folks, nil
	}
	if err != nil {
		return nil, &russet.Error{
			Kind: russet.Damaged, Doing: "read which phones russet knows", What: err.Error(),
			Hint: fmt.Sprintf("remove the file %s; phones are found again over the cable", seenFile), Err: err,
		}
	}
	maps.DeleteFunc(folks, func(udid russet.UDID, s Seen) bool { return !udid.Valid() || s.Device.UDID != udid })
	return folks, nil
}

// saw notes a session. That it cannot be written down is no reason to stop, and
// to have looked around is none to make a home.
func (ds *Devices) saw(ctx context.Context, s Sighting, instance string) {
	if !s.Paired || !s.UDID.Valid() {
		return
	}
	folks, err := ds.remembers()
	if err != nil {
		ds.log.Warn("a session cannot be noted", "error", err)
		return
	}
	now := ds.now().UTC()
	known, ok := folks[s.UDID]
	if !ok {
		known.First = now
	}
	known.Device, known.At = brief(s.Device), now
	known.Service = cmp.Or(clip(s.service), known.Service)
	known.Found = cmp.Or(clip(instance), known.Found)
	if s.Connection == overCable {
		known.Cable = now
	} else {
		known.Address = cmp.Or(s.Address, known.Address)
	}
	if _, err := ds.home.Open(); ds.looks || errors.Is(err, fs.ErrNotExist) {
		ds.memory.keep(known)
		return
	}
	if !ds.memory.add(known) {
		return
	}
	if err := ds.changeSeen(ctx, func(folks seenFolks) {
		if other := folks[s.UDID]; other.Cable.After(known.Cable) {
			known.Cable = other.Cable // another process wrote meanwhile
		}
		folks[s.UDID] = known
	}); err != nil {
		ds.log.Warn("a session could not be noted", "error", err)
	}
}

// maxText bounds what is remembered of a device's words.
const maxText = 512

// clip cuts a device's words to what is worth remembering.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "")
}

// brief is a device without what is true only now, in few words.
func brief(d russet.Device) russet.Device {
	for _, s := range []*string{&d.Name, &d.Class, &d.ProductType, &d.IOS, &d.Build} {
		*s = clip(*s)
	}
	d.Problem, d.Untrusted = "", false
	return d
}

// keep keeps s for as long as this process lives.
func (m *memory) keep(s Seen) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.latest == nil {
		m.latest, m.written = seenFolks{}, seenFolks{}
	}
	m.latest[s.Device.UDID] = s
}

// add keeps s, and reports whether it is worth writing down.
func (m *memory) add(s Seen) bool {
	m.keep(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	udid := s.Device.UDID
	old, ok := m.written[udid]
	if ok && sameFacts(old, s) && s.At.Sub(old.At) < seenEvery && s.Cable.Sub(old.Cable) < seenEvery {
		return false
	}
	m.written[udid] = s
	return true
}

// sameFacts compares what does not change by the minute.
func sameFacts(a, b Seen) bool {
	for _, s := range []*Seen{&a, &b} {
		s.At, s.Cable = time.Time{}, time.Time{}
		d := &s.Device
		d.Locked, d.Power, d.Battery, d.Connection, d.Address = false, false, 0, "", ""
	}
	return a == b
}

// changeSeen changes seen.json while no other process can.
func (ds *Devices) changeSeen(ctx context.Context, change func(seenFolks)) error {
	dir, err := ds.home.Make()
	if err != nil {
		return err
	}
	lock, err := home.WaitLock(ctx, dir, "locks/seen.lock")
	if err != nil {
		return home.Error(err)
	}
	folks, err := readSeen(dir)
	if err == nil {
		change(folks)
		err = dir.ReplaceJSON(seenFile, folks, 0o600)
	}
	return errors.Join(err, lock.Unlock())
}

// forgetSeen drops a device from memory.
func (ds *Devices) forgetSeen(ctx context.Context, udid russet.UDID) error {
	ds.memory.mu.Lock()
	delete(ds.memory.latest, udid)
	delete(ds.memory.written, udid)
	ds.memory.mu.Unlock()
	return ds.changeSeen(ctx, func(folks seenFolks) { delete(folks, udid) })
}
