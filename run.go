package russet

import (
	"strconv"
	"strings"
	"time"
)

// Run is one attempt to back up a device, with its outcome.
type Run struct {
	ID       string    `json:"id"`
	Device   UDID      `json:"device"`
	Name     string    `json:"name"`
	Store    string    `json:"store"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Outcome  string    `json:"outcome"` // "done", "partial", "failed", "interrupted", "stopped", "not-now" (nobody unlocked it)
	Error    string    `json:"error,omitempty"`
	Code     int       `json:"code,omitempty"` // the device's own
	Kind     Kind      `json:"kind,omitempty"` // of the error; 0 when done, or not noted
	Hint     string    `json:"hint,omitempty"` // what there is to do about it
	Backup   BackupID  `json:"backup,omitempty"`
	Received int64     `json:"received"` // bytes from the device
	Sent     int64     `json:"sent"`     // bytes to the device
	Files    int       `json:"files"`    // files received
	Unread   []Problem `json:"unread"`   // files the phone could not read
	Resumed  bool      `json:"resumed"`
	Way      string    `json:"way,omitempty"`      // "usb" or "network"
	By       string    `json:"by,omitempty"`       // "schedule", or "" for a person
	Passcode bool      `json:"passcode,omitempty"` // the phone showed its passcode sheet
	Waited   float64   `json:"waited,omitempty"`   // seconds until somebody typed it or it was over
}

// Why is what went wrong, without what was being done: that is known of a run.
func (r Run) Why() string {
	text := r.Error
	rest, ok := strings.CutPrefix(text, "back up ")
	for ok {
		name, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return text
		}
		rest = rest[len(name):]
		if why, done := strings.CutPrefix(rest, ": "); done {
			return why
		}
		rest, ok = strings.CutPrefix(rest, " to the store ")
	}
	return text
}

// Stage says where a run is.
type Stage string

// The stages of a run, in their usual order.
const (
	Connecting Stage = "connecting"
	Waiting    Stage = "waiting"   // the phone prepares, or waits for its passcode
	Preparing  Stage = "preparing" // the phone reads the last backup
	Receiving  Stage = "receiving"
	Moving     Stage = "moving"
	Checking   Stage = "checking" // the phone reads back what we hold
	Committing Stage = "committing"
	Sending    Stage = "sending" // a restore
	Done       Stage = "done"
)

// Event is one step of progress of a run.
type Event struct {
	Time     time.Time `json:"time"`
	Device   UDID      `json:"device"`
	Stage    Stage     `json:"stage"`
	Percent  float64   `json:"percent"` // 0 to 100; -1 when the phone has not said
	Bytes    int64     `json:"bytes"`   // transferred so far, the way of the stage
	Files    int       `json:"files"`
	Rate     float64   `json:"rate"`               // bytes per second, lately
	Message  string    `json:"message,omitempty"`  // a sentence for the person
	Passcode bool      `json:"passcode,omitempty"` // the phone shows its passcode sheet
	Quiet    float64   `json:"quiet,omitempty"`    // seconds without a sign of life, when many
}
