package service

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/internal/durable"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/schedule"
)

// stateVersion is that of the files in "automation". Another one is not read:
// what is lost with it is learnt again.
const stateVersion = 1

// What is kept, and for how long.
const (
	maxState    = 4 << 20 // bytes of a file
	keepTries   = 60 * 24 * time.Hour
	maxTries    = 1000
	maxOutbox   = 100
	houseFile   = "house.json"
	privateFile = fs.FileMode(0o600)
)

// state is what must not be forgotten of a device.
type state struct {
	Version int           `json:"version"`
	Device  russet.Device `json:"device"` // as it was in the last session
	Since   time.Time     `json:"since"`  // when it became known
	Met     time.Time     `json:"met"`    // when the last session was, to the hour
	// Present and what follows are of the last look, to see what changed.
	Present   bool               `json:"present"`
	Plugged   time.Time          `json:"plugged,omitzero"`
	Unlocked  time.Time          `json:"unlocked,omitzero"`
	Locked    time.Time          `json:"locked,omitzero"` // when it was last seen locked
	Open      time.Time          `json:"open,omitzero"`   // since when it has been here and not locked; zero if it is not
	Nudged    time.Time          `json:"nudged,omitzero"`
	Requested time.Time          `json:"requested,omitzero"`
	Attempts  []schedule.Attempt `json:"attempts"`
	WiFi      time.Time          `json:"wifi,omitzero"`   // when switching it on was last tried
	Short     map[string]short   `json:"short,omitempty"` // by store: where the last backup did not fit
	Kept      map[string]kept    `json:"kept,omitempty"`  // by store: the newest backup there
	Prior     prior              `json:"prior,omitzero"`
	board
}

// kept is the newest backup of a device in a store.
type kept struct {
	ID russet.BackupID `json:"id"`
	// At is when it was made, by this computer's clock if it knows.
	At time.Time `json:"at"`
}

// prior is the last backup of before another iOS came, in a store where the
// next one takes its place.
type prior struct {
	ID    russet.BackupID `json:"id"`
	Store string          `json:"store"`
	Since time.Time       `json:"since"` // when the other iOS was seen
}

// short is a backup that did not fit into a store.
type short struct {
	At    time.Time `json:"at"`
	Room  int64     `json:"room"`            // bytes there were
	Asked bool      `json:"asked,omitempty"` // its owner typed a passcode for nothing
}

// house is what must not be forgotten beside the devices.
type house struct {
	Version int                   `json:"version"`
	Since   time.Time             `json:"since"`
	Chores  map[string]choreState `json:"chores"`
	// Looked is when a verification last looked at a backup and did not find it
	// good, by store and backup.
	Looked map[string]time.Time `json:"looked,omitempty"`
	board
}

// choreState is what is known of a chore.
type choreState struct {
	Since    time.Time `json:"since"`         // when it became known
	Done     time.Time `json:"done,omitzero"` // when it was last done to its end
	Tried    time.Time `json:"tried,omitzero"`
	Failures int       `json:"failures,omitempty"` // since it was done
}

// board is what people are told of something.
type board struct {
	Alarms map[string]raised `json:"alarms"`
	Outbox []letter          `json:"outbox"` // not delivered yet, oldest first
}

// raised is an alarm that people were told of.
type raised struct {
	Message notify.Message `json:"message"`
	Since   time.Time      `json:"since"`
	Told    time.Time      `json:"told"`
	Over    time.Time      `json:"over,omitzero"`    // when it ceased; zero while it holds
	Letter  string         `json:"letter,omitempty"` // the ID of the last message of it
}

// letter is a message on its way.
type letter struct {
	ID       string         `json:"id"`
	Message  notify.Message `json:"message"`
	Channels []string       `json:"channels,omitempty"` // that are still to be told; empty: all
	Tries    int            `json:"tries,omitempty"`
	After    time.Time      `json:"after,omitzero"` // when it is tried again
}

