package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"russet"
)

// usualRuns is how many runs are listed when nobody said.
const usualRuns = 20

func (a *app) runsCommand() *cobra.Command {
	var last int
	cmd := &cobra.Command{
		Use: "runs [DEVICE]", Short: "list what was tried, and how it ended", GroupID: "backup",
		Long: `Lists runs, oldest first: every attempt to back up a phone, begun by a person or by
"russet serve", with its outcome, how long it took, what was received, and the reason if
there is no backup.` + exits(russet.Usage, russet.NotConnected),
		Example: "  russet runs\n  russet runs \"Anna's iPhone\" --last 100 --json",
		Args:    needs(0, 1, "at most a DEVICE"), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			if last < 0 {
				return usage("for example --last 50", "--last cannot be negative")
			}
			h, device, err := a.hostAndDevice(cmd.Context(), args)
			if err != nil {
				return err
			}
			runs, err := h.AllRuns(device, last)
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, runs)
			}
			a.printRuns(runs)
			return nil
		},
	}
	cmd.Flags().IntVar(&last, "last", usualRuns, "only the newest `N`; 0 is all")
	return cmd
}

func (a *app) printRuns(runs []russet.Run) {
	if len(runs) == 0 {
		fmt.Fprintln(a.out, `Nothing was tried yet. "russet backup" tries.`)
		return
	}
	t := newTable("TIME", "DEVICE", "STORE", "HOW", "BY", "OUTCOME", ">TOOK", ">WAITED", ">RECEIVED", ">RATE", "WHY")
	names := namesakesOf(runs, func(r russet.Run) (russet.UDID, string) { return r.Device, r.Name })
	for _, r := range runs {
		t.row(moment(r.Start), names.call(r.Device, r.Name), r.Store, way(r.Way), by(r.By), r.Outcome, took(r), waited(r), size(r.Received), rate(r), r.Why())
	}
	t.print(a.out)
}

// way says how a phone was connected.
func way(w string) string {
	switch w {
	case "usb":
		return "cable"
	case "network":
		return "Wi-Fi"
	default:
		return "-"
	}
}

func by(who string) string {
	if who == "" {
		return "person"
	}
	return who
}

// took is how long a run lasted; of one that was killed nobody knows.
func took(r russet.Run) string {
	if r.End.Equal(r.Start) {
		return "-"
	}
	return span(r.End.Sub(r.Start))
}

// waited is how long the phone showed its passcode sheet.
func waited(r russet.Run) string {
	if !r.Passcode {
		return ""
	}
	return span(time.Duration(r.Waited * float64(time.Second)))
}

// rate is how fast a run went, without the time for which it waited for its
// passcode.
func rate(r russet.Run) string {
	took := r.End.Sub(r.Start).Seconds() - r.Waited
	if took <= 0 || r.Received == 0 {
		return ""
	}
	return size(int64(float64(r.Received)/took)) + "/s"
}
