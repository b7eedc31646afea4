package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "say why a phone is not seen or not backed up", GroupID: "trust",
		Long: `Looks at everything a backup needs (usbmuxd, the cable, each phone's trust, the stores,
the room on their disks, the last runs) and says what is wrong and what to do. The exit
status is that of the worst finding.` +
			exits(russet.Usage, russet.NotConnected, russet.NotTrusted, russet.Locked, russet.NoSpace, russet.Damaged),
		Example: "  russet doctor",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			findings, kind := h.Doctor(cmd.Context())
			if a.json {
				err = writeJSON(a.out, findings)
			} else {
				for _, f := range findings {
					mark := "!"
					if f.Good {
						mark = "ok"
					}
					fmt.Fprintf(a.out, "%-3s %s\n", mark, plain(f.What))
					if f.Hint != "" {
						fmt.Fprintf(a.out, "    next: %s\n", plain(f.Hint))
					}
				}
			}
			if err == nil && kind != 0 {
				err = quiet{kind}
			}
			return err
		},
	}
}
