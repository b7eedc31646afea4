// Package host is the computer's side of russet, the one mind behind its
// faces: it knows the stores, the passwords and the history, asks internal/reach
// for phones, and does what the commands and the service ask for.
//
// Everything of its own lies in one folder (internal/home). A Host may be used
// by several goroutines; several processes may share a home.
package host

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"russet"
	"russet/internal/home"
	"russet/internal/reach"
	"russet/internal/secrets"
	"russet/internal/vault"
)

// Options says what a Host works with.
type Options struct {
	Home home.Place
	// Mux is the address of usbmuxd as USBMUXD_SOCKET_ADDRESS gives it; ""
	// means the system's usual one.
	Mux string
	// PasswordFile names a file whose first line is a backup password, tried
	// after the remembered one; "" if none.
	PasswordFile string
	Vaults       VaultAnswers
	LowMemory    bool // take less of it, at some speed
	// Now is the clock on the wall; nil is the computer's own, in its time zone of
	// now: see Host.Zone.
	Now func() time.Time
	// Rate is how many bytes a second may come from and go to all devices
	// together; nil is no limit.
	Rate *rate.Limiter
	Log  *slog.Logger // nil means silence
}

// Host does what people ask of russet on this computer.
type Host struct {
	*shared
	password secrets.Secret // given for the task at hand: no other is tried
	learns   bool           // remember it when it fits
}

// shared is what all views of a Host have in common.
type shared struct {
	home         *home.Home
	devices      *reach.Devices
	passwordFile string
	vaults       VaultAnswers
	lowMemory    bool
	now          func() time.Time
	zone         *zone
	rate         *rate.Limiter
	root         string        // where the system's own folders begin; "/" but for tests
	listenFor    time.Duration // how long the doctor listens to the network
	log          *slog.Logger

	storesMu sync.Mutex
	stores   map[string]*openedStore // by URL
}

// openedStore is the place of a store that is open, or being opened: one that
// does not answer must not keep others waiting.
type openedStore struct {
	mu    sync.Mutex // opening may ask for a password
	store russet.Store
	place fs.FileInfo // of its folder when it was opened; nil if it is elsewhere
}

// Open makes a Host. It touches nothing yet.
func Open(opts Options) *Host {
	here := &zone{file: localtime}
	if opts.Now == nil {
		opts.Now = func() time.Time { return time.Now().In(here.now()) }
	}
	h := &Host{shared: &shared{
		home: home.At(opts.Home), passwordFile: opts.PasswordFile, lowMemory: opts.LowMemory, vaults: opts.Vaults, now: opts.Now, zone: here,
		rate: cmp.Or(opts.Rate, rate.NewLimiter(rate.Inf, burst)), root: "/", listenFor: doctorListens,
		log:    cmp.Or(opts.Log, slog.New(slog.DiscardHandler)),
		stores: map[string]*openedStore{},
	}}
	h.devices = reach.New(reach.Options{Home: h.home, Mux: opts.Mux, Given: h.given, Now: h.now, Rate: h.rate, Log: h.log})
	return h
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

// Close lets go of the stores and of everything else.
func (h *Host) Close() error { return errors.Join(h.CloseStores(), h.home.Close()) }

// CloseStores lets go of the stores, which nobody may be using: a disk can be
// unmounted then, and their memory is free. They open again when needed.
func (h *Host) CloseStores() error {
	h.storesMu.Lock()
	defer h.storesMu.Unlock()
	var errs []error
	for _, o := range h.stores {
		errs = append(errs, o.close())
	}
	clear(h.stores)
	return errors.Join(errs...)
}

func (o *openedStore) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.store == nil {
		return nil
	}
	err := o.store.Close()
	o.store = nil
	return err
}

// openStore opens a configured store, once.
func (h *Host) openStore(ctx context.Context, st StoreSettings) (russet.Store, error) {
	if err := h.home.Ours(); err != nil { // also who only reads leaves locks there
		return nil, err
	}
	h.storesMu.Lock()
	o := h.stores[st.URL]
	if o == nil {
		o = &openedStore{}
		h.stores[st.URL] = o
	}
	h.storesMu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	place := standsAt(st)
	if o.store != nil && (o.place == nil || place != nil && os.SameFile(o.place, place)) {
		if v, ok := o.store.(*vault.Store); ok { // the limits may have been changed since
			v.SetRates(st.Upload, st.Download)
		}
		return o.store, nil
	}
	if o.store != nil {
		// Its disk was unmounted or its folder moved while russet ran: what is
		// open is not what is there.
		h.log.Info("a store is no longer where it was opened", "store", st.Name)
		if err := o.store.Close(); err != nil {
			h.log.Warn("a store that has gone could not be closed", "store", st.Name, "error", err)
		}
		o.store = nil
	}
	open := h.openFolder
	if IsVault(st.URL) {
		open = h.openVault
	}
	store, err := open(ctx, st)
	if err != nil {
		return nil, err
	}
	o.store, o.place = store, standsAt(st)
	return store, nil
}

// standsAt is the folder of a store on this computer; nil if it has none now.
func standsAt(st StoreSettings) fs.FileInfo {
	folder, local := strings.CutPrefix(st.URL, "folder:")
	if !local {
		l, err := ParseVault(st.URL)
		if err != nil || !l.Local() {
			return nil
		}
		folder = l.Path
	}
	info, err := os.Stat(folder)
	if err != nil {
		return nil
	}
	return info
}
