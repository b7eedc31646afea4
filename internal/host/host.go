// Package host is the computer's side of russet, the one mind behind its
// faces: it knows the devices, the stores, the passwords and the history, and
// does what the commands and later the pages ask for.
//
// Everything of its own lies in one folder (see Home). A Host may be used by
// several goroutines; several processes may share a home.
package host

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"

	"russet"
	"russet/internal/durable"
	"russet/internal/secrets"
)

// Options says what a Host works with.
type Options struct {
	Home Home
	// Mux is the address of usbmuxd as USBMUXD_SOCKET_ADDRESS gives it; ""
	// means the system's usual one.
	Mux string
	// PasswordFile names a file whose first line is a backup password, tried
	// after the remembered one; "" if none.
	PasswordFile string
	Vaults       VaultAnswers
	LowMemory    bool         // take less of it, at some speed
	Log          *slog.Logger // nil means silence
}

// Host does what people ask of russet on this computer.
type Host struct {
	*shared
	mux      string
	password secrets.Secret // given for the task at hand: no other is tried
	learns   bool           // remember it when it fits
}

// shared is what all views of a Host have in common.
type shared struct {
	home         Home
	passwordFile string
	vaults       VaultAnswers
	lowMemory    bool
	log          *slog.Logger

	mu      sync.Mutex       // for the two below
	dir     *durable.Dir     // the home; nil until it is needed
	secrets *secrets.Secrets // nil until they are needed

	// A store that opens may ask for a password, and so for mu.
	storesMu sync.Mutex
	opened   map[string]russet.Store // by URL
}

// Open makes a Host. It touches nothing yet.
func Open(opts Options) *Host {
	return &Host{mux: opts.Mux, shared: &shared{
		home: opts.Home, passwordFile: opts.PasswordFile, lowMemory: opts.LowMemory, vaults: opts.Vaults,
		log:    cmp.Or(opts.Log, slog.New(slog.DiscardHandler)),
		opened: map[string]russet.Store{},
	}}
}

// WithPassword is h for a task for which a person gave a backup password.
func (h *Host) WithPassword(password string) *Host {
	v := *h
	v.password = secrets.Secret(password)
	return &v
}

// WithTypedPassword is WithPassword for one that a person typed: when it fits,
// it is remembered.
func (h *Host) WithTypedPassword(password string) *Host {
	v := h.WithPassword(password)
	v.learns = true
	return v
}

// Close lets go of the stores.
func (h *Host) Close() error {
	h.storesMu.Lock()
	defer h.storesMu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, store := range h.opened {
		errs = append(errs, store.Close())
	}
	clear(h.opened)
	if h.secrets != nil {
		errs = append(errs, h.secrets.Close())
		h.secrets = nil
	}
	if h.dir != nil {
		errs = append(errs, h.dir.Close())
		h.dir = nil
	}
	return errors.Join(errs...)
}

// openStore opens a configured store, once.
func (h *Host) openStore(ctx context.Context, st StoreSettings) (russet.Store, error) {
	h.storesMu.Lock()
	defer h.storesMu.Unlock()
	if store := h.opened[st.URL]; store != nil {
		return store, nil
	}
	open := h.openFolder
	if IsVault(st.URL) {
		open = h.openVault
	}
	store, err := open(ctx, st)
	if err != nil {
		return nil, err
	}
	h.opened[st.URL] = store
	return store, nil
}
