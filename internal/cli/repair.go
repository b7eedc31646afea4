package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) repairCommand() *cobra.Command {
	return &cobra.Command{
		Use: "repair NAME", Short: "mend a store after an interruption or damage", GroupID: "trust",
		Long: `Mends in a store what an interruption or damage left behind, and names what it cannot
mend. Backups that are good are not touched.` +
			exits(russet.Usage, russet.NotConnected, russet.NoSpace, russet.Busy, russet.Damaged),
		Example: "  russet repair main",
		Args:    needs(1, 1, "the name of a store"), ValidArgsFunction: a.completeStores,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			repairs, err := h.Repair(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			left := 0
			for _, r := range repairs {
				if !r.Mended {
					left++
				}
			}
			if a.json {
				err = writeJSON(a.out, append([]russet.Repair{}, repairs...))
			} else {
				for _, r := range repairs {
					word := "cannot be mended"
					if r.Mended {
						word = "mended"
					}
					fmt.Fprintf(a.out, "%s: %s\n", word, plain(r.What))
				}
				if len(repairs) == 0 {
					fmt.Fprintln(a.out, "There is nothing to mend.")
				}
			}
			if err == nil && left > 0 {
				err = &russet.Error{
					Kind: russet.Damaged, What: many(left, "thing") + " cannot be mended",
					Hint: "the next backup of the device brings anew what is missing",
				}
			}
			return err
		},
	}
}
