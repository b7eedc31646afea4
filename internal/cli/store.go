package cli

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) storeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "store", Short: "say where backups are kept", GroupID: "backup",
		Long: `A store is where backups are kept: a folder that Finder and iTunes would accept, or a
vault: encrypted, every backup a version, on a disk or a server.
The first backup makes a folder by itself; add your own store to choose the place.`,
		Example: "  russet store add main folder:/srv/backups\n  russet store add home vault:/mnt/disk/phones\n  russet store list",
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.storeAdd(), a.storeList(), a.storeStatus(), a.storeSet(), a.storeRemove(),
		a.storePassword(), a.storeKit(), a.storeRecover(), a.storeMaintain())
	return cmd
}

func (a *app) storeList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the stores",
		Long:    "Lists the stores in the order they were added." + exits(),
		Example: "  russet store list --json",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(*cobra.Command, []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			stores, err := h.Stores()
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, append([]host.StoreSettings{}, stores...))
			}
			if len(stores) == 0 {
				fmt.Fprintln(a.out, "There is no store yet. The first backup makes one, or add your own:")
				fmt.Fprintln(a.out, "  russet store add main folder:/path")
				return nil
			}
			t := newTable("NAME", "URL", ">ALLOWANCE")
			for _, st := range stores {
				t.row(st.Name, st.URL, allowanceText(st.Allowance))
			}
			t.print(a.out)
			return nil
		},
	}
}

// roomText is how much room a store has; a server that does not tell is said to
// have some 10^15 bytes.
func roomText(n int64) string {
	if n >= 1<<50 {
		return "-"
	}
	return size(n)
}

func allowanceText(n int64) string {
	if n == 0 {
		return "-"
	}
	return size(n)
}

func (a *app) storeStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status [NAME]", Short: "tell how the stores are",
		Long: "Tells for each store how many backups it holds, how large they are, how much room is\n" +
			"left, how much of its allowance is used, and whether it can be used now." + exits(russet.Usage, russet.NotConnected),
		Example: "  russet store status",
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
			all, err := h.StoreStatuses(cmd.Context(), name)
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, all)
			}
			a.printStatuses(all)
			return nil
		},
	}
}

func (a *app) printStatuses(all []host.StoreStatus) {
	if len(all) == 0 {
		fmt.Fprintln(a.out, "There is no store yet. The first backup makes one.")
		return
	}
	t := newTable("NAME", "URL", ">BACKUPS", ">DEVICES", ">SIZE", ">ROOM", ">USED", ">ALLOWANCE")
	for _, s := range all {
		t.row(s.Name, s.URL, count(s.Backups), count(s.Devices), size(s.Size), roomText(s.Free), size(s.Used), allowanceText(s.Allowance))
	}
	t.print(a.out)
	for _, s := range all {
		for _, device := range slices.Sorted(maps.Keys(s.DeviceUsed)) {
			fmt.Fprintf(a.out, "%s: %s uses %s of its allowance of %s\n", s.Name, device, size(s.DeviceUsed[device]), size(s.DeviceAllowances[device]))
		}
		if s.Freeing > 0 {
			a.warn("store %q: about %s of deleted backups are being freed: %s", s.Name, size(s.Freeing), s.FreeingNote)
		}
		if s.Problem != "" {
			a.warn("%s", s.Problem)
		}
	}
}

// parseSize reads 50GB, 1.5 TB, 500000000 or none (0). Units are steps of a
// thousand; KiB, MiB and so on of 1024. Who leaves the unit of a small number
// out does not mean bytes.
func parseSize(s string) (int64, error) {
	bytes, bare, err := parseBytes(s)
	switch {
	case err != nil:
		return 0, usage("write for example 50GB or 1.5TB, or none", "%q is not a size", s)
	case bare && bytes < 1e6:
		return 0, usage(fmt.Sprintf("write for example %dGB", bytes), "%q is a size without a unit", s)
	}
	return bytes, nil
}

// parseRate reads 2MB/s, 500KB, 500000 or none (0): so much a second.
func parseRate(s string) (int64, error) {
	bytes, bare, err := parseBytes(strings.TrimSuffix(s, "/s"))
	if err != nil || bare && bytes < 1e3 {
		return 0, usage("write for example 2MB/s, or none", "%q is no rate", s)
	}
	return bytes, nil
}

// parseBytes reads a number with a unit or, if bare, without one.
func parseBytes(s string) (n int64, bare bool, err error) {
	text := strings.ToLower(strings.TrimSpace(s))
	if text == "none" {
		return 0, false, nil
	}
	digits := strings.TrimRight(text, "kmgtibyes ")
	unit := strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(text, digits)), "b")
	factors := map[string]float64{
		"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
		"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40,
	}
	number, err := strconv.ParseFloat(digits, 64)
	bytes := number * factors[unit]
	if err == nil && (!(bytes >= 1) || bytes >= math.MaxInt64) {
		err = strconv.ErrRange
	}
	if err != nil {
		return 0, false, err
	}
	return int64(bytes), digits == text, nil
}

func (a *app) storeRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "forget a store; its backups stay where they are",
		Long: "Forgets a store. Its backups stay where they are, and \"russet store add\" joins them again." +
			exits(russet.Usage),
		Example: "  russet store remove main",
		Args:    needs(1, 1, "the name of a store"), ValidArgsFunction: a.completeStores,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			gone, err := h.RemoveStore(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, gone)
			}
			fmt.Fprintf(a.out, "The store %q is forgotten. Its backups stay in %s\n", gone.Name, strings.TrimPrefix(gone.URL, "folder:"))
			return nil
		},
	}
	return cmd
}
