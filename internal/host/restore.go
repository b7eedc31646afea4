package host

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"russet"
	"russet/internal/engine"
)

// RestoreOptions says what to put onto which device, and how. The switches are
// those of the device; Finder's full restore has System, RemoveNotRestored and
// Reboot set.
type RestoreOptions struct {
	Backup            russet.Backup
	Device            string // as a person named it
	System            bool   // system files and settings too
	PreserveSettings  bool   // keep the device's present settings
	RemoveNotRestored bool   // remove what the backup does not hold
	Reboot            bool
	SkipApps          bool // do not have apps downloaded again
	Progress          func(russet.Event)
}

// RestorePlan is what a restore would do.
type RestorePlan struct {
	Backup russet.Backup `json:"backup"`
	Device russet.Device `json:"device"`
	Lost   []string      `json:"lost"`  // what will not come back
	Notes  []string      `json:"notes"` // what else a person should know
}

// RestoreResult is what a restore did.
type RestoreResult struct {
	Sent     int64            `json:"sent"` // bytes to the device
	Missing  []russet.Problem `json:"missing"`
	Rebooted bool             `json:"rebooted"`
}

// ProtectFromBackup archives the backup that is about to be restored, when a
// safety backup of the same device would take its place in the store.
func (h *Host) ProtectFromBackup(ctx context.Context, plan RestorePlan) error {
	b := plan.Backup
	if b.Archived || b.Device != plan.Device.UDID {
		return nil
	}
	store, err := h.storeOf(ctx, b)
	if err != nil {
		return err
	}
	if _, err := store.Archive(ctx, b.ID, "kept for a restore"); err != nil {
		return fmt.Errorf("keep backup %s safe from the next one: %w", shortID(b.ID), err)
	}
	return nil
}

// PlanRestore looks at everything a restore needs and changes nothing: the
// phone, the backup, its password, both versions of iOS.
func (h *Host) PlanRestore(ctx context.Context, opts RestoreOptions) (plan RestorePlan, err error) {
	b := opts.Backup
	s, err := h.find(ctx, opts.Device)
	if err != nil {
		return plan, err
	}
	plan = RestorePlan{Backup: b, Device: s.Device, Lost: lost(b), Notes: []string{}}
	if !s.Paired {
		return plan, unusable(s.Device, fmt.Sprintf("restore %q", s.Name))
	}
	if newerIOS(b.IOS, s.IOS) {
		return plan, &russet.Error{
			Kind: russet.Unsupported, Doing: fmt.Sprintf("restore %q", s.Name),
			What: fmt.Sprintf("the backup is of iOS %s, and the phone has the older iOS %s", b.IOS, s.IOS),
			Hint: "update the phone first (Settings > General > Software Update)",
		}
	}
	if b.Encrypted {
		if _, err := h.fittingPassword(ctx, b); err != nil {
			return plan, err
		}
	}
	return plan, h.planNotes(ctx, s, &plan)
}

// planNotes adds what is worth knowing before.
func (h *Host) planNotes(ctx context.Context, s sighting, plan *RestorePlan) error {
	note := func(format string, args ...any) { plan.Notes = append(plan.Notes, fmt.Sprintf(format, args...)) }
	if plan.Backup.Device != s.UDID {
		note("the backup is of another phone, %q", plan.Backup.Name)
	}
	if s.Locked {
		note("the phone is locked: unlock it and keep it unlocked")
	}
	own, err := h.Backups(ctx, "", s.UDID, false)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		note("there is no backup of %q: its present state is lost unless it is backed up first (--backup-first)", s.Name)
	} else if age := time.Since(own[len(own)-1].Time); age > time.Hour {
		note("the last backup of %q is of %s: what is newer is lost unless it is backed up first (--backup-first)",
			s.Name, own[len(own)-1].Time.Local().Format("2006-01-02 15:04"))
	}
	return nil
}

// lost is what does not come back with a backup of a kind.
func lost(b russet.Backup) []string {
	list := []string{
		"Face ID or Touch ID, the passcode, and cards in Wallet: set them up again",
		"an eSIM: ask the provider when it is another phone",
		"what was only in iCloud (photos, messages, notes and so on): it comes from there",
		"apps themselves: the phone downloads them again; some authenticator and banking apps must be set up anew",
	}
	if !b.Encrypted {
		list = append(list, "saved logins, Wi-Fi passwords, Health, HomeKit, call and web history: the backup is not encrypted, so they are not in it")
	}
	return list
}

// newerIOS compares versions such as "18.6.1" number by number.
func newerIOS(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := part(as, i), part(bs, i)
		if x != y {
			return x > y
		}
	}
	return false
}

// part is the i-th number of a version; what is no number counts as 0.
func part(version []string, i int) int {
	if i >= len(version) {
		return 0
	}
	n, _ := strconv.Atoi(version[i])
	return n
}

// Restore puts a backup onto a device.
func (h *Host) Restore(ctx context.Context, opts RestoreOptions) (result RestoreResult, err error) {
	letSleep := keepAwake(ctx, "restoring a phone")
	defer letSleep()
	password := ""
	if opts.Backup.Encrypted {
		if password, err = h.fittingPassword(ctx, opts.Backup); err != nil {
			return result, err
		}
	}
	contents, err := h.openBackup(ctx, opts.Backup)
	if err != nil {
		return result, err
	}
	defer closeInto(&err, contents)
	return h.restoreFolder(ctx, contents.Folder(), password, opts)
}

// restoreFolder serves a MobileSync folder to a device that restores it.
func (h *Host) restoreFolder(ctx context.Context, folder fs.FS, password string, opts RestoreOptions) (RestoreResult, error) {
	s, err := h.find(ctx, opts.Device)
	if err != nil {
		return RestoreResult{}, err
	}
	doing := fmt.Sprintf("restore %q", s.Name)
	if !s.Paired {
		return RestoreResult{}, unusable(s.Device, doing)
	}
	release, err := h.lockDevice(s.Device, doing)
	if err != nil {
		return RestoreResult{}, err
	}
	defer release()
	dev, err := h.session(ctx, s, doing)
	if err != nil {
		return RestoreResult{}, err
	}
	defer dev.Close()
	r, err := engine.Restore(ctx, dev, folder, engine.RestoreOptions{
		Source: opts.Backup.Device, Target: s.UDID, Password: password,
		System: opts.System, PreserveSettings: opts.PreserveSettings, RemoveNotRestored: opts.RemoveNotRestored,
		Reboot: opts.Reboot, SkipApps: opts.SkipApps, Events: opts.Progress, Log: h.log,
	})
	result := RestoreResult{Sent: r.Sent, Missing: r.Missing, Rebooted: opts.Reboot && err == nil}
	if result.Missing == nil {
		result.Missing = []russet.Problem{}
	}
	return result, err
}
