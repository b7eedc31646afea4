package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) diffCommand() *cobra.Command {
	var device, passwordFile string
	cmd := &cobra.Command{
		Use: "diff BACKUP BACKUP", Short: "say what changed between two backups", GroupID: "inside",
		Long: `Says which files were added (+), removed (-) or changed (~) from the first backup to the
second. Two backups in vaults are compared by what is in the files, others by size and time.
Encrypted backups in folders need their password.` +
			exits(russet.Usage, russet.Password, russet.Damaged),
		Example: "  russet diff 3f9a latest",
		Args:    needs(2, 2, "two BACKUPs"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			var d host.Diff
			err := a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) (err error) {
				d, err = h.Diff(ctx, a.which(args[0], device), a.which(args[1], device))
				return err
			})
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, d)
			}
			for _, c := range d.Changes {
				switch c.Kind {
				case "added":
					fmt.Fprintf(a.out, "+ %s  %s\n", plain(c.Path), size(c.Size))
				case "removed":
					fmt.Fprintf(a.out, "- %s  %s\n", plain(c.Path), size(c.Was))
				default:
					fmt.Fprintf(a.out, "~ %s  %s -> %s\n", plain(c.Path), size(c.Was), size(c.Size))
				}
			}
			_, err = fmt.Fprintf(a.out, "%s added (%s), %s removed (%s), %s changed (now %s)\n",
				many(d.Added.Files, "file"), size(d.Added.Bytes), count(d.Removed.Files), size(d.Removed.Bytes),
				count(d.Changed.Files), size(d.Changed.Bytes))
			return err
		},
	}
	a.deviceFlag(cmd, &device)
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}
