package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
	"russet/internal/retention"
)

func (a *app) policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "policy", Short: "say how many backups are kept", GroupID: "backup",
		Long: `A policy says how many backups of a device are kept. In a vault it is applied after every
backup; in a folder only by "russet prune". Never removed are the newest good backup of a
device, archived ones, and those in use.`,
		Example: "  russet policy show\n  russet policy set --all --keep-daily 30\n  russet policy preview",
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.policyShow(), a.policySet(), a.policyPreview())
	return cmd
}

func (a *app) policyShow() *cobra.Command {
	return &cobra.Command{
		Use: "show [DEVICE]", Short: "tell what is kept",
		Long:    "Tells for each device and store how many backups are kept, and who said so." + exits(russet.Usage, russet.NotConnected),
		Example: "  russet policy show\n  russet policy show \"Anna's iPhone\" --store home",
		Args:    needs(0, 1, "at most a DEVICE"), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, device, err := a.hostAndDevice(cmd.Context(), args)
			if err != nil {
				return err
			}
			policies, err := h.Policies(cmd.Context(), device, a.store)
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, policies)
			}
			t := newTable("DEVICE", "STORE", "KEEPS", "WHY")
			for _, p := range policies {
				t.row(policyDevice(p), everyStore(p.Store), host.KeepText(p.Keep), p.From)
			}
			t.print(a.out)
			return nil
		},
	}
}

// hostAndDevice is the host, and the device that the first argument names, if
// there is one.
func (a *app) hostAndDevice(ctx context.Context, args []string) (*host.Host, russet.UDID, error) {
	h, err := a.host()
	if err != nil || len(args) == 0 {
		return h, "", err
	}
	device, err := h.KnownDevice(ctx, args[0])
	return h, device, err
}

func policyDevice(p host.Policy) string {
	switch {
	case p.Device == "":
		return "any other"
	case p.Name == "":
		return string(p.Device)
	default:
		return p.Name
	}
}

func everyStore(name string) string {
	if name == "" {
		return "every store"
	}
	return name
}

// keepFlags are the numbers a person may change.
type keepFlags struct {
	latest, daily, weekly, monthly, yearly string
	keepAll, reset                         bool
}

func (a *app) policySet() *cobra.Command {
	var f keepFlags
	var all bool
	cmd := &cobra.Command{
		Use: "set [DEVICE]", Short: "change how many backups are kept",
		Long: `Changes how many backups are kept of a DEVICE, or with --all of every device that has no
policy of its own; with --store only in that store. Numbers that are not named stay as they
are. A number is how many days, weeks (from Monday), months or years keep their last backup;
"all" keeps one of each, and 0 none. "russet policy preview" shows what that removes.` +
			exits(russet.Usage, russet.NotConnected),
		Example: "  russet policy set \"Anna's iPhone\" --keep-daily 30 --keep-monthly all\n  russet policy set --all --keep-all",
		Args:    needs(0, 1, "one DEVICE or --all"), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return usage(`for example: russet policy set --all --keep-daily 30`, "name one DEVICE, or say --all")
			}
			h, device, err := a.hostAndDevice(cmd.Context(), args)
			if err != nil {
				return err
			}
			policy, err := f.apply(cmd, h, host.Scope{Device: device, Store: a.store})
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, policy)
			}
			fmt.Fprintf(a.out, "Kept now: %s (%s).\n", host.KeepText(policy.Keep), policy.From)
			if !policy.All {
				fmt.Fprintln(a.out, `"russet policy preview" shows what that removes.`)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&all, "all", false, "every device that has no policy of its own")
	flags.StringVar(&f.latest, "keep-latest", "", "how many of the newest: `N`")
	flags.StringVar(&f.daily, "keep-daily", "", "the last one of how many days: `N` or all")
	flags.StringVar(&f.weekly, "keep-weekly", "", "the last one of how many weeks: `N` or all")
	flags.StringVar(&f.monthly, "keep-monthly", "", "the last one of how many months: `N` or all")
	flags.StringVar(&f.yearly, "keep-yearly", "", "the last one of how many years: `N` or all")
	flags.BoolVar(&f.keepAll, "keep-all", false, "remove nothing")
	flags.BoolVar(&f.reset, "reset", false, "forget what was set; what is set more widely holds again")
	return cmd
}

// apply does what the flags say.
func (f *keepFlags) apply(cmd *cobra.Command, h *host.Host, scope host.Scope) (host.Policy, error) {
	numbers := f.latest + f.daily + f.weekly + f.monthly + f.yearly
	switch {
	case f.reset && f.keepAll, (f.reset || f.keepAll) && numbers != "":
		return host.Policy{}, usage("say only one of them", "--keep-all, --reset and numbers exclude each other")
	case f.reset:
		return h.ResetPolicy(cmd.Context(), scope)
	case !f.keepAll && numbers == "":
		return host.Policy{}, usage("for example: --keep-daily 30, or --keep-all", "nothing to change was named")
	}
	return h.ChangePolicy(cmd.Context(), scope, func(p retention.Policy) (retention.Policy, error) {
		if f.keepAll {
			return retention.KeepAll(), nil
		}
		return f.numbers(p)
	})
}

// numbers puts the named numbers into a policy.
func (f *keepFlags) numbers(p retention.Policy) (retention.Policy, error) {
	for _, part := range []struct {
		flag, text string
		to         *int
	}{
		{"keep-latest", f.latest, &p.KeepLatest},
		{"keep-daily", f.daily, &p.KeepDaily},
		{"keep-weekly", f.weekly, &p.KeepWeekly},
		{"keep-monthly", f.monthly, &p.KeepMonthly},
		{"keep-yearly", f.yearly, &p.KeepYearly},
	} {
		if part.text == "" {
			continue
		}
		n, err := parseKeep(part.text)
		if err != nil {
			return p, usage("write a number, or all", "%q is no number for --%s", part.text, part.flag)
		}
		*part.to = n
	}
	if p.All() {
		// The policy without numbers keeps all, which is not what was said.
		return p, usage("name at least one number, or say --keep-all", "with every number 0 nothing would be kept but the newest")
	}
	return p, nil
}

// maxKeep is a number of backups nobody has.
const maxKeep = 100_000

func parseKeep(text string) (int, error) {
	if strings.EqualFold(text, "all") {
		return retention.Every, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && (n < 0 || n > maxKeep) {
		err = strconv.ErrRange
	}
	return n, err
}
