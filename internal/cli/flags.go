package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

// deviceFlag says whose backup "latest" is.
func (a *app) deviceFlag(cmd *cobra.Command, device *string) {
	cmd.Flags().StringVar(device, "device", "", "whose backup, when it is \"latest\": `DEVICE`")
	a.completeFlag(cmd, "device", a.completeDevices)
}

func (a *app) yesFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&a.yes, "yes", "y", false, "do it without asking")
}

// passwordFlag names the file that holds the backup password.
func (a *app) passwordFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "password-file", "", "the `FILE` whose first line is the backup password (- reads standard input)")
}

// hostFor is the host with the password a person named, if one.
func (a *app) hostFor(passwordFile string) (*host.Host, error) {
	h, err := a.host()
	if err != nil || passwordFile == "" {
		return h, err
	}
	password, err := a.passwordFrom(passwordFile)
	if err != nil {
		return nil, err
	}
	return h.WithPassword(password), nil
}

// storeToWrite is where new backups of a device go. The first time it is made.
func (a *app) storeToWrite(ctx context.Context, h *host.Host, d russet.Device) (host.StoreSettings, error) {
	st, made, err := h.StoreOf(ctx, d.UDID, a.store)
	if err == nil && made {
		a.warn("a first store is made: %q in %s", st.Name, strings.TrimPrefix(st.URL, "folder:"))
	}
	return st, err
}

// which says what backup a person means.
func (a *app) which(backup, device string) host.Which {
	return host.Which{Backup: backup, Device: device, Store: a.store}
}

// knownDevice finds a device that is connected or has backups; "" for "".
func (a *app) knownDevice(ctx context.Context, word string) (russet.UDID, error) {
	h, err := a.host()
	if err != nil {
		return "", err
	}
	return h.KnownDevice(ctx, word)
}

// completion answers a shell that asks how a word could go on.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

func (a *app) completeFlag(cmd *cobra.Command, flag string, f completion) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic("cli: " + err.Error()) // a flag that does not exist
	}
}

func (a *app) completeStores(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	h, err := a.host()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	stores, err := h.Stores()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, st := range stores {
		names = append(names, cobra.CompletionWithDesc(st.Name, st.URL))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeDevices(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	h, err := a.host()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	known, err := h.KnownDevices(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var words []string
	for _, d := range known {
		words = append(words, cobra.CompletionWithDesc(string(d.UDID), plain(d.Name)))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeBackups(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	h, err := a.host()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	words := []string{cobra.CompletionWithDesc(host.Latest, "the newest one")}
	backups, _ := h.Backups(cmd.Context(), a.store, "", false) // what can be listed is offered
	for _, b := range backups {
		words = append(words, cobra.CompletionWithDesc(shortID(b.ID), plain(b.Name)+", "+moment(b.Time)))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
