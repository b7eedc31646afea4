package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"russet"
	"russet/internal/home"
)

// firstStore is the name of the store that is made when a backup is wanted
// and none was chosen.
const firstStore = "main"

// StoreStatus is what can be said of a store without reading its backups.
type StoreStatus struct {
	StoreSettings
	Backups int   `json:"backups"`
	Devices int   `json:"devices"`
	Size    int64 `json:"size"` // bytes of all its backups as the devices stored them
	Free    int64 `json:"free"` // bytes its volume still takes
	// Used is how much of an allowance is used; what is being freed counts no more.
	Used int64 `json:"used"`
	// DeviceUsed is that for the devices that have an allowance of their own.
	DeviceUsed  map[russet.UDID]int64 `json:"device_used,omitempty"`
	Freeing     int64                 `json:"freeing,omitempty"` // deleted, and not free yet
	FreeingNote string                `json:"freeing_note,omitempty"`
	// Problem says why it cannot be used now; "" if it can.
	Problem string `json:"problem,omitempty"`
}

// Stores lists the configured stores in the order they were added.
func (h *Host) Stores() ([]StoreSettings, error) {
	s, err := h.readSettings()
	if err != nil {
		return nil, err
	}
	return s.Stores, nil
}

// AddStore configures a store, creating its folder when it is absent. joined
// says that there were backups already.
func (h *Host) AddStore(ctx context.Context, name, url string) (joined []russet.Backup, err error) {
	if err := checkStoreName(name); err != nil {
		return nil, err
	}
	folder, err := folderOf(url)
	if err != nil {
		return nil, err
	}
	st := StoreSettings{Name: name, URL: "folder:" + folder}
	err = h.changeSettings(ctx, func(s *settings) error {
		if err := clash(s, st); err != nil {
			return err
		}
		if err := h.makeFolder(ctx, st); err != nil {
			return err
		}
		s.Stores = append(s.Stores, st)
		return nil
	})
	if err != nil {
		return nil, err
	}
	store, err := h.openStore(ctx, st)
	if err != nil {
		return nil, err
	}
	return store.Backups(ctx, "")
}

func clash(s *settings, st StoreSettings) error {
	if have := s.find(st.Name); have != nil {
		return &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("there is a store called %q already: %s", have.Name, have.URL),
			Hint: `choose another name, or forget that one with "russet store remove ` + have.Name + `"`,
		}
	}
	i := slices.IndexFunc(s.Stores, func(o StoreSettings) bool { return o.URL == st.URL })
	if i >= 0 {
		return &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("%s is the store %q already", st.URL, s.Stores[i].Name),
			Hint: "use that name",
		}
	}
	return nil
}

// RemoveStore forgets a store. Its backups stay where they are.
func (h *Host) RemoveStore(ctx context.Context, name string) (StoreSettings, error) {
	var gone StoreSettings
	var rest []StoreSettings
	err := h.changeSettings(ctx, func(s *settings) error {
		st := s.find(name)
		if st == nil {
			return unknownStore(name, s.Stores)
		}
		gone = *st
		s.Stores = slices.DeleteFunc(s.Stores, func(o StoreSettings) bool { return o.Name == name })
		rest = s.Stores
		s.forgetPolicies(name)
		s.forgetChores(name)
		return nil
	})
	if err == nil {
		err = h.forgetVault(gone, rest)
	}
	return gone, err
}

// TryStore opens a store. What opens a vault is remembered from then on.
func (h *Host) TryStore(ctx context.Context, st StoreSettings) error {
	_, err := h.openStore(ctx, st)
	return err
}

// StoreStatus tells how a store is.
func (h *Host) StoreStatus(ctx context.Context, st StoreSettings) StoreStatus {
	status := StoreStatus{StoreSettings: st}
	store, err := h.openStore(ctx, st)
	if err != nil {
		status.Problem = err.Error()
		return status
	}
	acc, err := accountOf(ctx, store)
	if err != nil {
		status.Problem = err.Error()
		return status
	}
	for _, b := range acc.backups {
		status.Size += b.Size
	}
	status.Backups, status.Devices, status.Used = len(acc.backups), len(acc.devices()), acc.used()
	status.Freeing, status.FreeingNote = acc.usage.Freeing, acc.usage.FreeingNote
	for device := range st.DeviceAllowances {
		if status.DeviceUsed == nil {
			status.DeviceUsed = map[russet.UDID]int64{}
		}
		status.DeviceUsed[device] = acc.usage.ByDevice[device]
	}
	if status.Free, err = store.Free(ctx); err != nil {
		status.Problem = err.Error()
	}
	return status
}

