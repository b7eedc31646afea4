//go:build linux && amd64

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A vault is looked at from a second computer, which shares it: that one sees
// what is in the vault and finishes nothing that the first had begun.

const vaultPassword = "a password of the vault"

// address is the store's.
func (l *lab) address() string {
	if l.vault {
		return "vault:" + l.live("store/v")
	}
	return "folder:" + l.live("store")
}

// addStores makes the store known, and to the second computer, too.
func (l *lab) addStores(ctx context.Context) error {
	if !l.vault {
		return l.must(ctx, "store", "add", "main", l.address())
	}
	file := l.live("vault-password")
	if err := os.WriteFile(file, []byte(vaultPassword+"\n"), 0o600); err != nil {
		return err
	}
	if err := l.must(ctx, "store", "add", "main", l.address(), "--new-password-file", file); err != nil {
		return err
	}
	_, err := l.second(ctx, "store", "add", "main", l.address(), "--vault-password-file", file)
	return err
}

// second runs russet as the second computer.
func (l *lab) second(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, l.russet, args...)
	cmd.Env = append(l.env(), "RUSSET_HOME="+l.live("second"))
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("on the second computer russet %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return out, err
}

// state is what is in the store: the phone's last backup as a folder, and the
// identities of all its backups where there are several.
func (l *lab) state(ctx context.Context) (dir string, ids []string, err error) {
	if !l.vault {
		return filepath.Join(l.live("store"), l.udid), nil, nil
	}
	dir = filepath.Join(l.live("export"), l.udid)
	if err := os.RemoveAll(l.live("export")); err != nil {
		return "", nil, err
	}
	out, err := l.second(ctx, "backups", "--json")
	if err != nil {
		return "", nil, err
	}
	var list []struct {
		ID       string `json:"id"`
		Archived bool   `json:"archived"`
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return "", nil, fmt.Errorf("%w in %q", err, out)
	}
	for _, b := range list {
		ids = append(ids, fmt.Sprintf("%s %v", b.ID, b.Archived))
	}
	slices.Sort(ids)
	if len(ids) > 0 {
		_, err = l.second(ctx, "export", "latest", l.live("export"), "--device", l.udid)
	}
	return dir, ids, err
}

// grown says that there are backups of at most so many runs more, and all that
// were there before.
func grown(before, after []string, runs int) bool {
	return len(after) > len(before) && len(after) <= len(before)+runs && !slices.ContainsFunc(before, func(id string) bool { return !slices.Contains(after, id) })
}

// leftovers are the places where a run keeps what is not finished.
func (l *lab) leftovers() ([]string, error) {
	if l.vault {
		return filepath.Glob(l.live("home/vaults/*"))
	}
	return []string{filepath.Join(l.live("store"), ".russet")}, nil
}
