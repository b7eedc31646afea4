package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) demoCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use: "demo", Short: "see it all with a virtual iPhone; no phone needed", GroupID: "about",
		Long: `Switches a virtual iPhone on inside this program and does with it what russet does with
yours: pair, encrypt, back up, live a day, back up again, archive, verify, restore onto a
second phone, compare. Everything goes the way it goes with a real phone, through a
usbmuxd socket, and lies in a temporary folder that is gone afterwards.

--keep leaves the phones running, so that you can play with them from another terminal.` +
			exits(russet.NoSpace, russet.Stopped),
		Example: "  russet demo --keep",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			dir, err := os.MkdirTemp("", "russet-demo-")
			if err != nil {
				return fmt.Errorf("make a temporary folder: %w", err)
			}
			d := &demo{app: a, dir: dir}
			defer d.end(&err)
			if err := d.play(cmd.Context()); err != nil {
				return err
			}
			if a.json {
				if err := writeJSON(a.out, map[string]any{"good": true, "steps": d.steps}); err != nil {
					return err
				}
			}
			if keep {
				d.keep(cmd.Context())
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the phones running until Ctrl-C")
	return cmd
}

// home is russet's own folder during the demo.
func (d *demo) home() string { return filepath.Join(d.dir, "home") }
