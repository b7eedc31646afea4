package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/doctor"
	"russet/internal/host"
	"russet/internal/schedule"
	"russet/internal/service"
)

func (a *app) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor [DEVICE]", Short: "say why a phone is not seen or not backed up", GroupID: "trust",
		Long: `Looks at everything a backup needs (the cable, the network, each phone's trust, what
happens by itself, the stores and the room in them, the last runs) and says what is wrong
and what to do next. With a DEVICE it speaks of that one alone. Nothing is changed, and no
phone is made to ask anything. The exit status is that of the worst finding; with --json
each has a code that stays the same.` +
			exits(russet.Usage, russet.NotConnected, russet.NotTrusted, russet.Locked, russet.Password, russet.NoSpace, russet.Damaged,
				russet.Unsupported),
		Example: "  russet doctor\n  russet doctor \"Anna's iPhone\"",
		Args:    needs(0, 1, "at most one device"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a.asks = false // it is about what happens when nobody is there
			h, err := a.host()
			if err != nil {
				return err
			}
			opts := host.DoctorOptions{Service: a.serviceSays(cmd.Context())}
			if len(args) > 0 {
				opts.Device = args[0]
			}
			if a.draws {
				fmt.Fprintln(a.err, "looking at the cable, the network and the stores …")
			}
			findings, kind, err := h.Doctor(cmd.Context(), opts)
			if err != nil {
				return err
			}
			if err := a.printFindings(findings); err != nil || kind == 0 {
				return err
			}
			return quiet{kind}
		},
	}
	cmd.ValidArgsFunction = a.completeDevices
	return cmd
}

// serviceSays asks the service that runs here how it is; nil if none runs.
func (a *app) serviceSays(ctx context.Context) *host.ServiceSays {
	ctx, cancel := context.WithTimeout(ctx, serviceLimit)
	defer cancel()
	c, err := a.serving(ctx)
	if c == nil && err == nil {
		return nil
	}
	var st service.Status
	if err == nil {
		defer c.Close()
		st, err = c.Status(ctx)
	}
	says := &host.ServiceSays{Troubles: st.Problems, Decisions: map[russet.UDID]schedule.Decision{}}
	if err != nil {
		says.Mute = host.Explain(ctx, err)
	}
	for _, d := range st.Devices {
		says.Decisions[d.UDID] = d.Decision
	}
	return says
}

// serviceLimit bounds how long a service may take to say how it is.
const serviceLimit = 20 * time.Second

func (a *app) printFindings(findings []doctor.Finding) error {
	if a.json {
		return writeJSON(a.out, findings)
	}
	well := true
	for _, f := range findings {
		well = well && f.Good
		mark := "!"
		if f.Good {
			mark = "ok"
		}
		fmt.Fprintf(a.out, "%-3s %s\n", mark, plain(f.What))
		if f.Hint != "" {
			fmt.Fprintf(a.out, "    next: %s\n", plain(f.Hint))
		}
	}
	if well {
		fmt.Fprintln(a.out, "Nothing is in the way of a backup.")
	}
	return nil
}
