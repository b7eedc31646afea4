package host

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/internal/doctor"
	"russet/internal/schedule"
)

// readPhones adds to what can be seen of phones those that have only a history,
// and of each what became of it and what was said of it.
func (h *Host) readPhones(phones []doctor.Phone, decisions map[russet.UDID]schedule.Decision) []doctor.Phone {
	runs, err := h.knownByRuns()
	if err != nil {
		h.log.Warn("the history cannot be read", "error", err)
	}
	for _, d := range runs {
		if !slices.ContainsFunc(phones, func(p doctor.Phone) bool { return p.UDID == d.UDID }) {
			phones = append(phones, doctor.Phone{Device: russet.Device{UDID: d.UDID}})
		}
	}
	slices.SortFunc(phones, func(a, b doctor.Phone) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.UDID), string(b.UDID)))
	})
	for i := range phones {
		p := &phones[i]
		h.readHistory(p)
		if p.Policy, err = h.Schedule(p.UDID); err != nil {
			h.log.Warn("the policies cannot be read", "error", err)
			p.Policy = schedule.Default()
		}
		if d, err := h.DeviceSettings(p.UDID); err == nil {
			p.CableOnly = d.WiFi != nil && !*d.WiFi
		}
		p.Decision = decisions[p.UDID]
	}
	return phones
}

// readHistory adds what became of the last runs.
func (h *Host) readHistory(p *doctor.Phone) {
	runs, err := h.Runs(p.UDID)
	if err != nil || len(runs) == 0 {
		return
	}
	last := runs[len(runs)-1]
	p.LastRun = &last
	p.Name = cmp.Or(p.Name, last.Name)
	for _, run := range runs {
		p.Dropped = p.Dropped || run.Backup != ""
		switch {
		case run.Backup != "":
			p.Asked = nil
		case run.Code == codeDeviceLocked:
			p.Asked = append(p.Asked, run.Start)
		}
	}
}

// codeDeviceLocked is the device's word for a passcode that nobody typed
// (MBErrorDomain/208).
const codeDeviceLocked = 208

// readBackups adds the newest backup of each device.
func (h *Host) readBackups(ctx context.Context, r *doctor.Readings) {
	newest := map[russet.UDID]time.Time{}
	blind := false
	for _, s := range r.Stores {
		if s.State != doctor.StoreGood && s.State != doctor.StoreReadOnly && s.State != doctor.StoreForbidden {
			blind = true // asking again would make people wait again
			continue
		}
		backups, err := h.Backups(ctx, s.Name, "", false)
		blind = blind || err != nil
		for _, b := range backups {
			if b.Time.After(newest[b.Device]) {
				newest[b.Device] = b.Time
			}
		}
	}
	for i, p := range r.Phones {
		r.Phones[i].LastBackup, r.Phones[i].Blind = newest[p.UDID], blind
	}
}