// StoreStatuses tells how the store called name is, or all of them for "".
func (h *Host) StoreStatuses(ctx context.Context, name string) ([]StoreStatus, error) {
	stores, err := h.storesNamed(name)
	if err != nil {
		return nil, err
	}
	all := []StoreStatus{}
	for _, st := range stores {
		all = append(all, h.StoreStatus(ctx, st))
	}
	return all, nil
}

// Store finds a configured store by its name.
func (h *Host) Store(name string) (StoreSettings, error) { return h.chooseStore(name) }

// chooseStore finds the store that is meant: the named one, or the only one.
func (h *Host) chooseStore(name string) (StoreSettings, error) {
	stores, err := h.Stores()
	if err != nil {
		return StoreSettings{}, err
	}
	switch {
	case name != "":
		i := slices.IndexFunc(stores, func(st StoreSettings) bool { return st.Name == name })
		if i < 0 {
			return StoreSettings{}, unknownStore(name, stores)
		}
		return stores[i], nil
	case len(stores) == 1:
		return stores[0], nil
	case len(stores) == 0:
		return StoreSettings{}, noStore()
	default:
		return StoreSettings{}, &russet.Error{
			Kind: russet.Usage, What: "there are several stores: " + storeNames(stores),
			Hint: "say which one with --store NAME",
		}
	}
}

// errNoStore is why a store cannot be chosen when none is configured.
var errNoStore = errors.New("no store is configured")

func noStore() error {
	return &russet.Error{
		Kind: russet.Usage, What: "there is no store yet",
		Hint: `back up a device ("russet backup"), or add one: "russet store add main folder:/path"`,
		Err:  errNoStore,
	}
}

// StoreFor finds the store to write to, and makes a first one when none is
// configured. made says that it did.
func (h *Host) StoreFor(ctx context.Context, name string) (st StoreSettings, made bool, err error) {
	st, err = h.chooseStore(name)
	if !errors.Is(err, errNoStore) {
		return st, false, err
	}
	url := "folder:" + filepath.Join(h.home.Data, "backups")
	if _, err = h.AddStore(ctx, firstStore, url); err != nil {
		// Another process may have made it in this moment.
		if st, again := h.chooseStore(""); again == nil {
			return st, false, nil
		}
		return StoreSettings{}, false, err
	}
	st, err = h.chooseStore(firstStore)
	return st, true, err
}

// StoreOf finds the store to which a person backs a device up: the named one,
// else the first of the device's policy, which is the first there is when it
// names none. Without a device it is that of StoreFor.
func (h *Host) StoreOf(ctx context.Context, udid russet.UDID, name string) (st StoreSettings, made bool, err error) {
	if name == "" && udid != "" {
		p, err := h.Schedule(udid)
		if err != nil {
			return StoreSettings{}, false, err
		}
		stores, err := h.Stores()
		if err != nil {
			return StoreSettings{}, false, err
		}
		switch {
		case len(p.Stores) > 0:
			name = p.Stores[0]
		case len(stores) > 0:
			name = stores[0].Name
		}
	}
	return h.StoreFor(ctx, name)
}

func unknownStore(name string, stores []StoreSettings) error {
	e := &russet.Error{Kind: russet.Usage, What: fmt.Sprintf("there is no store called %q", name)}
	if len(stores) > 0 {
		e.Hint = "the stores are: " + storeNames(stores)
	} else {
		e.Hint = `add it with "russet store add ` + name + ` folder:/path"`
	}
	return e
}

func storeNames(stores []StoreSettings) string {
	names := make([]string, len(stores))
	for i, st := range stores {
		names[i] = st.Name
	}
	return strings.Join(names, ", ")
}

// storeError explains a failure of a store's folder.
func storeError(st StoreSettings, err error) error {
	if _, ok := errors.AsType[*russet.Error](err); ok {
		return err
	}
	e := &russet.Error{
		Kind: fileKind(err), Doing: fmt.Sprintf("open the store %q", st.Name), What: home.FileProblem(err), Err: err,
	}
	switch {
	case isPrivacy(err):
		e.Hint = privacyHint
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = russet.NotConnected
		e.What = fmt.Sprintf("%s is not there, or is not a store", strings.TrimPrefix(st.URL, "folder:"))
		e.Hint = "connect or mount its disk; if it moved, forget it and add it again: \"russet store remove " +
			st.Name + "\", \"russet store add " + st.Name + " folder:/new/path\""
	case e.Kind == russet.NoSpace:
		e.Hint = "make room on its disk"
	case errors.Is(err, syscall.EROFS):
		e.Hint = "mount its disk so that it can be written; a service of systemd writes only where its unit lets it: ReadWritePaths=" +
			strings.TrimPrefix(strings.TrimPrefix(st.URL, "folder:"), "vault:")
	case e.Kind == russet.Usage:
		e.Hint = "make the folder writable for you, or choose another store"
	}
	return e
}
