package folder

import (
	"time"

	"russet"
)

// step says how far a draft has come. Each is durable before the next begins.
type step string

const (
	receiving step = ""         // from the device
	finished  step = "finished" // the device said so: from here nothing needs the phone
	checked   step = "checked"  // the commit check passed
	built     step = "built"    // the new folder stands beside the current one
)

// draftNote is what a draft remembers of itself: draft.json.
type draftNote struct {
	ID      string          `json:"id"`
	Device  russet.UDID     `json:"device"`
	Host    string          `json:"host"` // the computer that began it
	Started time.Time       `json:"started"`
	Full    bool            `json:"full"`
	Base    russet.BackupID `json:"base,omitempty"`
	// BaseFingerprint tells whether the base is still what was offered.
	BaseFingerprint string `json:"base_fingerprint,omitempty"`
	Step            step   `json:"step,omitempty"`
	// Journal is how long the journal was when the device finished.
	Journal int64 `json:"journal,omitempty"`
	// Record is the backup it becomes, from the step "checked" on.
	Record *record `json:"record,omitempty"`
	// InPlace: the file system has no links; the current folder is changed
	// where it is, and rolled forward after a crash.
	InPlace bool `json:"in_place,omitempty"`
	// Aside says why it must not be offered again.
	Aside string `json:"aside,omitempty"`
}

const (
	noteFile    = "draft.json"
	journalFile = "journal"
	objectsDir  = "objects"
	treeDir     = "tree"
	oldDir      = "old" // the previous backup, where two cannot be exchanged in one step
	newSums     = "sums"
)
