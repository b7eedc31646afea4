package main

import (
	"context"
	"os"
	"path/filepath"
)

// ourClient is russet with one vault.
type ourClient struct {
	bin   string
	lab   *lab
	dir   string
	vault string // where the vault is, as `russet store add` wants it
}

// newRusset makes a home, a vault and a pairing. The vault is a folder below
// dir unless at says otherwise.
func (b *bench) newRusset(ctx context.Context, l *lab, dir, at string) (*ourClient, error) {
	c := &ourClient{bin: b.bin, lab: l, dir: dir, vault: at}
	if at == "" {
		c.vault = "vault:" + c.repository()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for name, secret := range map[string]string{"vault-password": "a vault's own password", "backup-password": password} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	if _, _, err := c.do(ctx, "store", "add", "v", c.vault, "--vault-password-file", filepath.Join(dir, "vault-password")); err != nil {
		return nil, err
	}
	return c, c.pair(ctx, l)
}

// pair makes the phone of l the one that is spoken to.
func (c *ourClient) pair(ctx context.Context, l *lab) error {
	c.lab = l
	_, _, err := c.do(ctx, "pair", l.udid())
	return err
}

func (c *ourClient) repository() string { return filepath.Join(c.dir, "vault") }

func (c *ourClient) home() string { return filepath.Join(c.dir, "home") }

func (c *ourClient) command(args ...string) command {
	return command{
		name: c.bin, args: args, keep: c.home(),
		env: append(c.lab.env(), "RUSSET_HOME="+c.home(), "RUSSET_VAULT_PASSWORD_FILE="+filepath.Join(c.dir, "vault-password"),
			"RUSSET_BACKUP_PASSWORD_FILE="+filepath.Join(c.dir, "backup-password")),
	}
}

func (c *ourClient) do(ctx context.Context, args ...string) (measure, string, error) {
	return do(ctx, c.command(args...))
}

func (c *ourClient) backup(ctx context.Context, sync bool, more ...string) (measure, error) {
	cmd := c.command(append([]string{"backup", c.lab.udid(), "--store", "v"}, more...)...)
	if sync {
		cmd.sync = c.dir
	}
	m, _, err := do(ctx, cmd)
	return m, err
}
