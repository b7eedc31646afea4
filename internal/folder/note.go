package folder

import "russet/internal/drafts"

// The steps of a draft after "finished". Each is durable before the next begins.
const (
	checked drafts.Step = "checked" // the commit check passed
	built   drafts.Step = "built"   // the new folder stands beside the current one
)

// draftNote is what a draft remembers of itself: draft.json.
type draftNote struct {
	drafts.Note
	Host string `json:"host"` // the computer that began it
	// Record is the backup it becomes, from the step "checked" on.
	Record *record `json:"record,omitempty"`
	// InPlace: the file system has no links; the current folder is changed
	// where it is, and rolled forward after a crash.
	InPlace bool `json:"in_place,omitempty"`
}

const (
	journalFile = "journal"
	objectsDir  = "objects"
	treeDir     = "tree"
	oldDir      = "old" // the previous backup, where two cannot be exchanged in one step
	newSums     = "sums"
)
