package host

import (
	"context"
	"fmt"

	"russet"
	"russet/internal/retention"
)

// headroom is what a device wants to be free beyond what it will send
// (BackupAgent2; users.md 0.4).
const headroom = 128 << 20

// recentRuns is how many runs say how much an incremental one brings.
const recentRuns = 5

// checkSpace refuses a run that cannot fit, before anybody has to type a
// passcode: what earlier runs brought is known.
func (a *attempt) checkSpace(ctx context.Context, store russet.Store, before []russet.Backup) (allow int64, err error) {
	free, err := store.Free(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask how much room the store has: %w", err)
	}
	need, err := a.expected(before)
	if err != nil {
		return 0, err
	}
	whole := a.opts.Full || len(before) == 0
	answer, err := a.gate(ctx, store, need, whole)
	if err != nil {
		return 0, err
	}
	if !answer.Go {
		refusal := a.noSpace("%s", answer.Why)
		refusal.Hint = answer.Hint + ", and so does another store"
		return 0, refusal
	}
	switch {
	case headroom > free:
		return 0, a.noSpace("its disk has %s left, and a phone wants at least %s", bytesText(free), bytesText(headroom))
	case need+headroom > free:
		return 0, a.noSpace("its disk has %s left, and this backup needs about %s", bytesText(free), bytesText(need+headroom))
	}
	return answer.Allow, nil
}

func (a *attempt) noSpace(format string, args ...any) *russet.Error {
	return &russet.Error{
		Kind: russet.NoSpace, Doing: fmt.Sprintf("back up %q", a.opts.Device.Name),
		What: fmt.Sprintf("the store %q has no room for it: ", a.opts.Store.Name) + fmt.Sprintf(format, args...),
		Hint: `make room, delete a backup ("russet backups", "russet delete"), or use another store`,
	}
}

// expected is how much this run will probably bring: all of the last backup
// when it is a full one, else the most that a recent run brought. 0 when
// nothing is known.
func (a *attempt) expected(before []russet.Backup) (int64, error) {
	if len(before) == 0 {
		return 0, nil
	}
	if a.opts.Full {
		return before[len(before)-1].Size, nil
	}
	runs, err := a.host.Runs(a.opts.Device.UDID)
	if err != nil {
		return 0, err
	}
	var most int64
	for _, r := range runs[max(0, len(runs)-recentRuns):] {
		first := r.Backup == before[0].ID && len(before) == 1
		if r.Backup != "" && r.Store == a.opts.Store.Name && !first {
			most = max(most, r.Received)
		}
	}
	return most, nil
}

// bytesText says a number of bytes in an error.
func bytesText(n int64) string { return retention.Bytes(n) }
