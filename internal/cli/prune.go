package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) policyPreview() *cobra.Command {
	return &cobra.Command{
		Use: "preview [DEVICE]", Short: "show what the policy would remove",
		Long: `Shows every backup with what becomes of it and why, and about how much room the removal
would free. Nothing is changed.` + exits(russet.Usage, russet.NotConnected),
		Example: "  russet policy preview\n  russet policy preview \"Anna's iPhone\" --json",
		Args:    needs(0, 1, "at most a DEVICE"), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, device, err := a.hostAndDevice(cmd.Context(), args)
			if err != nil {
				return err
			}
			return a.showPlans(h.PlanRetention(cmd.Context(), a.store, device))
		},
	}
}

func (a *app) pruneCommand() *cobra.Command {
	var device string
	var dry bool
	cmd := &cobra.Command{
		Use: "prune", Short: "remove the backups that the policy no longer keeps", GroupID: "backup",
		Long: `Removes the backups that the policy no longer keeps (see "russet policy"), of all devices
and stores or of those that are named. It shows them and asks first; --dry-run only shows.
The newest good backup of a device, archived ones and those in use stay.` +
			exits(russet.Usage, russet.NotConnected),
		Example: "  russet prune --dry-run\n  russet prune --device \"Anna's iPhone\" --yes",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			h, err := a.host()
			if err != nil {
				return err
			}
			udid, err := h.KnownDevice(ctx, device)
			if err != nil {
				return err
			}
			plans, unread := h.PlanRetention(ctx, a.store, udid)
			if dry || (len(plans) == 0 && unread != nil) {
				return a.showPlans(plans, unread)
			}
			if err := a.prune(ctx, h, plans, udid); err != nil {
				return err
			}
			return unread
		},
	}
	a.yesFlag(cmd)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what would be removed")
	cmd.Flags().StringVar(&device, "device", "", "only those of this `DEVICE`")
	a.completeFlag(cmd, "device", a.completeDevices)
	return cmd
}

// prune asks, and removes what was agreed.
func (a *app) prune(ctx context.Context, h *host.Host, plans []host.PrunePlan, device russet.UDID) error {
	n, frees := 0, int64(0)
	for _, p := range plans {
		n, frees = n+p.Remove, frees+p.Frees
	}
	if n == 0 {
		return a.printPlans(plans)
	}
	if !a.json {
		a.printRemovals(plans)
	}
	if err := a.confirm(ctx, fmt.Sprintf("This deletes %s for good and frees about %s.", many(n, "backup"), size(frees))); err != nil {
		return err
	}
	done, err := h.Prune(ctx, plans, device, func(p host.Planned) {
		if !a.json {
			fmt.Fprintf(a.out, "Deleted: %s\n", backupText(p.Backup))
		}
	})
	if a.json {
		return errors.Join(err, writeJSON(a.out, done))
	}
	for _, plan := range done {
		for _, p := range plan.Backups {
			if p.InUse {
				a.warn("%s stays: %s", backupText(p.Backup), strings.Join(p.Why, ", "))
			}
		}
		if plan.Remove > 0 && plan.Note != "" {
			a.warn("store %q: %s", plan.Store, plan.Note)
		}
	}
	return err
}

// showPlans prints plans, and what could not be planned for.
func (a *app) showPlans(plans []host.PrunePlan, unread error) error {
	if len(plans) == 0 && unread != nil {
		return unread
	}
	if err := a.printPlans(plans); err != nil {
		return err
	}
	return unread
}

func (a *app) printPlans(plans []host.PrunePlan) error {
	if a.json {
		return writeJSON(a.out, plans)
	}
	t := newTable("ID", "DEVICE", "TIME", ">SIZE", "STORE", "STAYS", ">FREES", "WHY")
	backups, remove, frees := 0, 0, int64(0)
	for _, plan := range plans {
		backups, remove, frees = backups+len(plan.Backups), remove+plan.Remove, frees+plan.Frees
		for _, p := range plan.Backups {
			t.row(planCells(p)...)
		}
	}
	if backups == 0 {
		fmt.Fprintln(a.out, `There is no backup yet. "russet backup" makes one.`)
		return nil
	}
	t.print(a.out)
	if remove == 0 {
		fmt.Fprintln(a.out, "The policy removes nothing.")
		return nil
	}
	fmt.Fprintf(a.out, "The policy removes %d of %s, which frees about %s (an estimate).\n", remove, many(backups, "backup"), size(frees))
	return nil
}

func planCells(p host.Planned) []string {
	stays, frees := "yes", ""
	if !p.Keep {
		stays, frees = "NO", size(p.Frees)
	}
	return []string{shortID(p.ID), nameOf(p.Backup), moment(p.Time), size(p.Size), p.Store, stays, frees, strings.Join(p.Why, "; ")}
}

// printRemovals lists only what goes.
func (a *app) printRemovals(plans []host.PrunePlan) {
	t := newTable("ID", "DEVICE", "TIME", ">SIZE", "STORE", ">FREES", "WHY")
	for _, plan := range plans {
		for _, p := range plan.Backups {
			if cells := planCells(p); !p.Keep {
				t.row(append(cells[:5:5], cells[6:]...)...)
			}
		}
	}
	t.print(a.out)
}
