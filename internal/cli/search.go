package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) searchCommand() *cobra.Command {
	var device, passwordFile, backup string
	cmd := &cobra.Command{
		Use: "search WORDS…", Short: "find files by name, in all backups or one", GroupID: "inside",
		Long: `Finds files whose path holds all the words, in any case, in all backups or one. Encrypted
backups need their password; those without one are named and passed over.` +
			exits(russet.Usage, russet.Password, russet.Damaged),
		Example: "  russet search voicemail .amr --backup latest",
		Args:    needs(1, -1, "a word to search for"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var hits []host.Hit
			var unread []russet.Problem
			err := a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) (err error) {
				hits, unread, err = h.Search(ctx, strings.Fields(strings.Join(args, " ")), a.which(backup, device))
				return err
			})
			if err != nil {
				return err
			}
			if a.json {
				err = writeJSON(a.out, hits)
			} else {
				t := newTable("BACKUP", "DEVICE", "TIME", ">SIZE", "PATH")
				for _, hit := range hits {
					t.row(shortID(hit.Backup), hit.Name, moment(hit.Time), size(hit.Size), hit.Path)
				}
				if len(hits) > 0 {
					t.print(a.out)
				} else {
					fmt.Fprintln(a.out, "Nothing is called so.")
				}
			}
			for _, p := range unread {
				a.warn("not searched: backup %s: %s", p.Path, p.What)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&backup, "backup", "", "only in this `BACKUP`")
	a.completeFlag(cmd, "backup", a.completeBackups)
	cmd.Flags().StringVar(&device, "device", "", "only in backups of this `DEVICE`")
	a.completeFlag(cmd, "device", a.completeDevices)
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}
