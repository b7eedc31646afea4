package host

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"russet"
	"russet/internal/doctor"
	"russet/internal/durable"
	"russet/internal/vault/keys"
)

// storeLimit bounds how long a store may take to say how it is.
const storeLimit = 30 * time.Second

func (h *Host) readStores(ctx context.Context, s *settings) []doctor.Store {
	stores := make([]doctor.Store, len(s.Stores))
	var all sync.WaitGroup
	for i, st := range s.Stores {
		all.Go(func() { stores[i] = h.readStore(ctx, st) })
	}
	all.Wait()
	return stores
}

// readStore asks one store how it is. One that hangs keeps nobody waiting.
func (h *Host) readStore(ctx context.Context, st StoreSettings) doctor.Store {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	answer := make(chan doctor.Store, 1)
	go func() { answer <- h.askStore(ctx, st) }()
	select {
	case s := <-answer:
		return s
	case <-ctx.Done():
		return doctor.Store{
			Name: st.Name, URL: st.URL, State: doctor.StoreHangs, SpoolFree: -1,
			Trouble: &russet.Error{Kind: russet.NotConnected, What: "nothing came for " + storeLimit.String()},
		}
	}
}

func (h *Host) askStore(ctx context.Context, st StoreSettings) doctor.Store {
	s := doctor.Store{Name: st.Name, URL: st.URL, Allowance: st.Allowance, SpoolFree: -1}
	store, err := h.openStore(ctx, st)
	var acc account
	if err == nil {
		acc, err = accountOf(ctx, store)
	}
	if err == nil {
		s.Free, err = store.Free(ctx)
	}
	if err == nil {
		err = writable(st)
	}
	if err != nil {
		s.Trouble = Explain(ctx, storeError(st, err))
		s.State = storeState(st, s.Trouble)
		return s
	}
	s.Backups, s.Devices, s.Used = len(acc.backups), len(acc.devices()), acc.used()
	for _, udid := range slices.Sorted(maps.Keys(st.DeviceAllowances)) {
		if limit := st.DeviceAllowances[udid]; limit > 0 && acc.usage.ByDevice[udid] >= limit {
			s.Over = append(s.Over, doctor.Over{Device: udid, Name: acc.nameOf(udid)})
		}
	}
	if IsVault(st.URL) {
		s.Spool = h.stateOf(st.Vault)
		s.SpoolFree = freeAt(s.Spool)
	}
	return s
}

func (acc account) nameOf(udid russet.UDID) string {
	for _, b := range slices.Backward(acc.backups) {
		if b.Device == udid {
			return b.Name
		}
	}
	return string(udid)
}

// writable tries whether a store that is a folder on this computer can be
// written. Far ones are not written to for that.
func writable(st StoreSettings) error {
	if !IsVault(st.URL) {
		folder, err := folderOf(st.URL)
		if err != nil {
			return err
		}
		return tryWriting(filepath.Join(folder, ".russet"))
	}
	l, err := ParseVault(st.URL)
	if err != nil || !l.Local() {
		return err
	}
	return tryWriting(l.Path)
}

// freeAt is what the disk of a folder still takes; -1 when that is not known.
func freeAt(folder string) int64 {
	d, err := durable.Open(folder, nil)
	if err != nil {
		return -1
	}
	free, err := d.Free()
	if errors.Join(err, d.Close()) != nil {
		return -1
	}
	return free
}

// storeState sorts what keeps a store from being used.
func storeState(st StoreSettings, e *russet.Error) doctor.StoreState {
	here := !strings.Contains(st.URL, "://")
	switch {
	case isPrivacy(e):
		return doctor.StorePrivate
	case errors.Is(e, syscall.EROFS):
		return doctor.StoreReadOnly
	case here && errors.Is(e, fs.ErrPermission):
		return doctor.StoreForbidden
	case errors.Is(e, context.DeadlineExceeded):
		return doctor.StoreHangs
	}
	switch e.Kind {
	case russet.NotConnected, russet.Interrupted:
		return doctor.StoreOffline
	case russet.Password:
		if errors.Is(e, keys.ErrPassword) {
			return doctor.StorePassword
		}
		return doctor.StoreLocked
	case russet.Damaged:
		return doctor.StoreDamaged
	case russet.NoSpace:
		return doctor.StoreFull
	case russet.Unsupported:
		return doctor.StoreUnsupported
	case russet.Usage:
		return doctor.StoreRefused
	default:
		return doctor.StoreTrouble
	}
}
