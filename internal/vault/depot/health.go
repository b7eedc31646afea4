package depot

import (
	"context"
	"errors"
	"time"
)

// Close lets go of the repository. Sessions must be closed before.
func (d *Depot) Close(ctx context.Context) error { return nil }

// Refresh makes visible what other hosts wrote.
func (d *Depot) Refresh(ctx context.Context) error { return errors.New("not yet") }

// ChangePassword makes password the only one that opens the repository.
func (d *Depot) ChangePassword(ctx context.Context, password string) error {
	return errors.New("not yet")
}

// Unique is the repository's own ID, chosen when it was created.
func (d *Depot) Unique() []byte { return nil }

// Salvage indexes the packs that no index refers to (each carries its own
// index): what a run that was killed had uploaded, or everything after the
// indexes were lost.
func (d *Depot) Salvage(ctx context.Context) (packs, contents int, err error) {
	return 0, 0, errors.New("not yet")
}

// MaintainOptions say how much work Maintain does.
type MaintainOptions struct {
	Full bool // also collect what no version refers to
	Now  bool // free at once instead of after the safety times; only when nobody else writes
}

// MaintainReport is what maintenance did.
type MaintainReport struct {
	Freed    int64 // bytes in the storage
	Contents int   // chunks that were collected
	Took     time.Duration
}

// Maintain compacts indexes and, when Full, frees what no version refers to.
// ErrNotOwner when another host does that.
func (d *Depot) Maintain(ctx context.Context, opts MaintainOptions) (MaintainReport, error) {
	return MaintainReport{}, errors.New("not yet")
}

// Owner is the host that maintains the repository; "" = none yet.
func (d *Depot) Owner(ctx context.Context) (string, error) { return "", errors.New("not yet") }

// TakeOwner makes this host the one that maintains.
func (d *Depot) TakeOwner(ctx context.Context) error { return errors.New("not yet") }

// BadContent is a chunk that cannot be read.
type BadContent struct {
	ID, Pack string
	Err      error
}

// VerifyContents checks that every chunk lies inside an existing pack and
// reads percent of them. progress (may be nil) is told how many of all chunks
// are done.
func (d *Depot) VerifyContents(ctx context.Context, percent float64, progress func(done, all int)) ([]BadContent, error) {
	return nil, errors.New("not yet")
}

// Heal marks chunks as deleted, so that the next write of the same data
// stores it again, which mends every version that has it.
func (d *Depot) Heal(ctx context.Context, contents []string) error { return errors.New("not yet") }

// Stats is how much the repository holds.
type Stats struct {
	Bytes    int64 // packed bytes of live chunks
	Contents int
	Packs    int
}

// Stats adds up what the index knows.
func (d *Depot) Stats(ctx context.Context) (Stats, error) { return Stats{}, errors.New("not yet") }
