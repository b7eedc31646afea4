// Package schedule decides, and explains what it decides: when a device is due
// for a backup, whether now is the moment, and if not, what is missing, in
// words. Everything here is a pure function of what it is told; there is no
// clock, no device and no file.
package schedule

import "time"

// Policy is what a person wants of the automatic backups of one device.
type Policy struct {
	Automatic bool          `json:"automatic"` // the toggle
	Stores    []string      `json:"stores"`    // in the order of preference; none is the default store
	Every     time.Duration `json:"every"`     // a day, a week …
	Window    Hours         `json:"window"`    // when a run may begin; the zero value is any time
	Quiet     Hours         `json:"quiet"`     // when its owner is not to be disturbed; the zero value is never
	Locked    bool          `json:"locked"`    // only while the screen is locked; does not hold for devices that ask for their passcode or never lock
	Power     bool          `json:"power"`     // only while it is on power; one that asks for its passcode, or tells nothing of its battery, need not be when its backup is late
	Battery   int           `json:"battery"`   // percent it must have at least
	Ways      Ways          `json:"ways"`
	Asks      int           `json:"asks"`    // how often a day a phone that asks for its passcode may be made to ask
	Overdue   time.Duration `json:"overdue"` // after how long without a backup somebody is told
}

// Ways says over what a device may be backed up.
type Ways string

// The ways.
const (
	AnyWay  Ways = ""
	Cable   Ways = "usb"
	Network Ways = "network"
)

// Asking says whether a device wants its passcode typed at every backup. No
// device says so beforehand; what happened last tells.
type Asking string

// What is known of it.
const (
	Unknown Asking = ""        // no run has told; it is treated like one that asks
	Never   Asking = "never"   // its last run began without a passcode
	Usually Asking = "usually" // it showed its passcode sheet in the last run
)

// Facts is what is known of a device at one moment.
type Facts struct {
	Now     time.Time // in the owner's time zone
	Since   time.Time // when the device became known
	Name    string    // of the device
	Present bool      // it can be reached now
	Way     Ways      // how: Cable or Network
	Paired  bool
	Problem string // why it cannot be backed up although it is there; "" if it can
	Locked  bool
	Power   bool
	Battery int // percent; negative when it does not tell
	Asking  Asking
	// Plugged and Unlocked are when it was last seen to become so; zero if
	// never. They outlive its going away.
	Plugged, Unlocked time.Time
	Stores            []StoreFacts // those of the policy, in its order
	Attempts          []Attempt    // oldest first, some weeks back
	Nudged            time.Time    // when its owner was last told that it waits
	Requested         time.Time    // when a person last asked for a backup; zero if that is done. It holds for a day
	Running           string       // the store of a run that is under way; "" if none
	Idle              bool         // nobody acts on the decision: no service runs
}

// StoreFacts is what is known of one store for one device.
type StoreFacts struct {
	Name    string
	Last    time.Time // when the device's newest backup there was finished; zero if there is none
	Problem string    // why it takes nothing now, in words; "" if it does
	// Copies: a backup that another store has can be copied here as it is,
	// and counts.
	Copies bool
	// Held is until when the newest backup there, which the next one would
	// replace, is left for its owner to archive; zero if it need not be.
	Held time.Time
}

// Attempt is one run that was begun.
type Attempt struct {
	At       time.Time `json:"at"`
	End      time.Time `json:"end,omitzero"` // zero if it is not known
	Store    string    `json:"store"`
	Outcome  Outcome   `json:"outcome"`
	Asked    bool      `json:"asked"`    // the phone showed its passcode sheet
	Answered bool      `json:"answered"` // and somebody typed it
	// Why is what went wrong, in words, and Next what there is to do about it;
	// "" when it went well, or nobody knows.
	Why  string `json:"why,omitempty"`
	Next string `json:"next,omitempty"`
}

// Outcome is how an attempt ended.
type Outcome string

// The outcomes.
const (
	Begun       Outcome = ""            // not ended, or nobody lived to note it
	Done        Outcome = "done"        // there is a new backup
	NotNow      Outcome = "not-now"     // nobody typed the passcode
	Interrupted Outcome = "interrupted" // the link broke, or russet was stopped
	Stopped     Outcome = "stopped"     // by a person, who has their reasons
	NoSpace     Outcome = "no-space"
	Failed      Outcome = "failed"
)

// Decision is what to do about a device now, and why.
type Decision struct {
	Start    string    `json:"start"`    // the store to back up to now; "" if not now
	Assisted bool      `json:"assisted"` // the phone will probably ask for its passcode
	Nudge    bool      `json:"nudge"`    // tell its owner first
	Copies   []Copy    `json:"copies"`   // what can be done without the device
	Due      bool      `json:"due"`
	DueSince time.Time `json:"due_since,omitzero"` // or when it will be due; zero if that is not known
	Again    time.Time `json:"again"`              // look again by then, if nothing happens before
	Missing  []Missing `json:"missing"`            // what a backup that is due waits for
	Overdue  bool      `json:"overdue"`
	Behind   []string  `json:"behind"` // the stores in which it is overdue; in all of them makes the device so
	Text     string    `json:"text"`   // one sentence for the owner, to stand after the device's name: no capital, no full stop
}

// Copy is a backup that one store has and another lacks.
type Copy struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Missing is a condition that does not hold.
type Missing struct {
	Code  Code   `json:"code"`
	Store string `json:"store,omitempty"` // the store that waits for it; "" for all
	Text  string `json:"text"`            // what is the matter: "it is not on power"
	Next  string `json:"next,omitempty"`  // what there is to do about it, if somebody must
	Said  bool   `json:"said,omitempty"`  // Decision.Text says as much

	until string    // the event that ends it: "it is on power"
	at    time.Time // or the time that does
	then  string    // and what is so then: "the quiet hours are over"
	echo  bool      // until says all that Text says
}

// Code names a condition.
type Code string

// The conditions.
const (
	Off      Code = "off"      // automatic backups are switched off
	Away     Code = "away"     // it cannot be reached
	Unpaired Code = "unpaired" // it does not trust this computer
	Trouble  Code = "problem"  // it is there, and something else is the matter
	Busy     Code = "running"  // a run is under way, or another store comes first
	Window   Code = "window"   // runs begin at other hours
	Quiet    Code = "quiet"    // its owner is not to be disturbed now
	Asks     Code = "asks"     // it asked for its passcode often enough
	Hour     Code = "hour"     // its owner usually answers at another hour
	Locked   Code = "locked"
	Power    Code = "power"
	Battery  Code = "battery"
	OtherWay Code = "way"   // it is reached over what the policy does not allow
	NoStore  Code = "store" // the store takes nothing now
	Pause    Code = "pause" // the last try failed a moment ago
	Held     Code = "held"  // the last backup may be archived before the next takes its place
)
