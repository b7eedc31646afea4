package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/reach"
)

// pairingFlag names the file that holds the password of an exported pairing.
func pairingFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "password-file", "", "the `FILE` whose first line is the password of the exported pairing (- reads standard input)")
}

// whatOpens is said before a password for an exported pairing is chosen.
const whatOpens = "Whoever opens this file can read everything the phone gives to a trusted computer, also over\n" +
	"Wi-Fi and without its passcode. Choose a good password, and delete the file when it is imported."

func (a *app) devicesExport() *cobra.Command {
	var passwordFile string
	cmd := &cobra.Command{
		Use: "export-pairing DEVICE FILE", Short: "take a phone's trust to another computer",
		Long: `Writes the pairing of a phone with this computer into FILE, for "russet devices
import-pairing" on another one: it can then back up the phone over Wi-Fi without the cable,
and the phone does not ask for trust again. FILE is new, private, and encrypted with a
password that is asked for twice; the program age (age -d FILE) opens it too. Whoever opens
it can read all that the phone gives to a trusted computer.` +
			exits(russet.Usage, russet.NotConnected, russet.NotTrusted, russet.NoSpace),
		Example: "  russet devices export-pairing \"Anna's iPhone\" anna.age",
		Args:    needs(2, 2, "a DEVICE and a FILE"), ValidArgsFunction: a.completeDeviceThenFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			if _, err := h.CheckExport(cmd.Context(), args[0], args[1]); err != nil {
				return err
			}
			password, err := a.newSecret(cmd.Context(), passwordFile, "--password-file", "Password for the file: ", whatOpens)
			if err != nil {
				return err
			}
			m, err := h.ExportPairing(cmd.Context(), args[0], args[1], password)
			return a.sayMove(m, err, "The pairing with %s is in %s. On the other computer: russet devices import-pairing FILE\n", quoted(m.Device.Name), plain(args[1]))
		},
	}
	pairingFlag(cmd, &passwordFile)
	return cmd
}

func (a *app) devicesImport() *cobra.Command {
	var passwordFile string
	cmd := &cobra.Command{
		Use: "import-pairing FILE", Short: "take over a phone's trust from another computer",
		Long: `Takes over the pairing that "russet devices export-pairing" wrote on another computer. This
one can then back up the phone over Wi-Fi, without the cable and without usbmuxd; a usbmuxd
that is here gets the pairing too. The phone need not be near.` +
			exits(russet.Usage, russet.Password, russet.NoSpace, russet.Damaged),
		Example: "  russet devices import-pairing anna.age",
		Args:    needs(1, 1, "a FILE"), ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			password := ""
			if passwordFile != "" {
				password, err = a.passwordFrom(passwordFile)
			} else {
				password, err = a.askPassword(cmd.Context(), "Password of the file: ", "--password-file")
			}
			if err != nil {
				return err
			}
			m, err := h.ImportPairing(cmd.Context(), args[0], password)
			return a.sayMove(m, err, "%s trusts this computer, too. When it is in this network: russet devices\n", quoted(m.Device.Name))
		},
	}
	pairingFlag(cmd, &passwordFile)
	return cmd
}

// sayMove says that a pairing went somewhere.
func (a *app) sayMove(m reach.PairingMove, err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.out, m)
	}
	for _, n := range m.Notes {
		a.warn("%s", n)
	}
	_, err = fmt.Fprintf(a.out, format, args...)
	return err
}

func (a *app) completeDeviceThenFile(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.completeDevices(cmd, args, word)
	}
	return completeFile(cmd, args[1:], word)
}

// completeFile leaves one word to the shell, which knows files.
func completeFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}
