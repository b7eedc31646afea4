package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) searchCommand() *cobra.Command {
	var device, passwordFile, backup string
	var history bool
	cmd := &cobra.Command{
		Use: "search WORDS…", Short: "find files by name, in all backups or one, with all their versions", GroupID: "inside",
		Long: `Finds files whose path holds all the words, in any case, in all backups or one, and says
which versions of each there are and in which backups. Two versions are the same when their
content is, in vaults, which know it; in folders when size and time are.

--history takes the whole path of one file instead, and says for every backup which version
it has. "russet get" takes any of them out.

Encrypted backups in folders need their password; those without one are named and passed
over.` +
			exits(russet.Usage, russet.Password, russet.Damaged),
		Example: "  russet search voicemail .amr --backup latest\n  russet search --history HomeDomain/Library/SMS/sms.db",
		Args:    needs(1, -1, "a word to search for"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var found []host.FoundFile
			var unread []russet.Problem
			err := a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) (err error) {
				if history {
					found, unread, err = h.History(ctx, strings.Join(args, " "), a.which(backup, device))
				} else {
					found, unread, err = h.Search(ctx, strings.Fields(strings.Join(args, " ")), a.which(backup, device))
				}
				return err
			})
			if err != nil {
				return err
			}
			switch {
			case a.json:
				err = writeJSON(a.out, found)
			case history:
				a.printHistory(found)
			default:
				a.printFound(found)
			}
			for _, p := range unread {
				a.warn("not searched: backup %s: %s", p.Path, p.What)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&history, "history", false, "the words are one whole path: say which version each backup has")
	cmd.Flags().StringVar(&backup, "backup", "", "only in this `BACKUP`")
	a.completeFlag(cmd, "backup", a.completeBackups)
	cmd.Flags().StringVar(&device, "device", "", "only in backups of this `DEVICE`")
	a.completeFlag(cmd, "device", a.completeDevices)
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}

// printFound shows a line for every version of every file.
func (a *app) printFound(found []host.FoundFile) {
	if len(found) == 0 {
		fmt.Fprintln(a.out, "Nothing is called so.")
		return
	}
	t := newTable("DEVICE", "BACKUPS", "VERSION", ">SIZE", "CHANGED", "PATH")
	for _, f := range found {
		for i, v := range f.Versions {
			t.row(f.Name, among(v.Backups), ordinal(i, len(f.Versions)), size(v.Size), moment(v.Time), f.Path)
		}
	}
	t.print(a.out)
}

func ordinal(i, of int) string { return fmt.Sprintf("%d of %d", i+1, of) }

// among names the backups that have a version: the first, the last, how many.
func among(list []host.Sighting) string {
	first := shortID(list[0].ID)
	if len(list) == 1 {
		return first
	}
	return fmt.Sprintf("%s … %s (%d)", first, shortID(list[len(list)-1].ID), len(list))
}

// printHistory shows a line for every backup of each device.
func (a *app) printHistory(found []host.FoundFile) {
	for i, f := range found {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		fmt.Fprintf(a.out, "%s of %q: %s\n\n", plain(f.Path), plain(f.Name), many(len(f.Versions), "version"))
		t := newTable("BACKUP", "TIME", "STORE", "VERSION", ">SIZE", "CHANGED", "SHA-256")
		for _, row := range historyRows(f) {
			t.row(row...)
		}
		t.print(a.out)
	}
}

// historyRows are the rows of one file, in the order of the backups.
func historyRows(f host.FoundFile) [][]string {
	type seen struct {
		host.Sighting
		version int // -1: it is not there
	}
	var all []seen
	for i, v := range f.Versions {
		for _, s := range v.Backups {
			all = append(all, seen{s, i})
		}
	}
	for _, s := range f.Absent {
		all = append(all, seen{s, -1})
	}
	slices.SortStableFunc(all, func(x, y seen) int { return x.Time.Compare(y.Time) })
	rows := make([][]string, 0, len(all))
	for _, s := range all {
		row := []string{shortID(s.ID), moment(s.Time), s.Store, "not there", "", "", ""}
		if s.version >= 0 {
			v := f.Versions[s.version]
			row = append(row[:3], ordinal(s.version, len(f.Versions)), size(v.Size), moment(v.Time), v.Content[:min(len(v.Content), 12)])
		}
		rows = append(rows, row)
	}
	return rows
}
