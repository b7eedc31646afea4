package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"russet"
	"russet/device"
	"russet/internal/engine"
	"russet/internal/reach"
)

// BackupOptions says what to back up, where to, and how stubbornly.
type BackupOptions struct {
	Device   russet.Device
	Store    StoreSettings
	Full     bool
	Retry    int    // how many more attempts after one that a person or the link spoiled
	By       string // who wants it: "schedule", or "" for a person
	Progress func(russet.Event)
}

// BackupResult is how a run ended.
type BackupResult struct {
	Run    russet.Run     `json:"run"`
	Backup *russet.Backup `json:"backup"` // nil when there is none
	Notes  []string       `json:"notes"`  // what a person should know beside it
	// PasswordChanged: no backup password that is known here opens this backup,
	// although one did before.
	PasswordChanged bool `json:"password_changed,omitempty"`
	// PasswordUnknown: the backup is encrypted, and no backup password of the
	// device is known here.
	PasswordUnknown bool `json:"password_unknown,omitempty"`
}

// Backup backs up a device: one attempt, or more when asked. Files that the
// phone could not read are an error of kind Partial; the backup is there.
func (h *Host) Backup(ctx context.Context, opts BackupOptions) (BackupResult, error) {
	letSleep := keepAwake(ctx, "backing up "+opts.Device.Name)
	defer letSleep()
	lost := false
	for attempt := 1; ; attempt++ {
		result, err := h.backupOnce(ctx, opts)
		if attempt > opts.Retry || !worthRetrying(ctx, err, lost) {
			return result, err
		}
		lost = lost || russet.KindOf(err) == russet.Interrupted
		pause := min(retryPause<<min(attempt-1, 8), maxRetryPause)
		opts.tell(russet.Connecting, fmt.Sprintf("%s; trying again in %s (%d of %d)", err, pause, attempt, opts.Retry))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return result, err
		}
	}
}

const (
	retryPause    = 2 * time.Second // doubled with every attempt
	maxRetryPause = 2 * time.Minute
)

// worthRetrying: the link broke, the phone was away or nobody typed the
// passcode. After a lost link a phone may be busy with what it has not missed
// yet. Everything else fails again.
func worthRetrying(ctx context.Context, err error, lost bool) bool {
	kinds := []russet.Kind{russet.Interrupted, russet.NotConnected, russet.Locked}
	if lost {
		kinds = append(kinds, russet.Busy)
	}
	return ctx.Err() == nil && slices.Contains(kinds, russet.KindOf(err))
}

func (o BackupOptions) tell(stage russet.Stage, message string) {
	if o.Progress != nil {
		o.Progress(russet.Event{Time: time.Now(), Device: o.Device.UDID, Stage: stage, Percent: -1, Message: message})
	}
}

// attempt is one run in the making.
type attempt struct {
	host *Host
	opts BackupOptions
	run  russet.Run
	out  BackupResult
}

// backupOnce makes one attempt and notes it in the history, unless another
// process has the phone.
func (h *Host) backupOnce(ctx context.Context, opts BackupOptions) (BackupResult, error) {
	a := &attempt{host: h, opts: opts}
	a.out.Notes = []string{}
	a.run = russet.Run{
		ID: newRunID(), Device: opts.Device.UDID, Name: opts.Device.Name, Store: opts.Store.Name,
		By: opts.By, Start: h.now().UTC(), Unread: []russet.Problem{},
	}
	release, err := h.devices.Lock(opts.Device, fmt.Sprintf("back up %q", opts.Device.Name))
	if err != nil {
		a.close(ctx, err)
		return a.out, err
	}
	defer release()
	h.noteBegun(a.run)
	err = a.do(ctx)
	if err == nil && len(a.run.Unread) > 0 {
		err = unreadError(a.run)
	}
	a.close(ctx, err)
	switch noteErr := h.addRun(a.run); {
	case noteErr == nil:
		h.noteEnded(a.run.Device)
	case err == nil:
		a.note("the run could not be noted in the history: %v", noteErr)
	default:
		h.log.Warn("the run could not be noted", "error", noteErr)
	}
	return a.out, err
}

func unreadError(run russet.Run) error {
	return &russet.Error{
		Kind: russet.Partial, What: fmt.Sprintf("the backup is done, but %s could not be read from the phone", plural(len(run.Unread), "file")),
		Hint: "often these are damaged, or photos that are only in iCloud; restarting the phone may help",
	}
}

// close puts the outcome into the run and the run into the result.
func (a *attempt) close(ctx context.Context, err error) {
	a.run.End = a.host.now().UTC()
	e := Explain(ctx, err)
	switch {
	case e == nil:
		a.run.Outcome = "done"
	case e.Kind == russet.Partial:
		a.run.Outcome = "partial"
	case e.Kind == russet.Stopped:
		a.run.Outcome = "stopped"
	case e.Kind == russet.Interrupted:
		a.run.Outcome = "interrupted"
	case e.Kind == russet.Locked: // nobody typed the passcode: no fault of anybody
		a.run.Outcome = "not-now"
	default:
		a.run.Outcome = "failed"
	}
	if e != nil {
		a.run.Error, a.run.Code, a.run.Kind, a.run.Hint = e.Error(), e.Code, e.Kind, e.Hint
	}
	a.out.Run = a.run
}

func (a *attempt) note(format string, args ...any) {
	a.out.Notes = append(a.out.Notes, fmt.Sprintf(format, args...))
}

