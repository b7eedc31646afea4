package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) exportCommand() *cobra.Command {
	var device string
	cmd := &cobra.Command{
		Use: "export BACKUP DIR", Short: "write a backup as Finder and iTunes expect it", GroupID: "inside",
		Long: `Writes a whole backup to DIR/<UDID>/, byte for byte what the phone sent. Finder, iTunes,
idevicebackup2 and others accept it. Nothing is overwritten; a failed export leaves nothing.` +
			exits(russet.Usage, russet.NoSpace, russet.Damaged),
		Example: "  russet export latest /media/stick",
		Args:    needs(2, 2, "a BACKUP and a folder"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			h, err := a.host()
			if err != nil {
				return err
			}
			b, err := h.FindBackup(ctx, a.which(args[0], device))
			if err != nil {
				return err
			}
			var moved host.Moved
			show, done := a.counter("exporting", b.Size)
			path, err := h.Export(ctx, b, args[1], func(m host.Moved) { moved = m; show(m) })
			done()
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, map[string]any{"backup": b.ID, "path": path, "files": moved.Files, "bytes": moved.Bytes})
			}
			_, err = fmt.Fprintf(a.out, "Exported to %s: %s, %s.\n", path, many(moved.Files, "file"), size(moved.Bytes))
			return err
		},
	}
	a.deviceFlag(cmd, &device)
	return cmd
}
