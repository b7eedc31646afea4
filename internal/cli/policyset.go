package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

// policyFlags are what "policy set" takes.
type policyFlags struct {
	keep       keepFlags
	schedule   scheduleFlags
	all, reset bool
}

func (a *app) policySet() *cobra.Command {
	var f policyFlags
	cmd := &cobra.Command{
		Use: "set [DEVICE]", Short: "change when backups are made, or how many are kept",
		Long: `Changes when a DEVICE is backed up by itself and how many of its backups are kept, or with
--all those of every device that has no policy of its own. What is not named stays as it is.

How many are kept can be said for one store with --store. A number is how many days, weeks
(from Monday), months or years keep their last backup; "all" keeps one of each, and 0 none.
"russet policy preview" shows what that removes.

When a device is backed up is said for all its stores: "russet serve" begins when the last
backup is old enough (--every), in the window, on power, and locked. A phone that asks for
its passcode needs its owner: it need not be locked, may ask a few times a day at most
(--asks) and never in the quiet hours, and needs no power once its backup is late. "default"
for a value takes back what was set.` +
			exits(russet.Usage, russet.NotConnected),
		Example: "  russet policy set \"Anna's iPhone\" --keep-daily 30 --keep-monthly all\n" +
			"  russet policy set --all --keep-all\n" +
			"  russet policy set --all --stores nas,s3 --quiet 21:00-08:00\n" +
			"  russet policy set \"Anna's iPhone\" --automatic off",
		Args: needs(0, 1, "one DEVICE or --all"), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error { return a.setPolicy(cmd, args, &f) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.all, "all", false, "every device that has no policy of its own")
	f.keep.register(flags)
	f.schedule.register(flags)
	flags.BoolVar(&f.reset, "reset", false, "forget all that was set; what is set more widely holds again")
	a.completeFlag(cmd, "stores", a.completeStores)
	return cmd
}

func (a *app) setPolicy(cmd *cobra.Command, args []string, f *policyFlags) error {
	if f.all == (len(args) == 1) {
		return usage(`for example: russet policy set --all --keep-daily 30`, "name one DEVICE, or say --all")
	}
	h, device, err := a.hostAndDevice(cmd.Context(), args)
	if err != nil {
		return err
	}
	policy, err := f.change(cmd.Context(), h, host.Scope{Device: device, Store: a.store})
	if err != nil {
		return err
	}
	for _, doubt := range policy.Schedule.Doubts() {
		if f.schedule.named() {
			a.warn("%s", doubt)
		}
	}
	if a.json {
		return writeJSON(a.out, policy)
	}
	if f.keep.named() || f.reset {
		fmt.Fprintf(a.out, "Kept now: %s (%s).\n", host.KeepText(policy.Keep), policy.From)
	}
	if f.keep.named() && !policy.All {
		fmt.Fprintln(a.out, `"russet policy preview" shows what that removes.`)
	}
	if f.schedule.named() || f.reset && a.store == "" {
		fmt.Fprintf(a.out, "Now %s (%s).\n", policy.Schedule.Text(), policy.ScheduleFrom)
	}
	return nil
}

// change does what the flags say.
func (f *policyFlags) change(ctx context.Context, h *host.Host, scope host.Scope) (host.Policy, error) {
	named := f.keep.named() || f.schedule.named()
	switch {
	case f.reset && named:
		return host.Policy{}, usage("say only one of them", "--reset forgets everything, so nothing can be set with it")
	case f.reset:
		return h.ResetPolicy(ctx, scope)
	case !named:
		return host.Policy{}, usage("for example: --keep-daily 30, --keep-all, --every 12h or --automatic off", "nothing to change was named")
	case f.schedule.named() && scope.Store != "":
		return host.Policy{}, usage("leave --store away; --stores nas,s3 says where its backups go",
			"when a device is backed up is said for all its stores: --%s does not go with --store", f.schedule.first())
	}
	change, err := f.schedule.parse()
	if err != nil {
		return host.Policy{}, err
	}
	var policy host.Policy
	if f.schedule.named() {
		policy, err = h.ChangeSchedule(ctx, scope.Device, change)
	}
	if err == nil && f.keep.named() {
		policy, err = f.keep.change(ctx, h, scope)
	}
	return policy, err
}
