package cli

import (
	"context"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "policy", Short: "say when backups are made, and how many are kept", GroupID: "backup",
		Long: `A policy says when "russet serve" backs up a device by itself, and how many of its backups
are kept. The latter is applied after every backup to a vault; in a folder only by "russet
prune". Never removed are the newest good backup of a device, archived ones, those in use.`,
		Example: "  russet policy show\n  russet policy set --all --keep-daily 30\n  russet policy set anna --stores nas,s3 --quiet 21:00-08:00\n  russet policy preview",
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.policyShow(), a.policySet(), a.policyPreview())
	return cmd
}

func (a *app) policyShow() *cobra.Command {
	return &cobra.Command{
		Use: "show [DEVICE]", Short: "tell when backups are made, and what is kept",
		Long: "Tells for each device and store how many backups are kept, and for each device when it is\n" +
			"backed up by itself; and who said so." + exits(russet.Usage, russet.NotConnected),
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
			names := namesakesOf(policies, func(p host.Policy) (russet.UDID, string) { return p.Device, p.Name })
			for _, p := range policies {
				t.row(policyDevice(p, names), everyStore(p.Store), host.KeepText(p.Keep), p.From)
			}
			t.print(a.out)
			a.printSchedules(policies, names)
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

func policyDevice(p host.Policy, names namesakes) string {
	if p.Device == "" {
		return "any other"
	}
	return names.call(p.Device, p.Name)
}

func everyStore(name string) string {
	if name == "" {
		return "every store"
	}
	return name
}
