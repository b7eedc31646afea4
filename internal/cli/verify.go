package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) verifyCommand() *cobra.Command {
	var all, full bool
	var device, passwordFile string
	cmd := &cobra.Command{
		Use: "verify [BACKUP]", Short: "check that a backup is whole", GroupID: "trust",
		Long: `Checks that a backup is whole: that its manifest opens and every file is there with the
right size. --full reads, decrypts and hashes every byte and opens the databases; an
encrypted backup needs its password for that. Nothing is changed. The exit status is 0 only
when everything is good.` +
			exits(russet.Usage, russet.Password, russet.Damaged, russet.Stopped),
		Example: "  russet verify latest --full\n  russet verify --all",
		Args:    needs(0, 1, "one BACKUP or --all"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return usage("for example: russet verify latest", "name one BACKUP, or say --all")
			}
			return a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) error {
				backups, unread := a.toVerify(ctx, h, args, device)
				if unread != nil && len(backups) == 0 {
					return unread
				}
				if err := a.verifyEach(ctx, h, backups, full); err != nil {
					return err
				}
				return unread
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all backups")
	cmd.Flags().BoolVar(&full, "full", false, "read, decrypt and hash every byte")
	a.deviceFlag(cmd, &device)
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}

// toVerify is the backup that was named, or all of them; those of stores that
// cannot be read are an error beside the others.
func (a *app) toVerify(ctx context.Context, h *host.Host, args []string, device string) ([]russet.Backup, error) {
	if len(args) == 1 {
		b, err := h.FindBackup(ctx, a.which(args[0], device))
		if err != nil {
			return nil, err
		}
		return []russet.Backup{b}, nil
	}
	udid, err := a.knownDevice(ctx, device)
	if err != nil {
		return nil, err
	}
	return h.Backups(ctx, a.store, udid, false)
}

func (a *app) verifyEach(ctx context.Context, h *host.Host, backups []russet.Backup, full bool) error {
	reports := []russet.VerifyReport{}
	damaged := 0
	for _, b := range backups {
		show, done := a.counter("checking "+shortID(b.ID), b.Size)
		report, err := h.Verify(ctx, b, full, func(read int64) { show(host.Moved{Bytes: read}) })
		done()
		if err != nil {
			return err
		}
		if len(report.Problems) > 0 {
			damaged++
		}
		reports = append(reports, report)
		if !a.json {
			a.printReport(report)
		}
	}
	if a.json {
		if err := writeJSON(a.out, reports); err != nil {
			return err
		}
	} else if len(backups) == 0 {
		fmt.Fprintln(a.out, "There is no backup to verify.")
	}
	if damaged == 0 {
		return nil
	}
	return &russet.Error{
		Kind: russet.Damaged, What: fmt.Sprintf("%d of %s damaged", damaged, many(len(backups), "backup")),
		Hint: `"russet repair" mends what can be mended; the next backup of the device brings the rest anew`,
	}
}

// problemText names what is wrong, and with which file when it is about one.
func problemText(p russet.Problem) string {
	if p.Path == "" {
		return plain(p.What)
	}
	return plain(p.Path) + ": " + plain(p.What)
}

func (a *app) printReport(r russet.VerifyReport) {
	verdict, how := "good", "every file is there with its size"
	if r.Full {
		how = "every byte was read"
	}
	if len(r.Problems) > 0 {
		verdict, how = "DAMAGED", many(len(r.Problems), "problem")
	}
	fmt.Fprintf(a.out, "%s: %s (%s, %s; %s)\n", verdict, backupText(r.Backup), many(r.Files, "file"), size(r.Bytes), how)
	for _, p := range r.Problems {
		fmt.Fprintf(a.out, "  %s\n", problemText(p))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(a.out, "  note: %s\n", plain(n))
	}
}
