package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) getCommand() *cobra.Command {
	var device, passwordFile string
	cmd := &cobra.Command{
		Use: "get BACKUP PATH DEST", Short: "get a file or folder out of a backup", GroupID: "inside",
		Long: `Copies a file or folder out of a backup to DEST; when that is a folder, into it. DEST -
prints a file. Nothing is overwritten; times are kept; names this system cannot store are
changed. PATH . is the whole backup. An encrypted backup needs its password.` +
			exits(russet.Usage, russet.Password, russet.NoSpace, russet.Damaged),
		Example: "  russet get latest CameraRollDomain/Media/DCIM ~/Pictures",
		Args:    needs(3, 3, "a BACKUP, a path in it and where to put it"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			which := a.which(args[0], device)
			var got host.Got
			err := a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) (err error) {
				if args[2] == "-" {
					return h.Cat(ctx, which, args[1], a.out)
				}
				show, done := a.counter("getting", 0)
				defer done()
				got, err = h.Get(ctx, which, args[1], args[2], show)
				return err
			})
			if err != nil || args[2] == "-" {
				return err
			}
			if a.json {
				err = writeJSON(a.out, got)
			} else {
				fmt.Fprintf(a.out, "%s, %s in %s\n", many(got.Files, "file"), size(got.Bytes), got.Path)
				for _, p := range got.Skipped {
					a.warn("left out: %s: %s", p.Path, p.What)
				}
				if got.Renamed > 0 {
					a.warn("%s changed, because this system cannot store it as it is", many(got.Renamed, "name"))
				}
			}
			if err == nil && got.Damaged > 0 {
				err = &russet.Error{
					Kind: russet.Damaged, What: many(got.Damaged, "file") + " could not be read from the backup",
					Hint: fmt.Sprintf("see what is wrong with it: russet verify %s --full", args[0]),
				}
			}
			return err
		},
	}
	a.deviceFlag(cmd, &device)
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}
