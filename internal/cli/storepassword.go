package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
	"russet/internal/vault/keys"
)

// vaultExits are the exit statuses of commands for the keys of a vault.
func vaultExits() string {
	return exits(russet.Usage, russet.NotConnected, russet.Password, russet.NoSpace, russet.Interrupted, russet.Busy,
		russet.Damaged, russet.Unsupported)
}

func (a *app) storePassword() *cobra.Command {
	var add, remove, newFile string
	var list bool
	cmd := &cobra.Command{
		Use: "password NAME", Short: "change, add or remove passwords of a vault",
		Long: `Changes the password of a vault; no backup is touched by it. The present one is asked or
read from --vault-password-file, the new one asked twice or read from --new-password-file.
A vault may have several passwords, one for each of its owners: --add gives it another,
under a name, --remove takes one away (never the last way in), --list shows their names.

Whoever has an old copy of the vault and a password of that time still opens the copy.` + vaultExits(),
		Example: "  russet store password home\n  russet store password home --add anna",
		Args:    needs(1, 1, "the name of a vault"), ValidArgsFunction: a.completeStores,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			answers := host.VaultPassword{Old: a.presentVaultPassword, New: a.newVaultPassword(newFile)}
			switch {
			case list:
				return a.listPasswords(cmd.Context(), h, args[0])
			case add != "":
				done, err := h.AddVaultPassword(cmd.Context(), args[0], add, answers)
				return a.sayPassword(done, err, "The vault %q has one more password, called %q.\n")
			case remove != "":
				done, err := h.RemoveVaultPassword(cmd.Context(), args[0], remove)
				return a.sayPassword(done, err, "The vault %q no longer has the password called %q.\n")
			default:
				done, err := h.ChangeVaultPassword(cmd.Context(), args[0], answers)
				return a.sayPassword(done, err, "The password of the vault %q is changed (the one called %q).\n")
			}
		},
	}
	cmd.Flags().StringVar(&add, "add", "", "add a password under a `NAME`")
	cmd.Flags().StringVar(&remove, "remove", "", "remove the password of that `NAME`")
	cmd.Flags().BoolVar(&list, "list", false, "list the names of the passwords")
	cmd.MarkFlagsMutuallyExclusive("add", "remove", "list")
	a.newVaultPasswordFlag(cmd, &newFile)
	return cmd
}

func (a *app) sayPassword(done host.VaultChanged, err error, format string) error {
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.out, vaultJSON{Name: done.Store.Name, URL: done.Store.URL, Vault: done.Store.Vault, Slot: done.Slot, Note: done.Weak})
	}
	fmt.Fprintf(a.out, format, done.Store.Name, done.Slot)
	if done.Weak != "" && !a.asks {
		a.warn("the password is weak: %s", done.Weak)
	}
	return nil
}

// slotJSON is one way into a vault.
type slotJSON struct {
	Name string `json:"name"` // "" for the recovery kit
	Kind string `json:"kind"` // password or recovery_kit
	Set  string `json:"set"`  // RFC 3339, UTC
}

func (a *app) listPasswords(ctx context.Context, h *host.Host, name string) error {
	slots, err := h.VaultPasswords(ctx, name)
	if err != nil {
		return err
	}
	if a.json {
		all := []slotJSON{}
		for _, s := range slots {
			all = append(all, slotJSON{s.Name, map[bool]string{false: "password", true: "recovery_kit"}[s.Code], s.Created.UTC().Format("2006-01-02T15:04:05Z")})
		}
		return writeJSON(a.out, all)
	}
	t := newTable("NAME", "SET")
	for _, s := range slots {
		t.row(slotName(s), moment(s.Created))
	}
	t.print(a.out)
	return nil
}

func slotName(s keys.Slot) string {
	if s.Code {
		return "(recovery kit)"
	}
	return s.Name
}

func (a *app) storeKit() *cobra.Command {
	return &cobra.Command{
		Use: "kit NAME FILE", Short: "write a new recovery kit of a vault",
		Long: `Writes a recovery kit of a vault: a page or two that open it when its password is
forgotten, and tell how to read it without russet. FILE ends in .pdf or .txt and must not
be there yet. Kits made before become useless.` + vaultExits(),
		Example: "  russet store kit home kit.pdf",
		Args:    needs(2, 2, "the name of a vault and a file"), ValidArgsFunction: a.completeStores,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			st, err := h.VaultKit(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			if a.json {
				return writeJSON(a.out, vaultJSON{Name: st.Name, URL: st.URL, Vault: st.Vault, Kit: args[1]})
			}
			a.sayKit(args[1])
			_, err = fmt.Fprintln(a.out, "Kits made before are useless now: destroy them.")
			return err
		},
	}
}

func (a *app) storeRecover() *cobra.Command {
	var codeFile string
	var f additionFlags
	cmd := &cobra.Command{
		Use: "recover NAME [URL]", Short: "open a vault with its recovery kit and set a new password",
		Long: `Opens a vault with the code of its recovery kit and sets a new password. With URL the
vault is first added under NAME, as "russet store add" does. The kit stays good. The
new password takes the place of the forgotten one; where there are several, it is one more.` + vaultExits(),
		Example: "  russet store recover home\n  russet store recover home vault:/mnt/disk/phones",
		Args:    needs(1, 2, "the name of a vault, and its address when it is not known here"), ValidArgsFunction: a.completeStores,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			answers := host.VaultRecovery{Code: a.recoveryCode(codeFile), New: a.newVaultPassword(f.newPassword)}
			const said = "The vault %q is open again. Its new password is the one called %q.\n"
			if len(args) == 1 {
				done, err := h.RecoverVault(cmd.Context(), args[0], answers)
				return a.sayPassword(done, err, said)
			}
			added, done, err := h.RecoverNewVault(cmd.Context(), a.addition(args[0], args[1], f), answers)
			if err == nil {
				err = a.sayPassword(done, nil, said)
			}
			if err == nil && !a.json {
				err = a.sayAdded(added, "")
			}
			return err
		},
	}
	cmd.Flags().StringVar(&codeFile, "code-file", "", "the `FILE` whose first line is the recovery code (- reads standard input)")
	a.newVaultPasswordFlag(cmd, &f.newPassword)
	a.credentialsFlag(cmd, &f.credentials)
	return cmd
}
