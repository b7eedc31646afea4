package cli

import (
	"github.com/spf13/cobra"

	"russet"
)

func (a *app) copyCommand() *cobra.Command {
	var from, to, device string
	var all bool
	cmd := &cobra.Command{
		Use: "copy [BACKUP] --from NAME --to NAME", Short: "copy backups from one store to another", GroupID: "backup",
		Long: `Copies one backup, or with --all every one, from one store to another. They keep their
identity; those that are there already are passed over. In a folder they become archived.` +
			exits(russet.Usage, russet.NotConnected, russet.NoSpace, russet.Damaged),
		Example:               "  russet copy --all --from main --to disk2",
		DisableFlagsInUseLine: true,
		Args:                  needs(0, 1, "one BACKUP or --all"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			if from == "" || to == "" {
				return usage(`"russet store list" shows their names`, "name both stores with --from and --to")
			}
			if all == (len(args) == 1) {
				return usage("for example: russet copy latest --from main --to disk2", "name one BACKUP, or say --all")
			}
			h, err := a.host()
			if err != nil {
				return err
			}
			which := a.which(first(args), device)
			which.Store = from
			show, done := a.counter("copying", 0)
			items, err := h.Copy(cmd.Context(), which, to, show)
			done()
			if a.json {
				if jsonErr := writeJSON(a.out, items); err == nil {
					err = jsonErr
				}
				return err
			}
			a.printImported(items)
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the store to copy from: `NAME`")
	cmd.Flags().StringVar(&to, "to", "", "the store to copy to: `NAME`")
	cmd.Flags().BoolVar(&all, "all", false, "all backups")
	a.deviceFlag(cmd, &device)
	a.completeFlag(cmd, "from", a.completeStores)
	a.completeFlag(cmd, "to", a.completeStores)
	return cmd
}
