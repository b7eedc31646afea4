package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) devicesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "devices", Short: "list the phones that are connected", GroupID: "phone",
		Long: `Lists iPhones and iPads that are connected: how, whether they trust this computer, and
what is in the way of a backup. A phone that is plugged in and not listed:
"russet doctor" says why.` + exits(russet.NotConnected),
		Example: "  russet devices --json",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			devices, err := a.devices(cmd.Context(), h)
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, devices)
			}
			a.printDevices(devices)
			return nil
		},
	}
}

// model is the product as people know it, as far as it is known.
func model(d russet.Device) string { return cmp.Or(d.Product, d.ProductType) }

func (a *app) printDevices(devices []russet.Device) {
	if len(devices) == 0 {
		fmt.Fprintln(a.out, `No iPhone or iPad is connected. If one is plugged in, "russet doctor" says why it is not seen.`)
		return
	}
	t := newTable("NAME", "MODEL", "IOS", "HOW", "PAIRED", "LOCKED", "ENCRYPTED", "UDID")
	for _, d := range devices {
		encrypted := yes(d.Encrypted)
		if !d.Paired {
			encrypted = "?" // only a paired phone tells
		}
		t.row(d.Name, model(d), d.IOS, d.Connection, yes(d.Paired), yes(d.Locked), encrypted, string(d.UDID))
	}
	t.print(a.out)
	for _, d := range devices {
		if d.Problem != "" {
			a.warn("%q: %s", d.Name, d.Problem)
		}
	}
}
