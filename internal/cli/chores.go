package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
	"russet/internal/schedule"
	"russet/internal/service"
)

func (a *app) choresCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "chores", Short: "say what is done with the stores by itself", GroupID: "self",
		Long: `Chores are what "russet serve" does with the stores beside backups: verify (read every
byte), drill (restore the newest backup of each phone into a virtual iPhone), maintain (the
upkeep of a vault) and copy (to another store). One at a time, and never while a backup to
that store is running.`,
		Example: "  russet chores show\n  russet chores set copy --store home --to offsite --every 1d --window 01:00-06:00",
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.choresShow(), a.choresSet())
	return cmd
}

func (a *app) choresShow() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "list the chores",
		Long: "Lists what is done with the stores, how often, within which hours, who said so, and when\n" +
			"it was done last." + exits(),
		Example: "  russet chores show --json",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(*cobra.Command, []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			chores, err := a.chores(h)
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, chores)
			}
			if len(chores) == 0 {
				fmt.Fprintln(a.out, "There is no store yet, and so nothing to do with it. The first backup makes one.")
				return nil
			}
			t := newTable("CHORE", "STORE", "TO", "EVERY", "HOURS", "WHY", "LAST")
			for _, c := range chores {
				t.row(string(c.Kind), c.Store, orDash(c.To), everyText(c.Every), hoursText(c.Window), choreFrom(c.Chore), lastText(c.Last))
			}
			t.print(a.out)
			return nil
		},
	}
}

// doneChore is a chore with the last time it was done.
type doneChore struct {
	host.Chore
	Last *service.ChoreRun `json:"last"` // nil if it was not done yet
}

// chores lists what is set, and what was done.
func (a *app) chores(h *host.Host) ([]doneChore, error) {
	chores, err := h.Chores()
	if err != nil {
		return nil, err
	}
	runs, err := service.New(service.Options{Host: h, Log: a.logger()}).Chores()
	if err != nil {
		return nil, err
	}
	all := []doneChore{}
	for _, c := range chores {
		d := doneChore{Chore: c}
		for _, r := range runs { // oldest first
			if r.Kind == c.Kind && r.Store == c.Store && r.To == c.To && r.Device == "" {
				d.Last = &r
			}
		}
		all = append(all, d)
	}
	return all, nil
}

// lastText says when a chore was done last, and what came of it.
func lastText(r *service.ChoreRun) string {
	if r == nil {
		return "-"
	}
	return moment(r.End) + ", " + r.Said()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func choreFrom(c host.Chore) string {
	if c.Usual {
		return "the default"
	}
	return "set"
}

// everyText says how often: "every 30 days".
func everyText(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == 0:
		return "never"
	case d == day:
		return "day"
	case d == 7*day:
		return "week"
	case d%(7*day) == 0:
		return many(int64(d/(7*day)), "week")
	case d%day == 0:
		return many(int64(d/day), "day")
	case d == time.Hour:
		return "hour"
	case d%time.Hour == 0:
		return many(int64(d/time.Hour), "hour")
	default:
		return span(d)
	}
}

func hoursText(h schedule.Hours) string {
	if h.Any() {
		return "any"
	}
	return h.String()
}

// choreFlags are what a person may say of a chore.
type choreFlags struct {
	to, every, window string
	reset             bool
}

func (a *app) choresSet() *cobra.Command {
	var f choreFlags
	cmd := &cobra.Command{
		Use: "set KIND", Short: "change a chore",
		Long: `Changes how often a chore is done, and within which hours of the day it may begin. KIND is
verify, drill, maintain or copy. What is not named stays as it is; --every never switches it
off, and --reset brings the default back.` + exits(russet.Usage),
		Example: "  russet chores set verify --store home --every 2w --window 01:00-06:00\n  russet chores set copy --store home --to offsite --every 1d",
		Args:    needs(1, 1, "verify, drill, maintain or copy"), ValidArgs: []string{"verify", "drill", "maintain", "copy"},
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			st, err := h.Store(a.store)
			if err != nil {
				return err
			}
			c := host.Chore{Kind: host.ChoreKind(args[0]), Store: st.Name, To: f.to}
			if f.reset {
				if f.every+f.window != "" {
					return usage("say only one of them", "--reset excludes --every and --window")
				}
				now, err := h.ResetChore(cmd.Context(), c)
				return a.choreDone(c, now, err)
			}
			if c, err = f.over(h, c); err != nil {
				return err
			}
			c, err = h.SetChore(cmd.Context(), c)
			return a.choreDone(c, c, err)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "the store a copy goes to: `NAME`")
	a.completeFlag(cmd, "to", a.completeStores)
	flags.StringVar(&f.every, "every", "", "how often: `TIME` such as 12h, 1d or 2w, or never")
	flags.StringVar(&f.window, "window", "", "when it may begin: `HOURS` such as 01:00-06:00, or any")
	flags.BoolVar(&f.reset, "reset", false, "forget what was set; the default holds again")
	return cmd
}

// over puts what was named over what holds.
func (f choreFlags) over(h *host.Host, c host.Chore) (host.Chore, error) {
	if f.every+f.window == "" {
		return c, usage("for example: --every 1w, or --every never", "nothing to change was named")
	}
	chores, err := h.Chores()
	if err != nil {
		return c, err
	}
	known := false
	for _, have := range chores {
		if have.Kind == c.Kind && have.Store == c.Store && have.To == c.To {
			c.Every, c.Window, known = have.Every, have.Window, true
		}
	}
	if !known && f.every == "" {
		return c, usage("for example: --every 1w", "nobody said yet how often")
	}
	if f.every != "" && !strings.EqualFold(f.every, "never") {
		if c.Every, err = parseAge(f.every); err != nil || c.Every == 0 {
			return c, usage("for example --every 12h, 1d or 2w, or never", "%q is no time", f.every)
		}
	} else if f.every != "" {
		c.Every = 0
	}
	if f.window != "" {
		if c.Window, err = schedule.ParseHours(f.window); err != nil {
			return c, usage("for example --window 01:00-06:00, or any", "%s", err)
		}
	}
	return c, nil
}

// choreDone says what holds after a change.
func (a *app) choreDone(c, now host.Chore, err error) error {
	if err != nil {
		return err
	}
	if now.Kind == "" {
		now = c
		now.Every = 0
	}
	if a.json {
		return writeJSON(a.out, now)
	}
	if now.Every == 0 {
		_, err = fmt.Fprintf(a.out, "It will not %s by itself.\n", now.Text())
		return err
	}
	hours := ""
	if !now.Window.Any() {
		hours = ", beginning between " + strings.ReplaceAll(now.Window.String(), "-", " and ")
	}
	_, err = fmt.Fprintf(a.out, "It will %s every %s%s, while \"russet serve\" runs.\n", now.Text(), everyText(now.Every), hours)
	return err
}
