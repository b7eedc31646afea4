package service

import (
	"context"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/schedule"
)

// Status is how everything stands.
type Status struct {
	Time    time.Time      `json:"time"`
	Serving bool           `json:"serving"` // a service does all this by itself
	Devices []DeviceStatus `json:"devices"`
	Stores  []StoreStatus  `json:"stores"`
	Chores  []ChoreStatus  `json:"chores"`
	Running []Running      `json:"running"`
	// Alarms are what people were told of and still holds.
	Alarms []Alarm `json:"alarms"`
	// Problems are what keeps the service itself from working, in words.
	Problems []string `json:"problems"`
}

// DeviceStatus is how a device stands.
type DeviceStatus struct {
	russet.Device
	// Called is its name and, where another device has the same, what tells them
	// apart.
	Called   string            `json:"called"`
	Present  bool              `json:"present"`       // it can be reached now
	Seen     time.Time         `json:"seen,omitzero"` // when russet last had a session with it
	Policy   schedule.Policy   `json:"policy"`
	Decision schedule.Decision `json:"decision"`
	Stores   []StoreBackup     `json:"stores"` // those of its policy
	Running  *Running          `json:"running,omitempty"`
	Queued   bool              `json:"queued,omitempty"` // it waits until another device is done
	Last     *russet.Run       `json:"last,omitempty"`   // its last run, whatever came of it
}

// StoreBackup is the newest backup of a device in a store.
type StoreBackup struct {
	Name    string         `json:"name"`
	Backup  *russet.Backup `json:"backup,omitempty"` // nil if there is none
	Problem string         `json:"problem,omitempty"`
}

// StoreStatus is a store as it was last looked at.
type StoreStatus struct {
	host.StoreStatus
	Looked time.Time `json:"looked"`
}

// ChoreStatus is how a chore stands.
type ChoreStatus struct {
	host.Chore
	Last    *ChoreRun `json:"last,omitempty"`
	Next    time.Time `json:"next,omitzero"`     // when it is due; zero for never
	Waiting string    `json:"waiting,omitempty"` // what a chore that is due waits for
	Running bool      `json:"running,omitempty"`
}

// Running is a run that is under way, or waits for its turn.
type Running struct {
	Device russet.UDID  `json:"device"`
	Name   string       `json:"name"`
	Called string       `json:"called"` // as in DeviceStatus
	Store  string       `json:"store"`
	By     string       `json:"by,omitempty"` // "schedule", or "" for a person
	Since  time.Time    `json:"since"`
	Event  russet.Event `json:"event"` // the last one
}

// Alarm is a trouble of which people were told.
type Alarm struct {
	Kind   notify.Kind `json:"kind"`
	Device russet.UDID `json:"device,omitempty"`
	Store  string      `json:"store,omitempty"`
	Title  string      `json:"title"`
	Text   string      `json:"text"`
	Next   string      `json:"next"`
	Since  time.Time   `json:"since"`
}

// Request is a backup that a person wants now.
type Request struct {
	Device   russet.UDID
	Store    string // "" is the only one
	Full     bool
	Retry    int    // how many more attempts after one that a person or the link spoiled
	Password string // the backup password, for this run; "" if it is not needed
}

// Running tells what is under way.
func (s *Service) Running() []Running {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running()
}

// Status tells how everything stands. A service that runs answers from what it
// knows; else it looks once, and changes nothing.
func (s *Service) Status(ctx context.Context) (Status, error) {
	views, err := s.look(ctx, false)
	if err != nil {
		return Status{}, err
	}
	return s.status(views), nil
}
