package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"russet"
	"russet/internal/home"
	"russet/internal/secrets"
	"russet/internal/vault/backend"
	"russet/internal/vault/keys"
)

const vaultScheme = "vault:"

// IsVault reports whether the address of a store is that of a vault.
func IsVault(url string) bool { return strings.HasPrefix(url, vaultScheme) }

// ParseVault reads the address of a vault. A folder may be relative, or below
// the home of a person.
func ParseVault(url string) (backend.Location, error) {
	if rest, ok := strings.CutPrefix(url, vaultScheme); ok && rest != "" && !strings.Contains(rest, "://") {
		path, err := absolute(rest)
		if err != nil {
			return backend.Location{}, err
		}
		url = vaultScheme + path
	}
	return backend.Parse(url)
}

// stateOf is the folder of this computer's part of a vault.
func (h *Host) stateOf(vault string) string { return filepath.Join(h.home.Data, "vaults", vault) }

// openStorage opens the place of a configured vault.
func (h *Host) openStorage(ctx context.Context, st StoreSettings) (*backend.Backend, error) {
	l, err := ParseVault(st.URL)
	if err != nil {
		return nil, err
	}
	c, err := h.keptCredentials(st, l)
	if err != nil {
		return nil, err
	}
	return h.openPlace(ctx, st, l, c, false)
}

func (h *Host) openPlace(ctx context.Context, st StoreSettings, l backend.Location, c backend.Credentials, create bool) (*backend.Backend, error) {
	opts := backend.Options{
		Location: l, Credentials: c, Create: create, Log: h.log,
		UploadBytesPerSecond: float64(st.Upload), DownloadBytesPerSecond: float64(st.Download),
	}
	if st.Vault != "" {
		opts.Mirror = filepath.Join(h.stateOf(st.Vault), "mirror")
	}
	b, err := backend.Open(ctx, opts)
	if errors.Is(err, fs.ErrNotExist) && !create {
		return nil, notThere(st, err)
	}
	return b, err
}

// notThere is the error of a place that is absent: most often its disk is.
func notThere(st StoreSettings, err error) error {
	e := &russet.Error{Kind: russet.NotConnected, Doing: fmt.Sprintf("open the vault %q", st.Name), What: home.FileProblem(err), Err: err}
	if said, ok := errors.AsType[*russet.Error](err); ok {
		e.What, e.Hint = said.What, said.Hint
	}
	if st.Vault != "" {
		e.Hint = "connect or mount its disk; if it moved, forget it and add it again: \"russet store remove " + st.Name +
			"\", \"russet store add " + st.Name + " vault:…\""
	}
	return e
}

// loadKeys reads the keys of a configured vault.
func (h *Host) loadKeys(ctx context.Context, st StoreSettings, b *backend.Backend) (*keys.Loaded, error) {
	l, err := keys.Load(ctx, b)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &russet.Error{
			Kind: russet.NotConnected, Doing: fmt.Sprintf("open the vault %q", st.Name), What: "there is no vault at " + st.URL, Err: err,
			Hint: "connect or mount its disk; if its russet.keys was removed, put it back from a copy",
		}
	case err != nil:
		return nil, keysError(st, err)
	case st.Vault != "" && l.Vault() != st.Vault:
		return nil, &russet.Error{
			Kind: russet.Usage, Doing: fmt.Sprintf("open the vault %q", st.Name), What: "there is another vault at " + st.URL,
			Hint: "connect its disk, or forget it and add the other one",
		}
	}
	for _, p := range l.Problems {
		h.log.Warn("a copy of the vault's keys is spoiled", "store", st.Name, "problem", p)
	}
	return l, nil
}

