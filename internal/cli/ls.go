package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) lsCommand() *cobra.Command {
	var device, passwordFile string
	cmd := &cobra.Command{
		Use: "ls BACKUP [PATH]", Short: "list the files in a backup", GroupID: "inside",
		Long: `Lists a folder in a backup, as the phone had it. The first step of a path is a domain,
for example CameraRollDomain/Media/DCIM. An encrypted backup needs its password.` +
			exits(russet.Usage, russet.Password, russet.Damaged),
		Example: "  russet ls latest HomeDomain/Library/SMS",
		Args:    needs(1, 2, "a BACKUP and at most one path in it"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			var entries []host.Entry
			err := a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) (err error) {
				entries, err = h.List(ctx, a.which(args[0], device), first(args[1:]))
				return err
			})
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, entries)
			}
			t := newTable(">SIZE", "TIME", "NAME")
			for _, e := range entries {
				name, bytes := e.Name, size(e.Size)
				switch e.Kind {
				case "folder":
					name, bytes = name+"/", ""
				case "link":
					bytes = "link"
				}
				t.row(bytes, moment(e.Time), name)
			}
			if len(entries) == 0 {
				fmt.Fprintln(a.err, "The folder is empty.")
				return nil
			}
			t.print(a.out)
			return nil
		},
	}
	a.deviceFlag(cmd, &device)
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}
