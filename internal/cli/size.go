package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) sizeCommand() *cobra.Command {
	var device, passwordFile string
	var top int
	cmd := &cobra.Command{
		Use: "size BACKUP", Short: "say what takes the room in a backup", GroupID: "inside",
		Long: `Says how much of a backup each app and each part of the system takes, and which files are
the largest. An encrypted backup needs its password.` +
			exits(russet.Usage, russet.Password, russet.Damaged),
		Example: "  russet size latest --top 10",
		Args:    needs(1, 1, "a BACKUP"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			if top < 1 {
				return usage("for example --top 10", "--top must be at least 1")
			}
			var s host.Sizes
			err := a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) (err error) {
				s, err = h.Size(ctx, a.which(args[0], device), top)
				return err
			})
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, s)
			}
			fmt.Fprintf(a.out, "%s in %s\n\n", size(s.Total.Bytes), many(s.Total.Files, "file"))
			t := newTable(">SIZE", ">FILES", "APP OR DOMAIN")
			for _, d := range s.Domains[:min(top, len(s.Domains))] {
				t.row(size(d.Bytes), count(d.Files), d.Name)
			}
			t.print(a.out)
			if rest := len(s.Domains) - top; rest > 0 {
				fmt.Fprintf(a.out, "and %s more (--top)\n", count(rest))
			}
			fmt.Fprintln(a.out, "\nThe largest files:")
			for _, f := range s.Largest {
				fmt.Fprintf(a.out, "%10s  %s\n", size(f.Size), plain(f.Path))
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&top, "top", 20, "how many to show: `N`")
	a.deviceFlag(cmd, &device)
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}
