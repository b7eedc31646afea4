package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) archiveCommand() *cobra.Command {
	var device, note string
	cmd := &cobra.Command{
		Use: "archive BACKUP", Short: "keep a backup until you say otherwise", GroupID: "backup",
		Long: `Keeps a backup until you say otherwise: the next backup of the device does not replace
it, and it cannot be deleted before "russet unarchive".` +
			exits(russet.Usage, russet.NoSpace, russet.Busy, russet.Damaged),
		Example: "  russet archive latest --note \"before iOS 27\"",
		Args:    needs(1, 1, "a BACKUP"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			b, err := h.Archive(cmd.Context(), a.which(args[0], device), note)
			if err != nil {
				return err
			}
			return a.printBackup(b, "Archived")
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "a `TEXT` to remember it by")
	a.deviceFlag(cmd, &device)
	return cmd
}

func (a *app) unarchiveCommand() *cobra.Command {
	var device string
	cmd := &cobra.Command{
		Use: "unarchive BACKUP", Short: "let an archived backup be deleted again", GroupID: "backup",
		Long: `Takes back "russet archive": the backup stays where it is, and can be deleted again.` +
			exits(russet.Usage, russet.Busy, russet.Damaged),
		Example: "  russet unarchive 3f9a",
		Args:    needs(1, 1, "a BACKUP"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			b, err := h.Unarchive(cmd.Context(), a.which(args[0], device))
			if err != nil {
				return err
			}
			return a.printBackup(b, "No longer archived")
		},
	}
	a.deviceFlag(cmd, &device)
	return cmd
}

// printBackup says what was done to a backup.
func (a *app) printBackup(b russet.Backup, done string) error {
	if a.json {
		return writeJSON(a.out, b)
	}
	_, err := fmt.Fprintf(a.out, "%s: %s\n", done, backupText(b))
	return err
}

// backupText names a backup in a sentence.
func backupText(b russet.Backup) string {
	s := fmt.Sprintf("%s, %q of %s, %s", shortID(b.ID), nameOf(b), moment(b.Time), size(b.Size))
	if b.Draft {
		s += ", unfinished"
	}
	return s
}
