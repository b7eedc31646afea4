package host

import (
	"context"
	"fmt"
	"slices"

	"russet"
	"russet/internal/retention"
)

// usageReporter is a store in which backups share bytes: what it takes is not
// the sum of their sizes, so it says so itself.
type usageReporter interface {
	Usage(ctx context.Context) (russet.StoreUsage, error)
}

// account is what a store holds, as far as limits and deletions go.
type account struct {
	backups []russet.Backup // of all devices, oldest first
	usage   russet.StoreUsage
	// shares says that backups share bytes there: that what is sent is not what
	// is stored, nor what a deletion frees.
	shares bool
}

// accountOf adds up a store. What was deleted and is not free yet counts as
// free: a person who made room must not wait for it to be swept.
func accountOf(ctx context.Context, store russet.Store) (account, error) {
	backups, err := store.Backups(ctx, "")
	if err != nil {
		return account{}, fmt.Errorf("add up the backups: %w", err)
	}
	acc := account{backups: backups}
	if r, ok := store.(usageReporter); ok {
		acc.shares = true
		if acc.usage, err = r.Usage(ctx); err != nil {
			return acc, err
		}
		acc.usage.ByDevice = acc.shared()
		return acc, nil
	}
	acc.usage.ByDevice = map[russet.UDID]int64{}
	for _, b := range backups {
		acc.usage.Stored += b.Size
		acc.usage.ByDevice[b.Device] += b.Size
	}
	return acc, nil
}

// shared divides what is used among the devices. What each backup added tells
// it only while the first one of a device, which brought nearly everything, is
// there; so the oldest one that is left stands for all it holds.
func (acc account) shared() map[russet.UDID]int64 {
	weights, total := map[russet.UDID]float64{}, 0.0
	for _, b := range acc.backups {
		n := float64(max(1, b.Added))
		if _, later := weights[b.Device]; !later {
			n = float64(max(1, b.Size))
		}
		weights[b.Device] += n
		total += n
	}
	shares := map[russet.UDID]int64{}
	for device, weight := range weights {
		shares[device] = int64(float64(acc.used()) * (weight / total))
	}
	return shares
}

// used is how much of an allowance is used.
func (acc account) used() int64 { return max(0, acc.usage.Stored-acc.usage.Freeing) }

// items is what retention has to know of the backups of one device, or of all
// for "".
func (acc account) items(device russet.UDID, held map[russet.BackupID]string) []retention.Item {
	var items []retention.Item
	for i, b := range acc.backups {
		if device != "" && b.Device != device {
			continue
		}
		items = append(items, retention.Item{
			ID: b.ID, Device: b.Device, Time: b.Time, Archived: b.Archived, Held: held[b.ID],
			Damaged: b.Problem != "", Size: b.Size, Unique: acc.unique(i),
		})
	}
	return items
}

// unique is about how much the deletion of a backup frees. In a folder that is
// its size. Where backups share bytes it is what this one brought and the next
// one of the device no longer has: about as much as that one replaced.
func (acc account) unique(i int) int64 {
	b := acc.backups[i]
	if !acc.shares {
		return b.Size
	}
	next := slices.IndexFunc(acc.backups[i+1:], func(o russet.Backup) bool { return o.Device == b.Device })
	if next < 0 {
		return max(0, b.Added)
	}
	return max(0, min(b.Added, acc.backups[i+1+next].Added))
}

// allowances are the limits that hold for a run of a device: the store's and
// the device's own.
func (acc account) allowances(st StoreSettings, device russet.Device, held map[russet.BackupID]string) []retention.Allowance {
	return []retention.Allowance{
		{Limit: st.Allowance, Used: acc.used(), Items: acc.items("", held)},
		{
			Whose: device.Name, Limit: st.DeviceAllowances[device.UDID], Used: acc.usage.ByDevice[device.UDID],
			Items: acc.items(device.UDID, held),
		},
	}
}

// growth is what recent runs of a device usually added to the store. The first
// one does not count: it brought everything.
func (acc account) growth(device russet.UDID) int64 {
	var added []int64
	for _, b := range acc.backups {
		if b.Device == device {
			added = append(added, b.Added)
		}
	}
	if len(added) < 2 {
		return 0
	}
	added = added[1:]
	return retention.Typical(added[max(0, len(added)-recentRuns):])
}

// held says which backups of a device have to stay now: the one that the last
// run here made is the device's newest, also when its clock is wrong.
func (h *Host) held(store string, devices map[russet.UDID]bool) map[russet.BackupID]string {
	held := map[russet.BackupID]string{}
	for device := range devices {
		runs, err := h.Runs(device)
		if err != nil {
			h.log.Warn("the runs of a device cannot be read", "device", device, "error", err)
		}
		for _, r := range slices.Backward(runs) {
			if r.Backup != "" && r.Store == store {
				held[r.Backup] = "made by the last run"
				break
			}
		}
	}
	return held
}

// devices are those that have backups in the store.
func (acc account) devices() map[russet.UDID]bool {
	devices := map[russet.UDID]bool{}
	for _, b := range acc.backups {
		devices[b.Device] = true
	}
	return devices
}

// gate asks whether the allowances let this run begin.
func (a *attempt) gate(ctx context.Context, store russet.Store, upload int64, whole bool) (retention.Answer, error) {
	acc, err := accountOf(ctx, store)
	if err != nil {
		return retention.Answer{}, err
	}
	r := retention.Request{
		Allowances: acc.allowances(a.opts.Store, a.opts.Device, a.host.held(a.opts.Store.Name, acc.devices())),
		Whole:      whole, Upload: upload, SentIsStored: !acc.shares, Freeing: acc.usage.Freeing, Now: a.host.now(),
	}
	if acc.shares {
		r.Growth = acc.growth(a.opts.Device.UDID)
	}
	return retention.Gate(r), nil
}

// SetAllowance limits how many bytes the backups of a store may take, or with
// a device how many those of that device may; 0 lifts the limit.
func (h *Host) SetAllowance(ctx context.Context, name string, device russet.UDID, bytes int64) error {
	return h.changeSettings(ctx, func(s *settings) error {
		st := s.find(name)
		switch {
		case st == nil:
			return unknownStore(name, s.Stores)
		case device == "":
			st.Allowance = bytes
		case bytes == 0:
			delete(st.DeviceAllowances, device)
		default:
			if st.DeviceAllowances == nil {
				st.DeviceAllowances = map[russet.UDID]int64{}
			}
			st.DeviceAllowances[device] = bytes
		}
		return nil
	})
}
