package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) devicesCommand() *cobra.Command {
	cmd := a.devicesList()
	cmd.Use, cmd.Short, cmd.GroupID = "devices", "list the phones that are connected, and say how they are reached", "phone"
	cmd.Annotations = map[string]string{worksAlone: "yes"}
	cmd.Args = unknownCommand
	cmd.AddCommand(a.devicesList(), a.devicesAddAddress(), a.devicesRemoveAddress(), a.devicesWiFi(),
		a.devicesExport(), a.devicesImport())
	return cmd
}

func (a *app) devicesList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the phones that are connected",
		Long: `Lists iPhones and iPads that are connected, on the cable or in this network: how, whether
they trust this computer, and what is in the way of a backup. In the network only those are
found that are paired with this computer and whose Wi-Fi access is on. One that should be
there and is not listed: "russet doctor" says why.` + exits(russet.NotConnected),
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

// wayOf says how a device is reached.
func wayOf(d russet.Device) string {
	return strings.TrimSpace(way(d.Connection) + " " + d.Address)
}

// model is the product as people know it, as far as it is known.
func model(d russet.Device) string { return cmp.Or(d.Product, d.ProductType) }

func (a *app) printDevices(devices []russet.Device) {
	if len(devices) == 0 {
		fmt.Fprintln(a.out, `No iPhone or iPad is connected, on the cable or in this network. If one should be, "russet doctor" says why it is not seen.`)
		return
	}
	t := newTable("NAME", "MODEL", "IOS", "HOW", "PAIRED", "LOCKED", "ENCRYPTED", "UDID")
	for _, d := range devices {
		encrypted, paired := yes(d.Encrypted), yes(d.Paired)
		if d.EncryptedUnknown {
			encrypted = "?"
		}
		if !d.Paired {
			encrypted = "?" // only a paired phone tells
			if !d.Untrusted {
				paired = "?" // it did not come to that
			}
		}
		t.row(d.Name, model(d), d.IOS, wayOf(d), paired, yes(d.Locked), encrypted, string(d.UDID))
	}
	t.print(a.out)
	names := namesakesOf(devices, func(d russet.Device) (russet.UDID, string) { return d.UDID, d.Name })
	for _, d := range devices {
		if d.Problem != "" {
			a.warn("%q: %s", names.call(d.UDID, d.Name), d.Problem)
		}
	}
}