// load reads everything, once. The service of a home makes the folder for it;
// who only asks finds nothing where none ever ran. Service.mu is held.
func (s *Service) load(makes bool) error {
	if s.dir != nil {
		return nil
	}
	open := s.host.FindAutomation
	if makes {
		open = s.host.Automation
	}
	dir, err := open()
	if errors.Is(err, fs.ErrNotExist) {
		s.house = cmp.Or(s.house, newHouse(s.now()))
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := dir.ReadDir(".")
	if err != nil {
		return errors.Join(fmt.Errorf("read what the service remembers: %w", err), dir.Close())
	}
	s.dir, s.house = dir, &house{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		udid := russet.UDID(name)
		switch {
		case e.Name() == houseFile:
			if !s.read(dir, houseFile, s.house, func() bool { return s.house.Version == stateVersion }) {
				s.house = &house{}
			}
		case ok && udid.Valid():
			st := &state{}
			if s.read(dir, e.Name(), st, func() bool { return st.Version == stateVersion && st.Device.UDID == udid }) {
				s.states[udid] = st
			}
		}
	}
	if s.house.Version != stateVersion {
		s.house = newHouse(s.now())
	}
	runs, err := s.choreRuns()
	for _, r := range runs { // oldest first
		s.ran[choreKey(host.Chore{Kind: r.Kind, Store: r.Store, To: r.To}, r.Device)] = r
	}
	if err != nil {
		s.log.Warn("what was done with the stores cannot be read", "error", err)
	}
	return nil
}

func newHouse(now time.Time) *house { return &house{Version: stateVersion, Since: now} }

// read reads one file. One that cannot be used, for it is damaged or of another
// version, is set aside if this is the service of the home: it blocks nothing.
func (s *Service) read(dir *durable.Dir, name string, v any, good func() bool) bool {
	data, err := dir.ReadFile(name, maxState)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err == nil && good() {
		return true
	}
	s.log.Warn("what the service remembered cannot be used, and is set aside", "file", name, "error", err)
	s.aside = append(s.aside, name)
	return false
}

// setAside moves what cannot be used out of the way. Service.mu is held.
func (s *Service) setAside() {
	for _, name := range s.aside {
		if err := s.dir.Rename(name, name+".unusable"); err != nil {
			s.log.Warn("a file cannot be set aside", "file", name, "error", err)
		}
	}
	s.aside = nil
}

// stateOf is what is remembered of a device, new if nothing is. Service.mu is
// held.
func (s *Service) stateOf(d russet.Device) *state {
	st := s.states[d.UDID]
	if st == nil {
		st = &state{Version: stateVersion, Device: d, Since: s.now()}
		s.states[d.UDID] = st
	}
	return st
}

// save writes what is remembered of a device. Only the service of the home
// writes. Service.mu is held.
func (s *Service) save(st *state) error {
	if s.base == nil {
		return nil
	}
	now := s.now()
	st.Attempts = slices.DeleteFunc(st.Attempts, func(a schedule.Attempt) bool { return now.Sub(a.At) > keepTries })
	st.Attempts = st.Attempts[max(0, len(st.Attempts)-maxTries):]
	return s.write(string(st.Device.UDID)+".json", st)
}

func (s *Service) saveHouse() error {
	if s.base == nil {
		return nil
	}
	return s.write(houseFile, s.house)
}

// rewrite writes again what could not be written, and reports whether all is
// written now. Service.mu is held.
func (s *Service) rewrite() bool {
	if s.trouble == nil {
		return true
	}
	for _, st := range s.states {
		if s.save(st) != nil {
			return false
		}
	}
	return s.saveHouse() == nil
}

func (s *Service) write(name string, v any) error {
	err := s.dir.ReplaceJSON(name, v, privateFile)
	if err != nil {
		err = fmt.Errorf("write what must not be forgotten to %q: %w", name, err)
		s.log.Error("the service cannot keep what it knows", "error", err)
	}
	s.trouble = err
	return err
}
