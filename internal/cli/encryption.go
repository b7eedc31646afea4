package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

func (a *app) encryptionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "encryption", Short: "protect the backups of a phone with a password", GroupID: "phone",
		Long: `A phone can encrypt its backups with a backup password. Then they also hold saved logins,
Wi-Fi passwords, Health, call and web history, which stay out of plain ones. The password
lives on the phone and counts for every program that backs it up. It cannot be recovered.`,
		Example: "  russet encryption on",
		Args:    unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.encryptionStatus(), a.encryptionOn(), a.encryptionOff(), a.encryptionChange())
	return cmd
}

func (a *app) encryptionStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status [DEVICE…]", Short: "say whether backups are encrypted",
		Long: "Says of each connected phone that trusts this computer whether its backups are encrypted." +
			exits(russet.Usage, russet.NotConnected, russet.NotTrusted),
		Example: "  russet encryption status",
		Args:    needs(0, -1, ""), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			devices, err := h.Encryption(cmd.Context(), args)
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, devices)
			}
			for _, d := range devices {
				word := "are encrypted"
				switch {
				case d.EncryptedUnknown:
					word = "may be encrypted or not: it does not tell just now; unlock it and ask again"
				case !d.Paired:
					word = "cannot be asked about: it does not trust this computer"
				case !d.Encrypted:
					word = "are not encrypted"
				}
				fmt.Fprintf(a.out, "Backups of %s %s.\n", quoted(d.Name), word)
			}
			return nil
		},
	}
}

// passwordExits are the exit statuses of changes of the password.
func passwordExits() string {
	return exits(russet.Usage, russet.NotConnected, russet.NotTrusted, russet.Locked, russet.Password,
		russet.Interrupted, russet.Busy, russet.Unsupported, russet.Stopped)
}

func (a *app) encryptionOn() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "on [DEVICE]", Short: "set a backup password on the phone",
		Long: `Sets a backup password on the phone; it asks for its passcode. The password is asked
twice, kept sealed on this computer, and tried on the next backup.` + passwordExits(),
		Example: "  russet encryption on",
		Args:    needs(0, 1, "at most one DEVICE"), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := a.newPassword(cmd.Context(), file, "--password-file")
			if err != nil {
				return err
			}
			return a.changePassword(cmd, host.EncryptionChange{Device: first(args), New: password},
				"Backups of %s are encrypted from now on. The next backup proves the password; write it down.\n")
		},
	}
	a.passwordFlag(cmd, &file)
	return cmd
}

func (a *app) encryptionOff() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "off [DEVICE]", Short: "remove the backup password from the phone",
		Long: `Removes the backup password from the phone; it asks for its passcode. Later backups are
not encrypted; earlier ones keep their password.` + passwordExits(),
		Example: "  russet encryption off",
		Args:    needs(0, 1, "at most one DEVICE"), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			old, err := a.presentPassword(cmd, args, file)
			if err != nil {
				return err
			}
			return a.changePassword(cmd, host.EncryptionChange{Device: first(args), Old: old},
				"Backups of %s are no longer encrypted; earlier ones keep their password.\n")
		},
	}
	a.passwordFlag(cmd, &file)
	return cmd
}

func (a *app) encryptionChange() *cobra.Command {
	var oldFile, newFile string
	cmd := &cobra.Command{
		Use: "change [DEVICE]", Short: "change the backup password on the phone",
		Long: `Changes the backup password on the phone; it asks for its passcode. --password-file holds
the old one, --new-password-file the new one. Earlier backups keep the old one, which
this computer goes on remembering.` + passwordExits(),
		Example: "  russet encryption change",
		Args:    needs(0, 1, "at most one DEVICE"), ValidArgsFunction: a.completeDevices,
		RunE: func(cmd *cobra.Command, args []string) error {
			old, err := a.presentPassword(cmd, args, oldFile)
			if err != nil {
				return err
			}
			fresh, err := a.newPassword(cmd.Context(), newFile, "--new-password-file")
			if err != nil {
				return err
			}
			return a.changePassword(cmd, host.EncryptionChange{Device: first(args), Old: old, New: fresh},
				"The backup password of %s is changed. The next backup proves it; write it down.\n")
		},
	}
	a.passwordFlag(cmd, &oldFile)
	cmd.Flags().StringVar(&newFile, "new-password-file", "", "the `FILE` whose first line is the new password (- reads standard input)")
	return cmd
}

// presentPassword is the password that is set now: from the file, remembered,
// or asked for.
func (a *app) presentPassword(cmd *cobra.Command, args []string, file string) (string, error) {
	if file != "" {
		return a.passwordFrom(file)
	}
	h, err := a.host()
	if err != nil {
		return "", err
	}
	password, err := h.PresentPassword(cmd.Context(), first(args))
	if err != nil || password != "" {
		return password, err
	}
	return a.askPassword(cmd.Context(), "Present backup password: ", "--password-file")
}

func (a *app) changePassword(cmd *cobra.Command, c host.EncryptionChange, done string) error {
	h, err := a.host()
	if err != nil {
		return err
	}
	p := a.newProgress()
	c.Progress = p.run("")
	d, err := h.ChangePassword(cmd.Context(), c)
	p.end()
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.out, resultOf(d))
	}
	_, err = fmt.Fprintf(a.out, done, quoted(d.Name))
	return err
}

// resultOf marks a device as the result of a command that also writes events.
func resultOf(d russet.Device) any {
	return struct {
		Type string `json:"type"`
		russet.Device
	}{"result", d}
}
