package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet/internal/service"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "say when each phone was backed up, and what the next backup waits for", GroupID: "self",
		Long: `Says of each phone when it was backed up last, when the next backup is due and, if it is
due and not running, what is missing; then what people were told of and still holds, and
what is wrong with the stores. When "russet serve" runs, it answers; else russet looks.` +
			exits(),
		Example: "  russet status\n  russet status --json",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := a.status(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, st)
			}
			a.printStatus(st)
			return nil
		},
	}
}

// status is how everything stands, as the service says or as it looks.
func (a *app) status(ctx context.Context) (service.Status, error) {
	c, err := a.serving(ctx)
	if err != nil {
		return service.Status{}, err
	}
	if c != nil {
		defer c.Close()
		return c.Status(ctx)
	}
	h, err := a.host()
	if err != nil {
		return service.Status{}, err
	}
	return service.New(service.Options{Host: h, Log: a.logger()}).Status(ctx)
}

func (a *app) printStatus(st service.Status) {
	if len(st.Devices) == 0 {
		fmt.Fprintln(a.out, `No phone is known yet. Plug one in, unlock it and type "russet pair".`)
	}
	for _, d := range st.Devices {
		a.printDeviceStatus(d, st)
	}
	for _, c := range st.Chores {
		if c.Running {
			fmt.Fprintf(a.out, "Under way: %s.\n", plain(c.Text()))
		}
	}
	for _, al := range st.Alarms {
		fmt.Fprintf(a.out, "%s %s\n", a.paint(yellow, "!"), plain(al.Title))
		if al.Text != "" {
			fmt.Fprintf(a.out, "  %s\n", plain(al.Text))
		}
		a.printNext(al.Next)
	}
	for _, s := range st.Stores {
		if s.Problem != "" {
			a.warn("store %q: %s", s.Name, s.Problem)
		}
	}
	for _, p := range st.Problems {
		a.warn("%s", p)
	}
	if !st.Serving {
		a.warn(`nothing happens by itself, because the service does not run; "russet serve" starts it`)
	}
}

func (a *app) printDeviceStatus(d service.DeviceStatus, st service.Status) {
	fmt.Fprintf(a.out, "%s: %s.\n", a.paint(bold, plain(cmp.Or(d.Called, d.Name))), plain(d.Decision.Text))
	say := func(text, next string) {
		if text == "" {
			return
		}
		fmt.Fprintf(a.out, "  - %s\n", plain(text))
		a.printNext(next)
	}
	switch {
	case d.Running != nil:
		say(service.StepText(d.Running.Event), "")
	case d.Queued:
		say("it waits until another device is done", "")
	case d.Decision.Due:
		for _, m := range d.Decision.Missing {
			if !m.Said {
				say(m.Text, m.Next)
			}
		}
	case d.Present && d.Problem != "":
		say(d.Problem, "")
	}
	say(service.LastTry(d, st.Time))
}

func (a *app) printNext(next string) {
	if next != "" {
		fmt.Fprintf(a.out, "    next: %s\n", plain(next))
	}
}
