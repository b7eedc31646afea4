package host

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"russet"
	"russet/internal/retention"
)

// Planned is a backup with what a policy makes of it.
type Planned struct {
	russet.Backup
	Keep bool     `json:"keep"`
	Why  []string `json:"why"`
	// Frees is about how many bytes its deletion frees; 0 when it stays.
	Frees   int64 `json:"frees"`
	Deleted bool  `json:"deleted"`
	InUse   bool  `json:"in_use,omitempty"` // it should have gone
}

// PrunePlan is what the policies make of the backups of one store.
type PrunePlan struct {
	Store   string    `json:"store"`
	Backups []Planned `json:"backups"` // oldest first
	Remove  int       `json:"remove"`  // how many of them go
	// Frees is about how many bytes that frees: what only those that go share
	// among them is not counted.
	Frees int64 `json:"frees"`
	// Note says when the room is free, where that is not at once.
	Note string `json:"note,omitempty"`
}

// PlanRetention says what the policies would remove, in one store or in all,
// of one device or of all. Stores that cannot be read are an error beside the
// others.
func (h *Host) PlanRetention(ctx context.Context, store string, device russet.UDID) ([]PrunePlan, error) {
	stores, err := h.storesNamed(store)
	if err != nil {
		return nil, err
	}
	plans := []PrunePlan{}
	var errs []error
	for _, st := range stores {
		plan, err := h.planStore(ctx, st, device, "")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		plans = append(plans, plan)
	}
	return plans, errors.Join(errs...)
}

// planStore plans for one store. made is the backup that a run has just made,
// if one: the history does not tell of it yet.
func (h *Host) planStore(ctx context.Context, st StoreSettings, device russet.UDID, made russet.BackupID) (PrunePlan, error) {
	plan := PrunePlan{Store: st.Name, Backups: []Planned{}}
	store, err := h.openStore(ctx, st)
	if err != nil {
		return plan, err
	}
	s, err := h.readSettings()
	if err != nil {
		return plan, err
	}
	acc, err := accountOf(ctx, store)
	if err != nil {
		return plan, err
	}
	if acc.shares {
		plan.Note = "a vault frees it some days after the deletion"
	}
	byID := map[russet.BackupID]russet.Backup{}
	for _, b := range acc.backups {
		byID[b.ID] = b
	}
	policy := func(d russet.UDID) retention.Policy {
		keep, _ := s.keepIn(Scope{d, st.Name})
		return keep
	}
	held := h.held(st.Name, acc.devices())
	if made != "" {
		held = map[russet.BackupID]string{made: "just made"}
	}
	for _, v := range retention.Plan(acc.items(device, held), policy, h.now()) {
		p := Planned{Backup: byID[v.Item.ID], Keep: v.Keep, Why: v.Why}
		if !v.Keep {
			p.Frees = v.Item.Unique
			plan.Remove++
			plan.Frees += p.Frees
		}
		plan.Backups = append(plan.Backups, p)
	}
	return plan, nil
}

// Prune deletes what a plan removes and what the policies still remove now:
// a person may have thought about it for an hour. What is in use stays.
func (h *Host) Prune(ctx context.Context, shown []PrunePlan, device russet.UDID, deleted func(Planned)) ([]PrunePlan, error) {
	plans := []PrunePlan{}
	var errs []error
	for _, old := range shown {
		plan, err := h.pruneStore(ctx, old, device, "", deleted)
		plans = append(plans, plan)
		errs = append(errs, err)
	}
	return plans, errors.Join(errs...)
}

func (h *Host) pruneStore(ctx context.Context, shown PrunePlan, device russet.UDID, made russet.BackupID, deleted func(Planned)) (PrunePlan, error) {
	st, err := h.chooseStore(shown.Store)
	if err != nil {
		return shown, err
	}
	plan, err := h.planStore(ctx, st, device, made)
	if err != nil {
		return plan, err
	}
	agreed := map[russet.BackupID]bool{}
	for _, p := range shown.Backups {
		agreed[p.ID] = !p.Keep
	}
	plan.Remove, plan.Frees = 0, 0
	for i := range plan.Backups {
		p := &plan.Backups[i]
		if p.Keep || !agreed[p.ID] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return plan, context.Cause(ctx)
		}
		err := h.Delete(ctx, p.Backup)
		if russet.KindOf(err) == russet.Busy {
			p.Keep, p.InUse, p.Frees, p.Why = true, true, 0, []string{"in use now: " + err.Error()}
			continue
		}
		if err != nil {
			return plan, fmt.Errorf("delete backup %s of store %q: %w", shortID(p.ID), st.Name, err)
		}
		p.Deleted = true
		plan.Remove++
		plan.Frees += p.Frees
		if deleted != nil {
			deleted(*p)
		}
	}
	return plan, nil
}

