package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

// additionFlags are those of a store that is added.
type additionFlags struct {
	kit, newPassword, credentials string
}

func (a *app) storeAdd() *cobra.Command {
	var f additionFlags
	cmd := &cobra.Command{
		Use: "add NAME URL", Short: "keep backups in a folder or a vault",
		Long: `Adds a store: one that is there is joined, and nothing in it is changed; else it is made.

  folder:/path                     a folder as Finder and iTunes keep it
  vault:/path                      a vault on a disk: encrypted, every backup a version
  vault:s3://bucket/prefix         … in a bucket; ?endpoint=host:port&region=name for other
                                   places than Amazon
  vault:sftp://user@host/path      … on a server with SSH
  vault:webdavs://user@host/path   … on a WebDAV server

A new vault gets a password, asked twice or from --new-password-file; --kit writes the
recovery kit that opens it when the password is forgotten. What opens a bucket or a
server is asked, or read from --credentials-file or AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, and kept sealed on this computer.` +
			exits(russet.Usage, russet.NotConnected, russet.Password, russet.NoSpace, russet.Damaged, russet.Unsupported),
		Example: "  russet store add main folder:/srv/backups\n  russet store add home vault:/mnt/disk/phones --kit kit.pdf",
		Args:    needs(2, 2, "a name and an address such as folder:/srv/backups"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.host()
			if err != nil {
				return err
			}
			if host.IsVault(args[1]) {
				return a.addVault(cmd.Context(), h, args[0], args[1], f)
			}
			if f != (additionFlags{}) {
				return usage("leave them out", "--kit, --new-password-file and --credentials-file are for vaults")
			}
			return a.addFolder(cmd.Context(), h, args[0], args[1])
		},
	}
	cmd.Flags().StringVar(&f.kit, "kit", "", "write a recovery kit of the new vault to `FILE` (.pdf or .txt)")
	a.newVaultPasswordFlag(cmd, &f.newPassword)
	a.credentialsFlag(cmd, &f.credentials)
	return cmd
}

func (a *app) newVaultPasswordFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "new-password-file", "", "the `FILE` whose first line is the new password (- reads standard input)")
}

func (a *app) credentialsFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "credentials-file", "", "the `FILE` that opens the bucket or server: JSON, or as aws keeps it")
}

func (a *app) addFolder(ctx context.Context, h *host.Host, name, url string) error {
	found, err := h.AddStore(ctx, name, url)
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.out, map[string]any{"name": name, "url": url, "backups": len(found)})
	}
	if len(found) == 0 {
		fmt.Fprintf(a.out, "The store %q is ready.\n", name)
		return nil
	}
	fmt.Fprintf(a.out, "The store %q is ready; it holds %s already.\n", name, many(len(found), "backup"))
	return nil
}

// addition says where the answers for a new vault come from.
func (a *app) addition(name, url string, f additionFlags) host.VaultAddition {
	return host.VaultAddition{
		Name: name, URL: url, Kit: f.kit,
		Credentials: a.storageCredentials(f.credentials),
		NewPassword: a.newVaultPassword(f.newPassword, a.vaultFile, a.getenv("RUSSET_VAULT_PASSWORD_FILE")),
	}
}

func (a *app) addVault(ctx context.Context, h *host.Host, name, url string, f additionFlags) error {
	added, err := h.AddVault(ctx, a.addition(name, url, f))
	if err != nil {
		return err
	}
	if added.Weak != "" && !a.asks { // else it was said before
		a.warn("the password is weak: %s", added.Weak)
	}
	if added.Made && !added.Kit {
		if f.kit, err = a.offerKit(ctx, h, name); err != nil {
			return err
		}
	}
	return a.sayAdded(added, f.kit)
}

func (a *app) sayAdded(added host.VaultAdded, kit string) error {
	st := added.Store
	if a.json {
		return writeJSON(a.out, vaultJSON{Name: st.Name, URL: st.URL, Vault: st.Vault, Made: added.Made, Backups: len(added.Backups), Kit: kit, Note: added.Weak})
	}
	if added.Made {
		fmt.Fprintf(a.out, "The vault %q is ready.\n", st.Name)
	} else {
		fmt.Fprintf(a.out, "The vault %q is joined; it holds %s.\n", st.Name, many(len(added.Backups), "backup"))
	}
	a.sayKit(kit)
	return nil
}

func (a *app) sayKit(kit string) {
	if kit != "" && !a.json {
		fmt.Fprintf(a.out, "The recovery kit is in %s: print it, keep it away from this computer, and remove the file.\n", plain(kit))
	}
}

// vaultJSON is what commands say of a vault they changed.
type vaultJSON struct {
	Name    string `json:"name"`
	URL     string `json:"url"`
	Vault   string `json:"vault"`
	Made    bool   `json:"made,omitempty"`
	Backups int    `json:"backups"`
	Kit     string `json:"kit,omitempty"`
	Slot    string `json:"password,omitempty"` // the name of the password that changed
	Note    string `json:"note,omitempty"`
}

// offerKit asks where a kit of a new vault goes; "" if nowhere.
func (a *app) offerKit(ctx context.Context, h *host.Host, name string) (string, error) {
	later := fmt.Sprintf("a recovery kit opens the vault when the password is forgotten; there is none yet. Make it: russet store kit %s kit.pdf", name)
	if !a.asks {
		a.warn("%s", later)
		return "", nil
	}
	for {
		file, err := a.question(ctx, "Write a recovery kit? It opens the vault when the password is forgotten.\nFile (.pdf or .txt; empty for later): ")
		if err != nil {
			return "", err
		}
		if file == "" {
			a.warn("%s", later)
			return "", nil
		}
		_, err = h.VaultKit(ctx, name, file)
		if err == nil {
			return file, nil
		}
		if e, ok := errors.AsType[*russet.Error](err); !ok || e.Kind != russet.Usage {
			return "", err
		}
		fmt.Fprintln(a.err, plain(err.Error()))
	}
}
