package host

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"russet"
	"russet/internal/engine"
	"russet/internal/reach"
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
	Damaged           bool // also when the backup is not whole
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
	Damaged  []russet.Problem `json:"damaged,omitempty"` // sent all the same; then the restore is an error, too
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

// PlanRestore looks at everything a restore needs and changes nothing on the
// phone: whether the backup is whole, its password, both versions of iOS.
func (h *Host) PlanRestore(ctx context.Context, opts RestoreOptions) (plan RestorePlan, err error) {
	s, doing, err := h.toRestore(ctx, opts.Device)
	if err != nil {
		return plan, err
	}
	damage, err := h.lookForDamage(ctx, opts, doing)
	if err != nil {
		return plan, err
	}
	dev, end, err := h.devices.Session(ctx, s, doing)
	if err != nil {
		return plan, err
	}
	defer end()
	password := ""
	if opts.Backup.Encrypted {
		// Before the phone is asked for anything.
		if password, err = h.fittingPassword(ctx, opts.Backup); err != nil {
			return plan, err
		}
	}
	contents, err := h.openBackup(ctx, opts.Backup)
	if err != nil {
		return plan, err
	}
	defer closeInto(&err, contents)
	check, err := engine.CheckRestore(ctx, dev, contents, opts.engine(s, password, h.log))
	if err != nil {
		return plan, err
	}
	if len(check.Refusals) > 0 {
		refusal := *check.Refusals[0]
		refusal.Doing = fmt.Sprintf("restore %q", s.Name)
		return plan, &refusal
	}
	plan = RestorePlan{Backup: opts.Backup, Device: s.Device, Lost: check.NotRestored, Notes: append(damage, check.Warnings...)}
	return plan, h.planNotes(ctx, s, &plan)
}

// lookForDamage looks whether every file of the backup is there with its size.
// A phone ends at the first one that is missing, half restored, and takes one
// that was cut off as it is.
func (h *Host) lookForDamage(ctx context.Context, opts RestoreOptions, doing string) (notes []string, err error) {
	if opts.Progress != nil {
		opts.Progress(russet.Event{
			Time: h.now(), Device: opts.Backup.Device, Stage: russet.Connecting, Percent: -1,
			Message: "looking whether the backup is whole",
		})
	}
	report, err := h.Verify(ctx, opts.Backup, false, nil)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return []string{fmt.Sprintf("whether the backup is whole could not be looked at: %v", err)}, nil
	}
	report.Problems = slices.DeleteFunc(report.Problems, func(p russet.Problem) bool {
		info := p.Path == "Info.plist" // the phone does without
		if info {
			notes = append(notes, fmt.Sprintf("the backup's Info.plist %s: no app is downloaded again", p.What))
		}
		return info
	})
	if len(report.Problems) == 0 {
		return notes, nil
	}
	first := report.Problems[0]
	what := fmt.Sprintf("the backup is damaged: %s: %s", first.Path, first.What)
	if more := len(report.Problems) - 1; more > 0 {
		what += fmt.Sprintf(" (and %d more)", more)
	}
	if opts.Damaged {
		return append(notes, what+"; the phone may refuse it, or take the damage over"), nil
	}
	return nil, &russet.Error{
		Kind: russet.Damaged, Doing: doing, What: what,
		Hint: "restore an older one; russet verify names all that is wrong, and --damaged restores it all the same",
	}
}

// toRestore finds the device that is to be restored.
func (h *Host) toRestore(ctx context.Context, word string) (s reach.Sighting, doing string, err error) {
	s, err = h.devices.Find(ctx, word)
	if err != nil {
		return s, "", err
	}
	doing = fmt.Sprintf("restore %q", s.Name)
	if !s.Paired {
		return s, doing, h.devices.Unusable(s, doing)
	}
	return s, doing, nil
}

// engine is what a person wished in the engine's words.
func (o RestoreOptions) engine(s reach.Sighting, password string, log *slog.Logger) engine.RestoreOptions {
	return engine.RestoreOptions{
		Source: o.Backup.Device, Target: s.UDID, Password: password,
		System: o.System, PreserveSettings: o.PreserveSettings, RemoveNotRestored: o.RemoveNotRestored,
		Reboot: o.Reboot, SkipApps: o.SkipApps, Events: o.Progress, Log: log,
	}
}

// lowBattery is the percentage below which a phone may go out in a restore.
const lowBattery = 20

// planNotes adds what is worth knowing before.
func (h *Host) planNotes(ctx context.Context, s reach.Sighting, plan *RestorePlan) error {
	note := func(format string, args ...any) { plan.Notes = append(plan.Notes, fmt.Sprintf(format, args...)) }
	plan.Notes = append([]string{}, plan.Notes...)
	if plan.Backup.Device != s.UDID {
		note("the backup is of another phone, %q", plan.Backup.Name)
	}
	if s.Locked {
		note("the phone is locked: unlock it and keep it unlocked")
	}
	if s.Battery >= 0 && s.Battery < lowBattery && !s.Power {
		note("its battery is at %d %%, and it is not on power: put it on its charger first, a phone that goes out is left half restored", s.Battery)
	}
	own, err := h.Backups(ctx, "", s.UDID, false)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		note("there is no backup of %q: its present state is lost unless it is backed up first (--backup-first)", s.Name)
	} else if last := own[len(own)-1]; time.Since(last.Time) > time.Hour {
		note("the last backup of %q is of %s: what is newer is lost unless it is backed up first (--backup-first)",
			s.Name, last.Time.Local().Format("2006-01-02 15:04"))
	}
	return nil
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
	return h.restoreContents(ctx, contents, password, opts)
}

// restoreContents serves a backup to a device that restores it.
func (h *Host) restoreContents(ctx context.Context, contents russet.Contents, password string, opts RestoreOptions) (RestoreResult, error) {
	s, doing, err := h.toRestore(ctx, opts.Device)
	if err != nil {
		return RestoreResult{}, err
	}
	release, err := h.devices.Lock(s.Device, doing)
	if err != nil {
		return RestoreResult{}, err
	}
	defer release()
	guarded, dev, end, err := h.devices.Contact(ctx, s, doing, reach.PlugIn)
	if err != nil {
		return RestoreResult{}, err
	}
	defer end()
	r, err := engine.Restore(guarded, dev, contents, opts.engine(s, password, h.log))
	result := RestoreResult{Sent: r.Sent, Missing: r.Missing, Damaged: r.Damaged, Rebooted: opts.Reboot && err == nil}
	if result.Missing == nil {
		result.Missing = []russet.Problem{}
	}
	if err == nil && len(r.Damaged) > 0 {
		err = &russet.Error{
			Kind: russet.Damaged, Doing: doing,
			What: fmt.Sprintf("it is done, but the phone has damage of the backup now: %s, the first of them %s",
				plural(len(r.Damaged), "file"), r.Damaged[0].Path),
			Hint: "russet verify --full names them; an older backup may hold them as they were",
		}
	}
	return result, err
}
