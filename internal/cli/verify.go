package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) verifyCommand() *cobra.Command {
	var all, full bool
	var device, passwordFile, older string
	cmd := &cobra.Command{
		Use: "verify [BACKUP]", Short: "check that a backup is whole", GroupID: "trust",
		Long: `Checks that a backup is whole. Nothing is changed. There are two levels:

  usual    the manifest opens, and every file it names is there, with the right size. In a
           vault: every chunk of every file is in the index, and its pack is in the vault
           and long enough.
  --full   reads every byte, decrypts it, compares it with the checksum taken when it came
           from the phone, and opens the databases. In a vault also makes the phone's
           ciphertext again and compares that. A backup whose every byte is good is
           remembered as verified ("verified" in russet backups --json).

--all takes all backups. --older-than 30d takes those that were never found good by --full,
or not since; it implies --all and --full: run it every night, and little is read twice.

An encrypted backup in a folder needs its password for --full. A vault needs it only for
what came before the vault knew it, which is checked as ciphertext without. A password that
is named with --password-file and does not open the backup is refused. The exit status is 0
only when everything is good.` +
			exits(russet.Usage, russet.Password, russet.Damaged, russet.Stopped),
		Example: "  russet verify latest --full\n  russet verify --all\n  russet verify --older-than 30d",
		Args:    needs(0, 1, "one BACKUP or --all"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			age, err := parseAge(older)
			if err != nil {
				return err
			}
			aged := older != ""
			if (all || aged) == (len(args) == 1) {
				return usage("for example: russet verify latest", "name one BACKUP, or say --all or --older-than")
			}
			return a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) error {
				backups, unread := a.toVerify(ctx, h, args, device)
				if unread != nil && len(backups) == 0 {
					return unread
				}
				if aged {
					backups = notVerifiedSince(backups, time.Now().Add(-age))
				}
				if err := a.verifyEach(ctx, h, backups, full || aged); err != nil {
					return err
				}
				return unread
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all backups")
	cmd.Flags().BoolVar(&full, "full", false, "read, decrypt and hash every byte")
	cmd.Flags().StringVar(&older, "older-than", "", "all that were never verified in full, or not for this `AGE`: 12h, 30d, 4w; implies --full")
	a.deviceFlag(cmd, &device)
	a.passwordFlag(cmd, &passwordFile)
	return cmd
}

// parseAge reads an age as people write it: 12h, 30d, 4w.
func parseAge(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	units := map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	unit, known := units[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 16)
	if !known || err != nil {
		return 0, usage("for example --older-than 30d", "%q is no age: a number and h, d or w", s)
	}
	return time.Duration(n) * unit, nil
}

// notVerifiedSince picks those that were never found good, or not since, the
// longest ago first.
func notVerifiedSince(backups []russet.Backup, since time.Time) []russet.Backup {
	backups = slices.DeleteFunc(backups, func(b russet.Backup) bool { return b.Verified != nil && b.Verified.After(since) })
	slices.SortStableFunc(backups, func(a, b russet.Backup) int { return verifiedAt(a).Compare(verifiedAt(b)) })
	return backups
}

// verifiedAt is when a backup was found good; the beginning of time if never.
func verifiedAt(b russet.Backup) time.Time {
	if b.Verified == nil {
		return time.Time{}
	}
	return *b.Verified
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
