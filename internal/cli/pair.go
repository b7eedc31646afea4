package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) pairCommand() *cobra.Command {
	return &cobra.Command{
		Use: "pair [DEVICE]", Short: "make a phone trust this computer", GroupID: "phone",
		Long: `Makes a phone trust this computer. The phone asks "Trust This Computer?": tap Trust and
type its passcode. Without DEVICE the only one on the cable that is not
paired is meant. Pairing twice is fine.` +
			exits(russet.Usage, russet.NotConnected, russet.NotTrusted, russet.Locked, russet.Busy, russet.Unsupported),
		Example: "  russet pair",
		Args:    needs(0, 1, "at most one DEVICE"), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			d, already, err := h.Pair(cmd.Context(), first(args), func(d russet.Device) {
				fmt.Fprintf(a.err, "%s asks whether to trust this computer: tap Trust and type its passcode.\n", quoted(d.Name))
			})
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, d)
			}
			if already {
				_, err = fmt.Fprintf(a.out, "%s trusts this computer already.\n", quoted(d.Name))
			} else {
				_, err = fmt.Fprintf(a.out, "%s trusts this computer now. Back it up with: russet backup\n", quoted(d.Name))
			}
			if err == nil && !d.WiFi {
				_, err = fmt.Fprintf(a.out, "To back it up without the cable, too: russet devices wifi %s on\n", d.UDID)
			}
			return err
		},
	}
}

func (a *app) unpairCommand() *cobra.Command {
	return &cobra.Command{
		Use: "unpair DEVICE", Short: "make a phone and this computer forget each other", GroupID: "phone",
		Long: `Makes a phone and this computer forget each other. Backups stay. A phone that is not
connected is forgotten here only; it lists this computer until its trusted computers
are reset. Computers that share an exported pairing lose it together.` + exits(russet.Usage, russet.NotConnected, russet.NotTrusted),
		Example: "  russet unpair \"Anna's iPhone\"",
		Args:    needs(1, 1, "a DEVICE"), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			d, told, err := h.Unpair(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, map[string]any{"udid": d.UDID, "name": d.Name, "told": told})
			}
			fmt.Fprintf(a.out, "%s and this computer are no longer paired.\n", quoted(d.Name))
			if !told {
				a.warn("the phone could not be told; this computer alone forgot the pairing")
			}
			return nil
		},
	}
}

// first is the first word, "" when there is none.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// quoted shows a stranger's name in a sentence.
func quoted(name string) string { return `"` + plain(name) + `"` }
