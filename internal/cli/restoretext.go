package cli

import (
	"fmt"
	"io"

	"russet"
	"russet/internal/host"
)

// printPlan is the answer to --dry-run.
func (a *app) printPlan(plan host.RestorePlan) error {
	if a.json {
		return writeJSON(a.out, plan)
	}
	a.explainPlan(a.out, plan)
	_, err := fmt.Fprintln(a.out, "This was a dry run: nothing was changed.")
	return err
}

// explainPlan says what a restore will do and what will not come back.
func (a *app) explainPlan(w io.Writer, plan host.RestorePlan) {
	fmt.Fprintf(w, "Backup:  %s, iOS %s, %s\n", backupText(plan.Backup), plan.Backup.IOS, many(plan.Backup.Files, "file"))
	fmt.Fprintf(w, "Onto:    %s (%s, iOS %s)\n", quoted(plan.Device.Name), plain(model(plan.Device)), plain(plan.Device.IOS))
	if len(plan.Lost) > 0 {
		fmt.Fprintln(w, "These will not come back:")
		for _, l := range plan.Lost {
			fmt.Fprintf(w, "  - %s\n", plain(l))
		}
	}
	for _, n := range plan.Notes {
		fmt.Fprintf(w, "Note: %s\n", plain(n))
	}
}

// restoreJSON is the line that ends a restore.
type restoreJSON struct {
	Type   string          `json:"type"`
	Backup russet.BackupID `json:"backup"`
	Device russet.UDID     `json:"device"`
	host.RestoreResult
}

func (a *app) printRestored(plan host.RestorePlan, r host.RestoreResult) error {
	if a.json {
		return writeJSON(a.out, restoreJSON{"result", plan.Backup.ID, plan.Device.UDID, r})
	}
	fmt.Fprintf(a.out, "%s is restored: %s sent.\n", quoted(plan.Device.Name), size(r.Sent))
	if r.Rebooted {
		fmt.Fprintln(a.out, "The phone restarts now. Its apps are downloaded again in the background, which can take hours.")
	}
	return nil
}
