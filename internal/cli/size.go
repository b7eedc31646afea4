package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) sizeCommand() *cobra.Command {
	var device, passwordFile string
	var top int
	var domains, growth bool
	cmd := &cobra.Command{
		Use: "size [BACKUP]", Short: "say what takes the room in a backup, and what of it is new", GroupID: "inside",
		Long: `Says how much of a backup each app and each part of the system takes, which files are the
largest, and what of it is new: added or changed since the backup of the same device before
it, in the same store. Without a BACKUP it is the latest. An encrypted backup in a folder
needs its password.

--growth lists all backups instead, device by device, with how large each is and how much it
added to its store. It opens none of them.` +
			exits(russet.Usage, russet.Password, russet.Damaged),
		Example: "  russet size latest --top 10\n  russet size --growth",
		Args:    needs(0, 1, "one BACKUP"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			if top < 1 {
				return usage("for example --top 10", "--top must be at least 1")
			}
			if growth {
				if len(args) > 0 {
					return usage("for example: russet size --growth --device \"Anna's iPhone\"", "--growth is about all backups, not about one")
				}
				return a.growth(cmd.Context(), device)
			}
			var s host.Sizes
			err := a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) (err error) {
				s, err = h.Size(ctx, a.which(append(args, host.Latest)[0], device), top)
				return err
			})
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, s)
			}
			a.printSizes(s, top, domains)
			return nil
		},
	}
	cmd.Flags().IntVar(&top, "top", 20, "how many to show: `N`")
	cmd.Flags().BoolVar(&domains, "domains", false, "each container of an app by itself")
	cmd.Flags().BoolVar(&growth, "growth", false, "how large the backups became, and what each added")
	a.deviceFlag(cmd, &device)
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}

func (a *app) printSizes(s host.Sizes, top int, domains bool) {
	fmt.Fprintf(a.out, "%s in %s\n", size(s.Total.Bytes), many(s.Total.Files, "file"))
	if s.Since != nil {
		fmt.Fprintf(a.out, "New since %s (%s): %s in %s\n", moment(s.Since.Time), shortID(s.Since.ID), size(s.New.Bytes), many(s.New.Files, "file"))
	}
	if s.Unknown != "" {
		a.warn("what is new is not known: %s", s.Unknown)
	}
	fmt.Fprintln(a.out)
	total := len(s.Apps)
	t := newTable(">SIZE", ">NEW", ">FILES", "APP OR DOMAIN")
	if domains {
		total = len(s.Domains)
		for _, d := range s.Domains[:min(top, total)] {
			t.row(size(d.Bytes), newText(d.New), count(d.Files), d.Name)
		}
	} else {
		for _, p := range s.Apps[:min(top, total)] {
			name := p.Name
			if p.Bundle != "" && p.Bundle != p.Name {
				name += " (" + p.Bundle + ")"
			}
			t.row(size(p.Bytes), newText(p.New), count(p.Files), name)
		}
	}
	t.print(a.out)
	if rest := total - top; rest > 0 {
		fmt.Fprintf(a.out, "and %s more (--top)\n", count(rest))
	}
	a.printLargest("The largest files:", s.Largest)
	a.printLargest("The largest of the new ones:", s.LargestNew)
}

func newText(n host.Amount) string {
	if n.Files == 0 {
		return ""
	}
	return size(n.Bytes)
}

func (a *app) printLargest(title string, files []host.SizedFile) {
	if len(files) == 0 {
		return
	}
	fmt.Fprintf(a.out, "\n%s\n", title)
	for _, f := range files {
		fmt.Fprintf(a.out, "%10s  %s\n", size(f.Size), plain(f.Path))
	}
}

// growth lists how the backups grew.
func (a *app) growth(ctx context.Context, device string) error {
	h, err := a.host()
	if err != nil {
		return err
	}
	list, unread := h.Growth(ctx, a.which("", device))
	if list == nil && unread != nil {
		return unread
	}
	if a.json {
		if err := writeJSON(a.out, list); err != nil {
			return err
		}
		return unread
	}
	if len(list) == 0 {
		fmt.Fprintln(a.out, `There is no backup yet. "russet backup" makes one.`)
		return unread
	}
	t := newTable("DEVICE", "STORE", "TIME", "ID", ">FILES", ">SIZE", ">GROWN", ">ADDED")
	var added int64
	for _, g := range list {
		t.row(g.Name, g.Store, moment(g.Time), shortID(g.ID), count(g.Files), size(g.Size), size(g.Grown), size(g.Added))
		added += g.Added
	}
	t.print(a.out)
	fmt.Fprintf(a.out, "%s added %s\n", many(len(list), "backup"), size(added))
	return unread
}