// do is the run itself: look, check, begin, receive, commit.
func (a *attempt) do(ctx context.Context) error {
	doing := fmt.Sprintf("back up %q", a.opts.Device.Name)
	a.opts.tell(russet.Connecting, "")
	s, err := a.host.devices.Find(ctx, string(a.opts.Device.UDID))
	if err != nil {
		return err
	}
	if !s.Paired {
		return a.host.devices.Unusable(s, doing)
	}
	a.opts.Device, a.run.Name = s.Device, s.Name
	a.run.Way = s.Connection
	guarded, dev, end, err := a.host.devices.Contact(ctx, s, doing, reach.PlugIn+"; what was received is kept, also for the cable")
	if err != nil {
		return err
	}
	defer end()
	store, err := a.host.openStore(ctx, a.opts.Store)
	if err != nil {
		return err
	}
	if err := writable(a.opts.Store); err != nil { // before the phone asks anybody for anything
		return storeError(a.opts.Store, err)
	}
	before, err := store.Backups(ctx, s.UDID)
	if err != nil {
		return fmt.Errorf("%s: look at the last backup: %w", doing, err)
	}
	if s.EncryptedUnknown && len(before) > 0 {
		s.Encrypted = before[len(before)-1].Encrypted
	}
	a.noteChanges(before)
	allow, err := a.checkSpace(ctx, store, before)
	if err != nil {
		return err
	}
	draft, err := store.Begin(ctx, russet.BeginOptions{
		Device: s.UDID, Full: a.opts.Full, Encrypted: s.Encrypted, Passwords: a.host.passwords, Allow: allow,
	})
	if err != nil {
		return err
	}
	if err := a.receive(ctx, guarded, dev, draft); err != nil {
		return err
	}
	a.retain(ctx)
	a.upkeep(ctx, store)
	return nil
}

// noteChanges tells of a new iOS: its first backup is often a full one, and
// going back to the old iOS needs an old backup.
func (a *attempt) noteChanges(before []russet.Backup) {
	if len(before) == 0 {
		return
	}
	last := before[len(before)-1]
	if last.IOS != "" && last.IOS != a.opts.Device.IOS {
		a.note("iOS changed from %s to %s since the last backup: this one may take longer than usual", last.IOS, a.opts.Device.IOS)
	}
}

// receive lets the device fill the draft while it is guarded, and keeps the
// draft, suspends it or throws it away.
func (a *attempt) receive(ctx, guarded context.Context, dev *device.Device, draft russet.Draft) error {
	a.run.Resumed = draft.Resumed()
	if a.run.Resumed {
		a.opts.tell(russet.Connecting, "going on where the last run stopped")
	}
	sheet := &sheetWatch{tell: a.opts.Progress}
	result, err := engine.Backup(guarded, dev, draft, engine.BackupOptions{
		UDID: a.opts.Device.UDID, Events: sheet.event, Log: a.host.log,
	})
	a.run.Passcode, a.run.Waited = sheet.seen, sheet.total().Seconds()
	a.run.Received, a.run.Sent, a.run.Files = result.Received, result.Sent, result.Files
	if result.Unread != nil {
		a.run.Unread = result.Unread
	}
	// What happens to the draft must not be cut short by the same Ctrl-C.
	after := context.WithoutCancel(ctx)
	if err != nil {
		return errors.Join(err, a.setAside(after, draft, result, err))
	}
	a.opts.tell(russet.Committing, "")
	b, err := draft.Commit(after)
	if err != nil {
		return errors.Join(err, draft.Suspend(after))
	}
	a.run.Backup, a.out.Backup = b.ID, &b
	a.out.Notes = append(a.out.Notes, result.Notes...)
	a.opts.tell(russet.Done, "")
	a.provePassword(after, b)
	return nil
}

// setAside decides what becomes of a draft whose run failed. What
// was received is kept for the next run, unless the phone stumbled twice: over
// a draft it was offered again, or in the run before this one too. The store
// counts what is thrown away, and begins from nothing in the end. A new draft of
// which the phone has seen nothing is nothing to go on from.
func (a *attempt) setAside(ctx context.Context, draft russet.Draft, result engine.BackupResult, err error) error {
	if !result.Contacted && !draft.Resumed() {
		return draft.Discard(ctx)
	}
	e, ok := errors.AsType[*russet.Error](err)
	stumbled := ok && result.Contacted && e.Kind != russet.NoSpace && e.Code != 0 && !excusesDraft(e.Code)
	if stumbled && (draft.Resumed() || a.stumbledBefore()) {
		return draft.Discard(ctx)
	}
	return draft.Suspend(ctx)
}

// stumbledBefore reports whether the last run of the device ended with an error
// of its own.
func (a *attempt) stumbledBefore() bool {
	runs, err := a.host.Runs(a.run.Device)
	if err != nil || len(runs) == 0 {
		return false
	}
	last := runs[len(runs)-1]
	return last.Outcome == "failed" && last.Code != 0 && !excusesDraft(last.Code)
}

// excusesDraft reports whether one of the device's codes has nothing to do with
// what it was offered.
func excusesDraft(code int) bool {
	switch code {
	case 3, 22, 25, 105, 106, 202, 207, 208, 211, 212:
		return true // a snapshot left on the phone, management, space, cancelled, password, locked …
	default:
		return code >= 217 && code <= 224 // cancelled, for several reasons
	}
}