// VaultAddition says what becomes of a new store that is a vault. The functions
// ask a person, or know; they are called when their answer is needed.
type VaultAddition struct {
	Name, URL   string
	Credentials func(context.Context, backend.Location) (backend.Credentials, error)
	// NewPassword is that of a vault that is made; nil if it is only to be joined.
	NewPassword func(context.Context) (secrets.Secret, error)
	// Open opens the keys of a vault that is joined; nil means with its password.
	Open func(context.Context, StoreSettings, *backend.Backend, *keys.Loaded) error
	// Kit is the file of a recovery kit for a vault that is made; "" for none.
	Kit string
}

// VaultAdded says what became of it.
type VaultAdded struct {
	Store   StoreSettings
	Made    bool // it was not there
	Backups []russet.Backup
	Kit     bool   // a kit was written
	Weak    string // what speaks against the new password
}

// AddVault configures a vault: one that is there is joined, with a password;
// else it is made.
func (h *Host) AddVault(ctx context.Context, a VaultAddition) (added VaultAdded, err error) {
	l, err := h.checkAddition(a)
	if err != nil {
		return added, err
	}
	added.Store = StoreSettings{Name: a.Name, URL: l.String()}
	var c backend.Credentials
	if !l.Local() {
		if c, err = a.Credentials(ctx, l); err != nil {
			return added, err
		}
	}
	f, err := h.joinOrMake(ctx, &added, a, l, c)
	if err != nil {
		return added, err
	}
	if err := errors.Join(h.rememberMaster(f), h.keepCredentials(a.Name, l, c)); err != nil {
		return added, err
	}
	if err := h.completeVault(ctx, added.Store, f); err != nil {
		return added, err
	}
	err = h.changeSettings(ctx, func(s *settings) error {
		if err := clash(s, added.Store); err != nil {
			return err
		}
		s.Stores = append(s.Stores, added.Store)
		return nil
	})
	if err != nil {
		return added, err
	}
	store, err := h.openStore(ctx, added.Store)
	if err != nil {
		return added, err
	}
	added.Backups, err = store.Backups(ctx, "")
	return added, err
}

// checkAddition refuses what cannot be before anything is asked or made.
func (h *Host) checkAddition(a VaultAddition) (backend.Location, error) {
	if err := checkStoreName(a.Name); err != nil {
		return backend.Location{}, err
	}
	l, err := ParseVault(a.URL)
	if err != nil {
		return l, err
	}
	s, err := h.readSettings()
	if err != nil {
		return l, err
	}
	if err := clash(s, StoreSettings{Name: a.Name, URL: l.String()}); err != nil {
		return l, err
	}
	if a.Kit != "" {
		return l, checkKitFile(a.Kit)
	}
	return l, nil
}

// SetRates limits how many bytes per second go to a vault and come from it; 0
// lifts a limit, a negative number leaves it as it is.
func (h *Host) SetRates(ctx context.Context, name string, upload, download int64) (StoreSettings, error) {
	var now StoreSettings
	err := h.changeSettings(ctx, func(s *settings) error {
		st := s.find(name)
		switch {
		case st == nil:
			return unknownStore(name, s.Stores)
		case !IsVault(st.URL):
			return &russet.Error{
				Kind: russet.Unsupported, What: "only the way to a vault can be slowed down; a folder is on this computer", Hint: "leave --upload and --download out",
			}
		}
		if upload >= 0 {
			st.Upload = upload
		}
		if download >= 0 {
			st.Download = download
		}
		now = *st
		return nil
	})
	return now, err
}

// SetSpool limits how many bytes of received files a vault holds back on this
// computer until their keys are known; 0 means the usual.
func (h *Host) SetSpool(ctx context.Context, name string, bytes int64) error {
	return h.changeSettings(ctx, func(s *settings) error {
		st := s.find(name)
		switch {
		case st == nil:
			return unknownStore(name, s.Stores)
		case !IsVault(st.URL):
			return &russet.Error{
				Kind: russet.Unsupported, What: "a folder needs no spool; only a vault has one", Hint: "leave --spool out",
			}
		}
		st.Spool = bytes
		return nil
	})
}
