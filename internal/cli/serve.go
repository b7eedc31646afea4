package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/service"
)

// serveFlags are what a person may say of the service.
type serveFlags struct {
	listen, rate string
	atOnce       int
	logJSON      bool
	stop         bool
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use: "serve", Short: "back up by itself, as long as it runs", GroupID: "self",
		Long: `Notices phones on the cable and on the network, backs them up when they are due and the
moment is right, tells you when it needs you, and looks after the stores. It asks for
nothing it can find out, and prints the one or two things that are left to do.

It runs until Ctrl-C (or SIGTERM), which ends a backup that is under way cleanly: what was
received is kept. While it runs, other commands reach it over a local socket. Its page, and
/metrics and /healthz for programs, are for this computer only; they show and change
nothing.

--at-once and --rate are remembered. How to start it with the computer: docs/service.md.` +
			exits(russet.Usage, russet.Interrupted, russet.Busy),
		Example: "  russet serve\n  russet serve --at-once 4 --rate 10MB/s --listen 127.0.0.1:8080\n  russet serve --stop",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.stop {
				return a.stopService(cmd.Context())
			}
			return a.serve(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", service.DefaultListen, "where the page is: an `ADDRESS` of this computer; port 0 is any")
	flags.IntVar(&f.atOnce, "at-once", 0, "back up at most `N` devices side by side; 0 is the usual")
	flags.StringVar(&f.rate, "rate", "", "take at most so much from all devices together: `RATE` such as 10MB/s, or none")
	flags.BoolVar(&f.logJSON, "log-json", false, "write the log as JSON")
	flags.BoolVar(&f.stop, "stop", false, "stop the service that runs")
	return cmd
}

func (a *app) stopService(ctx context.Context) error {
	c, err := a.serving(ctx)
	if err != nil {
		return err
	}
	if c == nil {
		if a.json {
			return writeJSON(a.out, stopJSON{})
		}
		fmt.Fprintln(a.out, "No service runs here.")
		return nil
	}
	defer c.Close()
	if err := c.Stop(ctx); err != nil {
		return err
	}
	return a.gone(ctx, c.Hello())
}

// stopJSON is what "serve --stop" did.
type stopJSON struct {
	Stopped bool `json:"stopped"` // false: no service ran
	PID     int  `json:"pid,omitempty"`
}

// gone waits until a service that was asked to stop has done so.
func (a *app) gone(ctx context.Context, was service.Hello) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := a.serving(ctx)
		if err != nil || c == nil {
			if a.json {
				return writeJSON(a.out, stopJSON{Stopped: true, PID: was.PID})
			}
			fmt.Fprintf(a.out, "The service (process %d) has stopped.\n", was.PID)
			return nil //nolint:nilerr // whatever is there does not answer any more
		}
		if err := c.Close(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (a *app) serve(cmd *cobra.Command, f serveFlags) error {
	ctx := cmd.Context()
	a.log = a.serveLogger(f)
	a.patient.Store(true) // Ctrl-C is how it ends; nothing to warn of
	h, err := a.host()
	if err != nil {
		return err
	}
	limits, err := f.limits(cmd, h)
	if err != nil {
		return err
	}
	if err := a.askNow(ctx, h); err != nil {
		return err
	}
	place, err := home.Find(a.getenv)
	if err != nil {
		return err
	}
	if !cmd.Flags().Changed("listen") {
		f.listen = "" // and where that is taken, anywhere
	}
	s := service.New(service.Options{Host: h, Drill: a.drillPhone, AtOnce: limits.AtOnce, Log: a.log})
	err = s.Serve(ctx, service.FaceOptions{Home: place.Dir, Listen: f.listen, Ready: func(hello service.Hello) {
		go a.greet(ctx, h, s, place, hello)
	}})
	switch russet.KindOf(err) {
	case 0:
		a.log.Info("stopped")
	case russet.Interrupted:
		a.opened = nil // something still holds it; the end of the process lets go
	}
	return err
}

// limits keeps what was said, and returns what holds.
func (f serveFlags) limits(cmd *cobra.Command, h *host.Host) (host.Limits, error) {
	said := cmd.Flags().Changed
	if !said("at-once") && !said("rate") {
		return h.Limits()
	}
	var bytes int64
	if said("rate") {
		var err error
		if bytes, err = parseRate(f.rate); err != nil {
			return host.Limits{}, err
		}
	}
	return h.ChangeLimits(cmd.Context(), func(l *host.Limits) {
		if said("at-once") {
			l.AtOnce = f.atOnce
		}
		if said("rate") {
			l.Rate = bytes
		}
	})
}

// serveLogger writes what happens: for people, or as JSON for programs.
func (a *app) serveLogger(f serveFlags) *slog.Logger {
	level := slog.LevelInfo
	if a.debug {
		level = slog.LevelDebug
	}
	if f.logJSON {
		return slog.New(slog.NewJSONHandler(a.err, &slog.HandlerOptions{Level: level}))
	}
	// The journal of systemd has the time already.
	return slog.New(newLineHandler(a.err, level, a.getenv("JOURNAL_STREAM") == ""))
}

// drillPhone is an empty virtual iPhone for the drills of the service.
func (a *app) drillPhone(ctx context.Context, b russet.Backup) (host.DrillPhone, func() error, error) {
	return newDrillPhone(ctx, b, slog.New(slog.DiscardHandler))
}

// askNow asks for the passwords of vaults that are not known here, while
// somebody is there. Later nobody is asked.
func (a *app) askNow(ctx context.Context, h *host.Host) error {
	stores, err := h.Stores()
	if err != nil {
		return err
	}
	for _, st := range stores {
		if a.asks && host.IsVault(st.URL) && ctx.Err() == nil {
			h.TryStore(ctx, st) //nolint:errcheck // what is wrong with it is said later
		}
	}
	a.unattended.Store(true)
	return nil
}

// passwordUnknown answers for a vault whose password is not known here, when
// nobody can be asked.
func passwordUnknown(store string) error {
	return &russet.Error{
		Kind: russet.Password, Doing: fmt.Sprintf("open the vault %q", store), What: "its password is not known on this computer",
		Hint: "type it once: russet store status " + store,
	}
}
