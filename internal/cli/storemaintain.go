package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) storeMaintain() *cobra.Command {
	var now, takeOver bool
	cmd := &cobra.Command{
		Use: "maintain [NAME]", Short: "tidy up a vault and free what was deleted",
		Long: `Compacts a vault's index, turns what is still kept as ciphertext into content where its key
is known, and frees what no backup refers to any more. Once a day it runs by itself after
a backup.

What was deleted stays about 3 days, since other computers may be writing into the vault.
--now frees it at once; that is refused while a backup runs. One computer looks after a
vault; --take-over makes it this one.` + exits(russet.Usage, russet.NotConnected, russet.Busy, russet.Damaged),
		Example: "  russet store maintain home\n  russet store maintain home --now",
		Args:    needs(0, 1, "at most the name of a store"), ValidArgsFunction: a.completeStores,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			name := a.store
			if len(args) == 1 {
				name = args[0]
			}
			done, err := h.Maintain(cmd.Context(), name, now, takeOver)
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, done)
			}
			if done.Converted > 0 {
				fmt.Fprintf(a.out, "%s of ciphertext are kept as content now.\n", size(done.Converted))
			}
			fmt.Fprintf(a.out, "The vault %q is tidied up: %s freed, in %s.\n", done.Store, size(max(0, done.Freed)), done.Took)
			return nil
		},
	}
	cmd.Flags().BoolVar(&now, "now", false, "free at once what was deleted")
	cmd.Flags().BoolVar(&takeOver, "take-over", false, "let this computer look after the vault")
	return cmd
}
