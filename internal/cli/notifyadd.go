package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/secrets"
)

// channelFlags are those of a channel that is added.
type channelFlags struct {
	to, events, devices              []string
	from, templateFile, secretSource string
}

func (a *app) notifyAdd() *cobra.Command {
	var f channelFlags
	cmd := &cobra.Command{
		Use: "add NAME TYPE [ADDRESS]", Short: "add a channel",
		Long: `Adds a way to reach you. TYPE is one of:

  desktop      a message on this computer's screen; it has no address
  email        smtp://user@mail.example.org (STARTTLS, port 587) or smtps://user@… (TLS,
               port 465), and --to
  ntfy         https://ntfy.sh/your-topic, or your own server; choose a topic nobody guesses
  gotify       https://your.server
  telegram     no address; the token of a bot (@BotFather makes one), and --to your chat
  discord      the address of a webhook of a channel
  webhook      any other address that takes a POST: JSON, or what a template makes
  healthcheck  a ping URL (healthchecks.io or your own): told of backups that are done,
               failed or damaged, it raises the alarm when it hears nothing

Passwords, tokens, and addresses that are secrets themselves (ntfy, discord, webhook,
healthcheck) are asked, or read from --secret-file: one a line, the address first. They are
kept sealed on this computer. Try the channel with "russet notify test".

Events are done, failed, overdue, passcode (a phone needs its owner), space, allowance,
damage, pairing (a phone may forget this computer), encryption, and new-ios.` + exits(russet.Usage, russet.NotConnected),
		Example: "  russet notify add me desktop\n  russet notify add phone ntfy\n" +
			"  russet notify add mail email smtps://anna@mail.example.org --to anna@example.org",
		Args: needs(2, 3, "a name, a type, and mostly an address"), ValidArgsFunction: completeTypes,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			ch, c, err := a.channel(cmd.Context(), append(args, "")[:3], f)
			if err != nil {
				return err
			}
			if err := h.AddChannel(cmd.Context(), ch, c); err != nil {
				return err
			}
			return a.sayChannel(ch)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.to, "to", nil, "the `RECIPIENT` of e-mails, or the chat of Telegram")
	flags.StringVar(&f.from, "from", "", "the sender of e-mails: `ADDRESS` (usually the user's)")
	flags.StringSliceVar(&f.events, "events", nil, "what it is told of: `EVENT` (usually all but done; several with commas)")
	flags.StringArrayVar(&f.devices, "device", nil, "tell it only about this `DEVICE` (may be given again)")
	flags.StringVar(&f.templateFile, "template-file", "", "the `FILE` with the template of a webhook's body")
	flags.StringVar(&f.secretSource, "secret-file", "", "the `FILE` that holds the secrets, one a line (- reads standard input)")
	a.completeFlag(cmd, "device", a.completeDevices)
	a.completeFlag(cmd, "events", completeKinds)
	return cmd
}

func completeKinds(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	words := []string{}
	for _, k := range notify.Kinds() {
		words = append(words, string(k))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

func completeTypes(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words := []string{}
	for _, t := range notify.Types() {
		words = append(words, string(t))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// channel makes a channel of what was typed and what is asked.
func (a *app) channel(ctx context.Context, args []string, f channelFlags) (notify.Channel, notify.Credentials, error) {
	ch := notify.Channel{Name: args[0], Type: notify.Type(args[1]), To: f.to, From: f.from}
	for _, e := range f.events {
		ch.Events = append(ch.Events, notify.Kind(strings.TrimSpace(e)))
	}
	for _, word := range f.devices {
		udid, err := a.knownDevice(ctx, word)
		if err != nil {
			return ch, notify.Credentials{}, err
		}
		ch.Devices = append(ch.Devices, string(udid))
	}
	if f.templateFile != "" {
		text, err := os.ReadFile(f.templateFile)
		if err != nil {
			return ch, notify.Credentials{}, usage("", "the template cannot be read: %v", err)
		}
		ch.Template = string(text)
	}
	c, err := a.channelSecrets(ctx, &ch, args[2], f.secretSource)
	return ch, c, err
}

// secretWords are the questions for the secrets of a type; "" where there is
// none.
func secretWords(t notify.Type, named bool) (address, token string) {
	switch {
	case t == notify.Ntfy:
		address, token = "Address with the topic, such as https://ntfy.sh/your-topic: ", "Access token or user:password, if the topic is protected (else empty): "
	case t == notify.Discord:
		address = "Address of the webhook (Discord: settings of the channel, Integrations, Webhooks): "
	case t == notify.Webhook:
		address, token = "Address of the webhook: ", "What its header Authorization says, if it wants one (else empty): "
	case t == notify.HealthCheck:
		address = "Ping URL: "
	case t == notify.Gotify:
		token = "Token of the application in Gotify: "
	case t == notify.Telegram:
		token = "Token of the bot (from @BotFather): "
	case t == notify.Email && named:
		token = "Password of the mail server (many want an \"app password\"): "
	}
	return address, token
}

// channelSecrets gathers the address and the secrets of a channel.
func (a *app) channelSecrets(ctx context.Context, ch *notify.Channel, typed, file string) (c notify.Credentials, err error) {
	lines, err := a.secretLines(file)
	if err != nil {
		return c, err
	}
	askAddress, askToken := secretWords(ch.Type, strings.Contains(typed, "@"))
	bare := typed == "" || ch.Type != notify.Webhook && notify.Bare(typed)
	switch {
	case askAddress == "" || !bare:
	case len(lines) > 0:
		typed, lines = lines[0], lines[1:]
	case !a.asks:
		return c, usage("name a file whose first line is the address with --secret-file (- reads standard input)", "the address of the channel is missing, and there is no terminal to ask on")
	default:
		if typed, err = a.askPassword(ctx, askAddress, "--secret-file"); err != nil {
			return c, err
		}
	}
	if askAddress != "" && !bare {
		a.warn("the address is a secret, and what is typed after a command can be seen by others on this computer; leave it out, and it is asked")
	}
	if ch.URL, c.Address, err = notify.Split(ch.Type, typed); err != nil {
		return c, err
	}
	switch {
	case askToken == "":
	case len(lines) > 0:
		c.Token = secrets.Secret(lines[0])
	case a.asks && file == "":
		token, err := a.askPassword(ctx, askToken, "--secret-file")
		if err != nil {
			return c, err
		}
		c.Token = secrets.Secret(strings.TrimSpace(token))
	}
	return c, nil
}

// secretLines are the secrets in a file, an address and a token at most.
func (a *app) secretLines(file string) ([]string, error) {
	if file != "-" && file != "" {
		return host.SecretLines(file, 2)
	}
	var lines []string
	for file == "-" && len(lines) < 2 {
		line, err := readLine(a.in)
		if err != nil {
			break // its end
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines, nil
}

func (a *app) sayChannel(ch notify.Channel) error {
	if a.json {
		return writeJSON(a.out, ch)
	}
	if notify.InTheClear(ch) {
		a.warn("http:// is not encrypted: whoever listens in your network can read what is sent to %s, the secret included", ch.URL)
	}
	fmt.Fprintf(a.out, "The channel %q is ready. Try it: russet notify test %s\n", ch.Name, ch.Name)
	return nil
}
