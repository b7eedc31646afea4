package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) drillCommand() *cobra.Command {
	var device, passwordFile string
	var list bool
	cmd := &cobra.Command{
		Use: "drill [BACKUP]", Short: "prove that a backup can be restored, on a virtual iPhone", GroupID: "trust",
		Long: `Restores a backup onto an empty virtual iPhone inside this program and compares every file
the phone received with the backup. No phone is needed and nothing is changed. A dated
report is kept, as JSON and as plain text; --list lists those there are. An encrypted backup
needs its password.` +
			exits(russet.Usage, russet.Password, russet.Damaged, russet.Stopped),
		Example: "  russet drill latest\n  russet drill --list",
		Args:    needs(0, 1, "a BACKUP or --list"), ValidArgsFunction: a.completeBackups,
		RunE: func(cmd *cobra.Command, args []string) error {
			if list == (len(args) == 1) {
				return usage("for example: russet drill latest", "name one BACKUP, or say --list")
			}
			if list {
				return a.listDrills()
			}
			var report host.DrillReport
			err := a.reading(cmd, passwordFile, func(ctx context.Context, h *host.Host) error {
				b, err := h.FindBackup(ctx, a.which(args[0], device))
				if err != nil {
					return err
				}
				p := a.newProgress()
				defer p.end()
				report, err = a.drill(ctx, h, b, p.run("drill"))
				return err
			})
			if err != nil {
				return err
			}
			return a.printDrill(report)
		},
	}
	a.deviceFlag(cmd, &device)
	a.passwordFlag(cmd, &passwordFile)
	cmd.Flags().BoolVar(&list, "list", false, "list the reports of earlier drills")
	return cmd
}

func (a *app) listDrills() error {
	h, err := a.host()
	if err != nil {
		return err
	}
	reports, unread, err := h.Drills()
	if err != nil {
		return err
	}
	for _, p := range unread {
		a.warn("%s", problemText(p))
	}
	if a.json {
		return writeJSON(a.out, reports)
	}
	if len(reports) == 0 {
		fmt.Fprintln(a.out, `There was no drill yet. "russet drill latest" makes one.`)
		return nil
	}
	t := newTable("TIME", "BACKUP", "DEVICE", "OF", "STORE", "RESULT", ">FILES", ">SIZE", ">PROBLEMS", "REPORT")
	names := namesakesOf(reports, func(r host.DrillReport) (russet.UDID, string) { return r.Backup.Device, r.Backup.Name })
	for _, r := range reports {
		result := "restores"
		if !r.Good {
			result = "FAILED"
		}
		t.row(moment(r.Time), shortID(r.Backup.ID), names.call(r.Backup.Device, r.Backup.Name), moment(r.Backup.Time), r.Backup.Store,
			result, count(r.Files), size(r.Bytes), count(len(r.Problems)), r.Path)
	}
	t.print(a.out)
	return nil
}

func (a *app) drill(ctx context.Context, h *host.Host, b russet.Backup, show func(russet.Event)) (report host.DrillReport, err error) {
	phone, off, err := newDrillPhone(ctx, b, a.logger())
	if err != nil {
		return report, fmt.Errorf("switch on a virtual iPhone: %w", err)
	}
	defer func() { err = errors.Join(err, off()) }()
	return h.Drill(ctx, b, phone, show)
}

func (a *app) printDrill(r host.DrillReport) error {
	var err error
	if a.json {
		err = writeJSON(a.out, struct {
			Type string `json:"type"`
			host.DrillReport
		}{"result", r})
	} else {
		if r.Good {
			fmt.Fprintf(a.out, "This backup restores: %s\n%s, %s arrived on a virtual iPhone, each compared byte for byte.\n",
				backupText(r.Backup), many(r.Files, "file"), size(r.Bytes))
		}
		for _, p := range r.Problems {
			fmt.Fprintf(a.out, "  %s\n", problemText(p))
		}
		for _, n := range r.Notes {
			a.warn("%s", n)
		}
		fmt.Fprintf(a.out, "The report is %s (and .txt)\n", r.Path)
	}
	if err == nil && !r.Good {
		err = &russet.Error{
			Kind: russet.Damaged, What: fmt.Sprintf("the drill failed: %s with backup %s", many(len(r.Problems), "problem"), shortID(r.Backup.ID)),
			Hint: fmt.Sprintf("see what is wrong with it: russet verify %s --full", shortID(r.Backup.ID)),
		}
	}
	return err
}
