package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
)

func (a *app) notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "notify", Short: "say how russet reaches you", GroupID: "self",
		Long: `A channel is a way to reach you when something happens: a phone wants its passcode, a
backup failed or is overdue, a store fills up or is damaged. There are e-mail, ntfy, Gotify,
Telegram, Discord, webhooks, this computer's desktop, and health checks.`,
		Example: "  russet notify add me desktop\n  russet notify test\n  russet notify list",
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.notifyAdd(), a.notifyList(), a.notifyRemove(), a.notifyTest())
	return cmd
}

func (a *app) notifyList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the channels",
		Long: "Lists the channels in the order they were added. Of an address that is a secret itself,\n" +
			"such as a topic of ntfy, only the beginning is shown." + exits(),
		Example: "  russet notify list\n  russet notify list --json",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(*cobra.Command, []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			channels, err := h.Channels()
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, append([]notify.Channel{}, channels...))
			}
			if len(channels) == 0 {
				fmt.Fprintln(a.out, "There is no channel yet. The simplest one shows messages on this computer's desktop:")
				fmt.Fprintln(a.out, "  russet notify add me desktop")
				return nil
			}
			t := newTable("NAME", "TYPE", "WHERE", "TOLD OF")
			for _, ch := range channels {
				t.row(ch.Name, string(ch.Type), channelPlace(ch), channelKinds(ch))
			}
			t.print(a.out)
			return nil
		},
	}
}

// channelPlace is where a channel goes, without what is a secret.
func channelPlace(ch notify.Channel) string {
	where := ch.URL
	switch {
	case ch.Type == notify.Desktop:
		return "this computer"
	case ch.Type.SecretAddress():
		where += "/…"
	case len(ch.To) > 0:
		where += " to " + strings.Join(ch.To, ", ")
	}
	return where
}

func channelKinds(ch notify.Channel) string {
	kinds := []string{}
	for _, k := range ch.Kinds() {
		kinds = append(kinds, string(k))
	}
	text := strings.Join(kinds, ", ")
	if len(ch.Events) == 0 && ch.Type != notify.HealthCheck {
		text = "all but done"
	}
	if n := len(ch.Devices); n > 0 {
		text += fmt.Sprintf(" (of %s)", many(n, "device"))
	}
	return text
}

func (a *app) notifyRemove() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "forget a channel",
		Long:    "Forgets a channel and its secrets. Nothing is sent to it any more." + exits(russet.Usage),
		Example: "  russet notify remove phone",
		Args:    needs(1, 1, "the name of a channel"), ValidArgsFunction: a.completeChannels,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			if err := h.RemoveChannel(cmd.Context(), args[0]); err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, map[string]any{"name": args[0]})
			}
			fmt.Fprintf(a.out, "The channel %q is forgotten.\n", args[0])
			return nil
		},
	}
}

// toldJSON is what became of a message on one channel.
type toldJSON struct {
	Name  string     `json:"name"`
	Sent  bool       `json:"sent"`
	Error *errorJSON `json:"error,omitempty"`
}

func (a *app) notifyTest() *cobra.Command {
	return &cobra.Command{
		Use: "test [NAME]", Short: "send a test message",
		Long: "Sends a test message to a channel, or to all of them. A health check is told in a way that\n" +
			"does not count as a backup." +
			exits(russet.Usage, russet.NotConnected, russet.Password, russet.Busy, russet.Unsupported),
		Example: "  russet notify test\n  russet notify test phone",
		Args:    needs(0, 1, "at most the name of a channel"), ValidArgsFunction: a.completeChannels,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			all, err := h.TestChannels(cmd.Context(), name)
			if err != nil {
				return err
			}
			return a.sayTold(cmd.Context(), all)
		},
	}
}

// sayTold tells of each channel whether the message got through. The exit
// status is that of the first one it did not reach.
func (a *app) sayTold(ctx context.Context, all []host.Told) error {
	results := []toldJSON{}
	var failed error
	for _, told := range all {
		result := toldJSON{Name: told.Channel.Name, Sent: told.Err == nil}
		switch e := host.Explain(ctx, told.Err); {
		case e != nil:
			result.Error = newErrorJSON(e)
			if !a.json {
				a.say(e)
			}
			if failed == nil {
				failed = quiet{e.Kind}
			}
		case !a.json:
			fmt.Fprintf(a.out, "%s: sent.\n", told.Channel.Name)
		}
		results = append(results, result)
	}
	if a.json {
		if err := writeJSON(a.out, results); err != nil {
			return err
		}
	}
	return failed
}

func (a *app) completeChannels(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	h, err := a.host()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	channels, err := h.Channels()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, ch := range channels {
		names = append(names, cobra.CompletionWithDesc(ch.Name, string(ch.Type)))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
