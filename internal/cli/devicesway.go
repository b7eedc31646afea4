package cli

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) devicesAddAddress() *cobra.Command {
	return &cobra.Command{
		Use: "add-address DEVICE HOST", Short: "say where a phone is to be looked for",
		Long: `Has a phone looked for at an address, beside where it announces itself and where it was the
last time: behind a VPN, in another subnet, from a container that hears no announcements.
HOST is an IP address or a name; the port is always 62078. Who answers there is known only
after it has proved that it is the phone.` + exits(russet.Usage, russet.NotConnected),
		Example: "  russet devices add-address \"Anna's iPhone\" 192.168.20.17\n  russet devices add-address \"Anna's iPhone\" anna.tail1234.ts.net",
		Args:    needs(2, 2, "a DEVICE and a HOST"), ValidArgsFunction: a.completeFirst(a.completeDevices),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			d, err := h.AddAddress(cmd.Context(), args[0], args[1])
			if err == nil && !knownName(cmd.Context(), args[1]) {
				a.warn("the name %q leads nowhere at present", args[1])
			}
			return a.sayAddresses(d, err)
		},
	}
}

// nameLimit bounds the wait for a name server.
const nameLimit = 3 * time.Second

// knownName reports whether the name of a host leads anywhere; an address does.
func knownName(ctx context.Context, name string) bool {
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, nameLimit)
	defer cancel()
	_, err := net.DefaultResolver.LookupHost(ctx, name)
	return err == nil
}

func (a *app) devicesRemoveAddress() *cobra.Command {
	return &cobra.Command{
		Use: "remove-address DEVICE HOST", Short: "no longer look for a phone there",
		Long:    `Takes back an address that "russet devices add-address" gave a phone.` + exits(russet.Usage, russet.NotConnected),
		Example: "  russet devices remove-address \"Anna's iPhone\" 192.168.20.17",
		Args:    needs(2, 2, "a DEVICE and a HOST"), ValidArgsFunction: a.completeAddress,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			d, err := h.RemoveAddress(cmd.Context(), args[0], args[1])
			return a.sayAddresses(d, err)
		},
	}
}

func (a *app) sayAddresses(d host.DeviceSettings, err error) error {
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.out, map[string]any{"udid": d.UDID, "name": d.Name, "addresses": append([]string{}, d.Addresses...)})
	}
	if len(d.Addresses) == 0 {
		_, err = fmt.Fprintf(a.out, "%s is looked for only where it announces itself or was the last time.\n", quoted(d.Name))
	} else {
		_, err = fmt.Fprintf(a.out, "%s is looked for at %s, too.\n", quoted(d.Name), strings.Join(d.Addresses, ", "))
	}
	return err
}

func (a *app) devicesWiFi() *cobra.Command {
	cmd := &cobra.Command{
		Use: "wifi DEVICE on|off", Short: "switch a phone's Wi-Fi access on or off",
		Long: `Switches a phone's Wi-Fi access on or off: whether computers it trusts find it in the
network and may back it up there. It is what Finder calls "Show this iPhone when on Wi-Fi",
and is switched on over the cable, once. A phone that is in the network and switches it off
leaves at once; then only the cable brings it back.` +
			exits(russet.Usage, russet.NotConnected, russet.NotTrusted, russet.Locked, russet.Busy, russet.Unsupported),
		Example: "  russet devices wifi \"Anna's iPhone\" on",
		Args:    needs(2, 2, "a DEVICE, and on or off"), ValidArgsFunction: a.completeFirst(a.completeDevices, "on", "off"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[1] != "on" && args[1] != "off" {
				return usage("the form is: "+cmd.UseLine(), "%q is neither on nor off", args[1])
			}
			return a.setWiFi(cmd.Context(), args[0], args[1] == "on")
		},
	}
	a.yesFlag(cmd)
	return cmd
}

func (a *app) setWiFi(ctx context.Context, word string, on bool) error {
	h, err := a.host()
	if err != nil {
		return err
	}
	if !on {
		there, _, err := h.Connected(ctx, []string{word})
		if err != nil {
			return err
		}
		if there[0].Connection == "network" {
			what := fmt.Sprintf("%s is reached over Wi-Fi now. It will leave at once, and only the cable brings it back.", quoted(there[0].Name))
			if err := a.confirm(ctx, what); err != nil {
				return err
			}
		}
	}
	d, verified, err := h.SetWiFi(ctx, word, on)
	if err != nil {
		return err
	}
	if err := h.ChooseWiFi(ctx, d, on); err != nil {
		return err
	}
	switch {
	case a.json:
		return writeJSON(a.out, map[string]any{"udid": d.UDID, "name": d.Name, "wifi": on, "verified": verified})
	case on:
		fmt.Fprintf(a.out, "%s can be backed up over Wi-Fi now: unplug it, and \"russet devices\" finds it in this network.\n", quoted(d.Name))
	case verified:
		fmt.Fprintf(a.out, "%s can be backed up over the cable only.\n", quoted(d.Name))
	default:
		fmt.Fprintf(a.out, "%s was told, and left the network before it could confirm. From now on it needs the cable.\n", quoted(d.Name))
	}
	return nil
}

// completeFirst completes the first word by f and the second from a list.
func (a *app) completeFirst(f completion, second ...string) completion {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return f(cmd, args, word)
		case 1:
			return second, cobra.ShellCompDirectiveNoFileComp
		default:
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// completeAddress completes a device, then one of its addresses.
func (a *app) completeAddress(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.completeDevices(cmd, args, word)
	}
	h, err := a.host()
	if err != nil || len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	udid, err := h.KnownDevice(cmd.Context(), args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	d, err := h.DeviceSettings(udid)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return d.Addresses, cobra.ShellCompDirectiveNoFileComp
}
