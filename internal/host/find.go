package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"russet"
	"russet/internal/reach"
)

// Latest is the word for the newest backup.
const Latest = "latest"

// Backups lists finished backups, oldest first: of one store or, with store
// "", of all; of one device or, with device "", of all. drafts adds what
// unfinished runs left behind. When a store cannot be read, the backups of the
// others come with the error.
func (h *Host) Backups(ctx context.Context, store string, device russet.UDID, drafts bool) ([]russet.Backup, error) {
	stores, err := h.storesNamed(store)
	if err != nil {
		return nil, err
	}
	all := []russet.Backup{}
	var errs []error
	for _, st := range stores {
		list, err := h.backupsOf(ctx, st, device, drafts)
		all = append(all, list...)
		errs = append(errs, err)
	}
	slices.SortStableFunc(all, func(a, b russet.Backup) int {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(string(a.ID), string(b.ID)))
	})
	return all, errors.Join(errs...)
}

func (h *Host) backupsOf(ctx context.Context, st StoreSettings, device russet.UDID, drafts bool) ([]russet.Backup, error) {
	s, err := h.openStore(ctx, st)
	if err != nil {
		return nil, err
	}
	list, err := s.Backups(ctx, device)
	if err != nil {
		return nil, fmt.Errorf("list the backups of store %q: %w", st.Name, err)
	}
	if !drafts {
		return list, nil
	}
	unfinished, err := s.Drafts(ctx, device)
	if err != nil {
		return list, fmt.Errorf("list the unfinished backups of store %q: %w", st.Name, err)
	}
	return append(list, unfinished...), nil
}

// storesNamed is the store called name, or all of them for "".
func (h *Host) storesNamed(name string) ([]StoreSettings, error) {
	if name == "" {
		return h.Stores()
	}
	st, err := h.chooseStore(name)
	return []StoreSettings{st}, err
}

// KnownDevices lists devices that are on the cable, were connected before, have
// backups or have a history, those on the cable first. Trouble with it is no
// error here; the network is not asked, for this is only about names.
func (h *Host) KnownDevices(ctx context.Context) ([]russet.Device, error) {
	var devices []russet.Device
	if here, err := h.devices.OnCable(ctx); err == nil {
		devices = here
	}
	before, err := h.Remembered()
	if err != nil {
		h.log.Warn("what was connected before is not known", "error", err)
	}
	for _, s := range before {
		devices = append(devices, russet.Device{UDID: s.Device.UDID, Name: s.Device.Name})
	}
	byRuns, err := h.knownByRuns()
	if err != nil {
		return nil, err
	}
	backups, err := h.Backups(ctx, "", "", true)
	if err != nil {
		h.log.Warn("some backups cannot be listed", "error", err)
	}
	for _, b := range slices.Backward(backups) {
		devices = append(devices, russet.Device{UDID: b.Device, Name: b.Name})
	}
	return reach.Distinct(append(devices, byRuns...)), nil
}

// KnownDevice finds a device that is connected or has backups; "" for "".
func (h *Host) KnownDevice(ctx context.Context, word string) (russet.UDID, error) {
	if word == "" {
		return "", nil
	}
	d, err := h.known(ctx, word)
	return d.UDID, err
}

// known is the device that word means among all that are known here.
func (h *Host) known(ctx context.Context, word string) (russet.Device, error) {
	devices, err := h.KnownDevices(ctx)
	if err != nil {
		return russet.Device{}, err
	}
	return reach.FindDevice(devices, word)
}

// Which says which backup a person means.
type Which struct {
	Backup string // an ID, a unique prefix of one, or Latest
	Device string // a UDID, a prefix or a name; "" for any
	Store  string // "" for any
}

// FindBackup picks the backup a person means, finished or not.
func (h *Host) FindBackup(ctx context.Context, w Which) (russet.Backup, error) {
	device, err := h.KnownDevice(ctx, w.Device)
	if err != nil {
		return russet.Backup{}, err
	}
	backups, unread := h.Backups(ctx, w.Store, device, true)
	b, err := pick(backups, w.Backup)
	if err != nil && unread != nil {
		return russet.Backup{}, unread // it may be in the store that cannot be read
	}
	return b, err
}

func pick(backups []russet.Backup, word string) (russet.Backup, error) {
	if word == Latest {
		return latest(backups)
	}
	var hits []russet.Backup
	for _, b := range backups {
		same := slices.ContainsFunc(hits, func(o russet.Backup) bool { return o.ID == b.ID })
		if !same && word != "" && strings.HasPrefix(string(b.ID), strings.ToLower(word)) {
			hits = append(hits, b)
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return russet.Backup{}, &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("there is no backup %q", word),
			Hint: `"russet backups" lists them; the beginning of an ID is enough, or "latest"`,
		}
	default:
		lines := make([]string, len(hits))
		for i, b := range hits {
			lines[i] = fmt.Sprintf("%s of %q, %s", b.ID, b.Name, b.Time.Local().Format("2006-01-02 15:04"))
		}
		return russet.Backup{}, reach.Ambiguous("backup", word, lines)
	}
}

// latest is the newest backup that can be used, when it is clear of which
// device.
func latest(backups []russet.Backup) (russet.Backup, error) {
	var newest russet.Backup
	var devices []russet.Device
	for _, b := range backups {
		if b.Draft || b.Problem != "" {
			continue
		}
		devices = append(devices, russet.Device{UDID: b.Device, Name: b.Name})
		if newest.ID == "" || b.Time.After(newest.Time) {
			newest = b
		}
	}
	devices = reach.Distinct(devices)
	switch len(devices) {
	case 1:
		return newest, nil
	case 0:
		return russet.Backup{}, &russet.Error{
			Kind: russet.Usage, What: "there is no backup yet that could be used", Hint: `make one with "russet backup"`,
		}
	default:
		return russet.Backup{}, &russet.Error{
			Kind: russet.Usage, What: "there are backups of several devices",
			Hint: "say whose latest with --device: " + strings.Join(reach.Lines(devices), "; "),
		}
	}
}