// Retained is what the policy did after a backup.
type Retained struct {
	Deleted []Planned `json:"deleted"`
	Notes   []string  `json:"notes"` // what a person should know
}

// ApplyRetention deletes what the policy of a device no longer keeps in a
// store, and says when the backup that was just made went over an allowance.
func (h *Host) ApplyRetention(ctx context.Context, st StoreSettings, device russet.Device, made russet.BackupID) (Retained, error) {
	done := Retained{Deleted: []Planned{}, Notes: []string{}}
	plan, err := h.planStore(ctx, st, device.UDID, made)
	if err == nil && plan.Remove > 0 {
		_, err = h.pruneStore(ctx, plan, device.UDID, made, func(p Planned) { done.Deleted = append(done.Deleted, p) })
	}
	if n := len(done.Deleted); n > 0 {
		done.Notes = append(done.Notes, fmt.Sprintf("%s went that the policy no longer keeps (see \"russet policy show\")", plural(n, "older backup")))
	}
	store, openErr := h.openStore(ctx, st)
	if openErr != nil {
		return done, errors.Join(err, openErr)
	}
	acc, usageErr := accountOf(ctx, store)
	if usageErr != nil {
		return done, errors.Join(err, usageErr)
	}
	if over := retention.Overrun(st.Name, acc.allowances(st, device, nil)); over != "" {
		done.Notes = append(done.Notes, over)
	}
	return done, err
}

// WorthCopying leaves out of backups that a store lacks those that its policies
// would not keep there: they would go again, and come again. A folder keeps what
// is copied to it.
func (h *Host) WorthCopying(ctx context.Context, to string, lacking []russet.Backup) ([]russet.Backup, error) {
	st, err := h.Store(to)
	if err != nil || !IsVault(st.URL) {
		return lacking, err
	}
	store, err := h.openStore(ctx, st)
	if err != nil {
		return nil, err
	}
	s, err := h.readSettings()
	if err != nil {
		return nil, err
	}
	acc, err := accountOf(ctx, store)
	if err != nil {
		return nil, err
	}
	items := acc.items("", nil)
	for _, b := range lacking {
		items = append(items, retention.Item{ID: b.ID, Device: b.Device, Time: b.Time, Archived: b.Archived})
	}
	policy := func(d russet.UDID) retention.Policy {
		keep, _ := s.keepIn(Scope{d, st.Name})
		return keep
	}
	stays := map[russet.BackupID]bool{}
	for _, v := range retention.Plan(items, policy, h.now()) {
		stays[v.Item.ID] = v.Keep
	}
	return slices.DeleteFunc(slices.Clone(lacking), func(b russet.Backup) bool { return !stays[b.ID] }), nil
}

// RetainCopies applies the policy of a device after its backups were copied to a
// store, as after a backup to it. made is the newest of them.
func (h *Host) RetainCopies(ctx context.Context, to string, made russet.Backup) (Retained, error) {
	st, err := h.Store(to)
	if err != nil || !IsVault(st.URL) {
		return Retained{}, err
	}
	return h.ApplyRetention(ctx, st, russet.Device{UDID: made.Device, Name: made.Name}, made.ID)
}

// retain applies the policy after a backup to a vault. In a folder nothing goes
// by itself: the copies there were archived by a person.
func (a *attempt) retain(ctx context.Context) {
	if !IsVault(a.opts.Store.URL) {
		return
	}
	done, err := a.host.ApplyRetention(ctx, a.opts.Store, a.opts.Device, a.run.Backup)
	a.out.Notes = append(a.out.Notes, done.Notes...)
	if err != nil && ctx.Err() == nil {
		a.note("the backup is there, but older ones could not be looked through: %v", err)
	}
}
