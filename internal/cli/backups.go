package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) backupsCommand() *cobra.Command {
	var device string
	var incomplete bool
	cmd := &cobra.Command{
		Use: "backups", Short: "list backups", GroupID: "backup",
		Long: `Lists finished backups, oldest first, of all devices and stores.
--incomplete adds what unfinished runs left behind; it can be deleted like a backup.` +
			exits(russet.Usage, russet.NotConnected),
		Example: "  russet backups --device \"Anna's iPhone\"",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			udid, err := a.knownDevice(cmd.Context(), device)
			if err != nil {
				return err
			}
			backups, unread := h.Backups(cmd.Context(), a.store, udid, incomplete)
			if backups == nil && unread != nil {
				return unread
			}
			if a.json {
				if err := writeJSON(a.out, append([]russet.Backup{}, backups...)); err != nil {
					return err
				}
				return unread
			}
			if len(backups) > 0 || unread == nil { // what cannot be read may hold some
				a.printBackups(backups)
			}
			return unread
		},
	}
	cmd.Flags().StringVar(&device, "device", "", "only those of this `DEVICE`")
	cmd.Flags().BoolVar(&incomplete, "incomplete", false, "also what unfinished runs left behind")
	a.completeFlag(cmd, "device", a.completeDevices)
	return cmd
}

// shortID is as much of an ID as people need to see.
func shortID(id russet.BackupID) string { return string(id[:min(len(id), 8)]) }

func (a *app) printBackups(backups []russet.Backup) {
	if len(backups) == 0 {
		fmt.Fprintln(a.out, `There is no backup yet. "russet backup" makes one.`)
		return
	}
	t := newTable("ID", "DEVICE", "TIME", ">SIZE", ">ADDED", ">FILES", "IOS", "ENCRYPTED", "ARCHIVED", "STORE", "NOTE")
	names := namesakesOf(backups, func(b russet.Backup) (russet.UDID, string) { return b.Device, b.Name })
	for _, b := range backups {
		archived := ""
		if b.Archived {
			archived = "yes"
		}
		t.row(shortID(b.ID), names.call(b.Device, b.Name), moment(b.Time), size(b.Size), size(b.Added), count(b.Files),
			b.IOS, yes(b.Encrypted), archived, b.Store, remark(b))
	}
	t.print(a.out)
}

// nameOf is what the device was called; what an unfinished run left may not
// know that.
func nameOf(b russet.Backup) string { return cmp.Or(b.Name, string(b.Device)) }

// remark is what a list says beside the facts.
func remark(b russet.Backup) string {
	switch {
	case b.Problem != "":
		return "cannot be used: " + b.Problem
	case b.Draft:
		return "unfinished"
	default:
		return b.Note
	}
}
