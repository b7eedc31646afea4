package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) storeSet() *cobra.Command {
	var allowance, spool, device, upload, download string
	cmd := &cobra.Command{
		Use: "set NAME", Short: "change what a store may do",
		Long: `Changes a store. --allowance limits how much its backups may take, for example 50GB;
"none" lifts the limit. With --device it is for the backups of one device there. A backup
that would not fit is refused before it begins.

--spool limits how much of what an encrypted phone sends a vault holds back on this
computer until its keys are known: 17 GB unless you say otherwise, and again after "none".
What does not fit goes to the vault at once and is converted later, which takes longer.

--upload and --download limit how fast bytes go to a vault and come from it, for example
2MB a second, so that a household's line stays usable. They hold from the next run on.` +
			exits(russet.Usage, russet.Unsupported),
		Example: "  russet store set main --allowance 50GB\n  russet store set main --allowance 20GB --device \"Anna's iPhone\"",
		Args:    needs(1, 1, "the name of a store"), ValidArgsFunction: a.completeStores,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			if upload+download+spool+allowance == "" {
				return usage("for example: --allowance 50GB", "nothing to change was named")
			}
			if upload+download != "" {
				err = a.setRates(cmd.Context(), h, args[0], upload, download)
			}
			if err == nil && spool != "" {
				err = a.setSpool(cmd.Context(), h, args[0], spool)
			}
			if err == nil && allowance != "" {
				err = a.setAllowance(cmd.Context(), h, args[0], device, allowance)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&allowance, "allowance", "", "how much it may take: `SIZE` such as 50GB, or none")
	cmd.Flags().StringVar(&device, "device", "", "limit only the backups of this `DEVICE`")
	a.completeFlag(cmd, "device", a.completeDevices)
	cmd.Flags().StringVar(&spool, "spool", "", "how much a vault holds back on this computer: `SIZE` such as 8GB, or none for the usual")
	cmd.Flags().StringVar(&upload, "upload", "", "how much may go to a vault in a second: `SIZE` such as 2MB, or none for no limit")
	cmd.Flags().StringVar(&download, "download", "", "how much may come from a vault in a second: `SIZE`, or none")
	return cmd
}

func (a *app) setRates(ctx context.Context, h *host.Host, store, upload, download string) error {
	rates := [2]int64{-1, -1}
	for i, text := range []string{upload, download} {
		if text == "" {
			continue
		}
		var err error
		if rates[i], err = parseRate(text); err != nil {
			return err
		}
	}
	st, err := h.SetRates(ctx, store, rates[0], rates[1])
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.out, struct {
			Name     string `json:"name"`
			Upload   int64  `json:"upload"`
			Download int64  `json:"download"`
		}{store, st.Upload, st.Download})
	}
	_, err = fmt.Fprintf(a.out, "To the vault %q %s, and from it %s.\n", store, perSecond(st.Upload), perSecond(st.Download))
	return err
}

// perSecond says a limit of speed in words.
func perSecond(bytes int64) string {
	if bytes == 0 {
		return "as much as the line takes"
	}
	return "up to " + size(bytes) + " a second"
}

func (a *app) setSpool(ctx context.Context, h *host.Host, store, spool string) error {
	bytes, err := parseSize(spool)
	if err != nil {
		return err
	}
	if err := h.SetSpool(ctx, store, bytes); err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.out, struct {
			Name  string `json:"name"`
			Spool int64  `json:"spool"`
		}{store, bytes})
	}
	what := "as much as usual"
	if bytes > 0 {
		what = "up to " + size(bytes)
	}
	_, err = fmt.Fprintf(a.out, "The vault %q holds back %s on this computer now.\n", store, what)
	return err
}

func (a *app) setAllowance(ctx context.Context, h *host.Host, store, device, allowance string) error {
	bytes, err := parseSize(allowance)
	if err != nil {
		return err
	}
	udid, err := a.knownDevice(ctx, device)
	if err != nil {
		return err
	}
	if err := h.SetAllowance(ctx, store, udid, bytes); err != nil {
		return err
	}
	return a.printAllowance(store, device, udid, bytes)
}

func (a *app) printAllowance(store, device string, udid russet.UDID, bytes int64) error {
	if a.json {
		return writeJSON(a.out, struct {
			Name      string      `json:"name"`
			Device    russet.UDID `json:"device,omitempty"`
			Allowance int64       `json:"allowance"`
		}{store, udid, bytes})
	}
	whose := ""
	if device != "" {
		whose = fmt.Sprintf(" for backups of %q", device)
	}
	if bytes == 0 {
		fmt.Fprintf(a.out, "The store %q has no limit%s now.\n", store, whose)
		return nil
	}
	fmt.Fprintf(a.out, "The store %q may take %s%s now.\n", store, size(bytes), whose)
	return nil
}
