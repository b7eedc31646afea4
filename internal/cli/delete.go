package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) deleteCommand() *cobra.Command {
	var device string
	cmd := &cobra.Command{
		Use: "delete BACKUP", Short: "delete a backup, or what an unfinished run left", GroupID: "backup",
		Long: `Deletes a backup for good, or what an unfinished run left behind (see "russet backups
--incomplete"). An archived backup is refused until "russet unarchive".` +
			exits(russet.Usage, russet.Busy),
		Example: "  russet delete 3f9a --yes",
		Args:    needs(1, 1, "a BACKUP"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			h, err := a.host()
			if err != nil {
				return err
			}
			b, last, err := h.ToDelete(ctx, a.which(args[0], device))
			if err != nil {
				return err
			}
			what := fmt.Sprintf("This deletes the backup %s for good.", backupText(b))
			if last {
				what += fmt.Sprintf(" It is the only backup of %q.", b.Name)
			}
			if err := a.confirm(ctx, what); err != nil {
				return err
			}
			if err := h.Delete(ctx, b); err != nil {
				return err
			}
			return a.printBackup(b, "Deleted")
		},
	}
	a.yesFlag(cmd)
	a.deviceFlag(cmd, &device)
	return cmd
}
