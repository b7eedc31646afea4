package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/vault/backend"
	"russet/internal/vault/keys"
	"russet/internal/vault/kit"
)

// checkKitFile refuses a name that cannot become a kit.
func checkKitFile(name string) error {
	if err := kit.CheckName(name); err != nil {
		return kitError(name, err)
	}
	if _, err := os.Lstat(name); err == nil {
		return kitError(name, fs.ErrExist)
	}
	return nil
}

func kitError(name string, err error) error {
	e := &russet.Error{Kind: fileKind(err), Doing: "write the recovery kit", What: home.FileProblem(err), Err: err}
	switch {
	case errors.Is(err, kit.ErrKind):
		e.Kind, e.What = russet.Usage, fmt.Sprintf("%q is not the name of a kit", name)
		e.Hint = "let it end in .pdf or .txt"
	case errors.Is(err, fs.ErrExist):
		e.Kind, e.What = russet.Usage, fmt.Sprintf("there is a file %q already", name)
		e.Hint = "choose another name: kits are never written over anything"
	}
	return e
}

// vaultPlace is what newKit needs of a backend.Backend.
type vaultPlace interface {
	keys.Blobs
	Location() backend.Location
}

// newKit makes a new recovery code and writes its kit. The kit comes first: if
// the vault does not take the code, the former kit still opens it, and the new
// one is removed.
func (h *Host) newKit(ctx context.Context, st StoreSettings, b vaultPlace, f *keys.File, name string) error {
	code, err := f.NewRecoveryCode()
	if err != nil {
		return keysError(st, err)
	}
	k := kit.Kit{Store: st.Name, Vault: f.Vault(), Place: placeOf(b.Location()), Code: code, Made: time.Now()}
	if err := k.Write(name); err != nil {
		return kitError(name, err)
	}
	err = keys.Save(ctx, b, f)
	if err == nil || errors.Is(err, keys.ErrCopy) {
		return keysError(st, err)
	}
	// Did it arrive all the same?
	now, loadErr := keys.Load(context.WithoutCancel(ctx), b)
	if loadErr == nil {
		if _, codeErr := now.OpenWithCode(code); codeErr == nil {
			return keysError(st, err)
		}
		return errors.Join(keysError(st, err), os.Remove(name))
	}
	return &russet.Error{
		Kind: russet.KindOf(keysError(st, err)), Doing: "write the recovery kit", Err: errors.Join(err, loadErr),
		What: fmt.Sprintf("the vault did not say whether it took the new code: %q may be useless, or the kits before it", name),
		Hint: "make a new kit when the vault can be reached, and destroy the others",
	}
}

func placeOf(l backend.Location) kit.Place {
	return kit.Place{
		Address: l.String(), Kind: l.Kind, Path: l.Path, Host: l.Host, Port: l.Port, User: l.User,
		Bucket: l.Bucket, Prefix: l.Prefix, Region: l.Region, TLS: l.TLS,
	}
}

// VaultKit writes a new recovery kit of a vault; the former one becomes useless.
func (h *Host) VaultKit(ctx context.Context, name, file string) (StoreSettings, error) {
	if err := checkKitFile(file); err != nil {
		return StoreSettings{}, err
	}
	return h.withKeys(ctx, name, func(st StoreSettings, b *backend.Backend, l *keys.Loaded) error {
		if err := h.unlockVault(ctx, st, l.File); err != nil {
			return err
		}
		return h.newKit(ctx, st, b, l.File, file)
	})
}
