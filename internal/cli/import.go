package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) importCommand() *cobra.Command {
	var passwordFile string
	cmd := &cobra.Command{
		Use: "import DIR", Short: "take over backups of Finder, iTunes and others", GroupID: "backup",
		Long: `Takes over all backups found in DIR and below, archived ones too: of Finder, iTunes,
Apple Devices, idevicebackup2 and others. The source is not touched. They become archived
backups; half ones and those of iOS 9 and older are named and passed over. Finder keeps
its backups in ~/Library/Application Support/MobileSync/Backup.` +
			exits(russet.Usage, russet.NoSpace, russet.Damaged, russet.Unsupported),
		Example: "  russet import ~/\"Library/Application Support/MobileSync/Backup\"",
		Args:    needs(1, 1, "the folder that holds the backups"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.hostFor(passwordFile)
			if err != nil {
				return err
			}
			st, err := a.storeToWrite(cmd.Context(), h, russet.Device{})
			if err != nil {
				return err
			}
			show, done := a.counter("importing", 0)
			items, err := h.Import(cmd.Context(), args[0], st, show)
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
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}

func (a *app) printImported(items []host.Imported) {
	for _, item := range items {
		switch {
		case item.Problem != "":
			fmt.Fprintf(a.out, "not imported: %s: %s\n", plain(item.Path), plain(item.Problem))
		case item.Already:
			fmt.Fprintf(a.out, "had it already: %s (%s)\n", backupText(*item.Backup), plain(item.Path))
		default:
			fmt.Fprintf(a.out, "imported: %s (%s)\n", backupText(*item.Backup), plain(item.Path))
		}
	}
}
