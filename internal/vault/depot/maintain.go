package depot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/maintenance"
	"github.com/kopia/kopia/snapshot/snapshotmaintenance"

	"russet/internal/durable"
	"russet/internal/vault/backend"
)

// MaintainOptions say how much work Maintain does.
type MaintainOptions struct {
	Full bool // also collect what no version refers to
	Now  bool // free at once instead of after the safety times; only when nobody else writes
}

// MaintainReport is what maintenance did.
type MaintainReport struct {
	Freed    int64 // bytes in the storage; negative when more was written than freed
	Contents int   // live chunks that were collected
	Took     time.Duration
}

// ErrBusy says that another process of this host maintains the repository.
var ErrBusy = errors.New("maintenance is already running")

// Maintain compacts indexes and, when Full, frees what no version refers to.
// ErrNotOwner when another host does that; if nobody does, this host takes it
// over. It refuses a repository with a version that cannot be read, whose data
// kopia would take for garbage.
func (d *Depot) Maintain(ctx context.Context, opts MaintainOptions) (MaintainReport, error) {
	start := time.Now()
	r, err := d.maintain(ctx, opts)
	if err != nil {
		return MaintainReport{}, fmt.Errorf("maintain repository: %w", err)
	}
	r.Took = time.Since(start)
	return r, nil
}

func (d *Depot) maintain(ctx context.Context, opts MaintainOptions) (r MaintainReport, err error) {
	unlock, err := d.lockMaintenance()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := d.mayMaintain(ctx); err != nil {
		return r, err
	}
	before, size, err := d.measure(ctx)
	if err != nil {
		return r, err
	}
	mode, safety := maintenance.ModeQuick, maintenance.SafetyFull
	if opts.Full {
		mode = maintenance.ModeFull
	}
	if opts.Now {
		safety = maintenance.SafetyNone
		if err := pause(ctx, time.Second+100*time.Millisecond); err != nil {
			return r, err
		}
	}
	// Not forced: forcing skips kopia's own look at the owner.
	err = d.direct(ctx, "maintenance", func(ctx context.Context, w repo.DirectRepositoryWriter) error {
		return snapshotmaintenance.Run(ctx, w, mode, false, safety)
	})
	if notOwned := (maintenance.NotOwnedError{}); errors.As(err, &notOwned) {
		return r, fmt.Errorf("%w: %s", ErrNotOwner, strings.TrimPrefix(notOwned.Owner, userName+"@"))
	}
	if err != nil {
		return r, err
	}
	if opts.Full && opts.Now {
		if err := d.squeeze(ctx); err != nil {
			return r, err
		}
	}
	if err := backend.Bounded(ctx, d.rep.Refresh); err != nil {
		return r, err
	}
	after, left, err := d.measure(ctx)
	return MaintainReport{Freed: size - left, Contents: max(before.Contents-after.Contents, 0)}, err
}

// pause lets this second pass: kopia counts in seconds, and what was written in
// this one would be deleted "in the next" and not be freed now.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// mayMaintain looks at the owner and at the versions.
func (d *Depot) mayMaintain(ctx context.Context) error {
	if err := backend.Bounded(ctx, d.rep.Refresh); err != nil {
		return err
	}
	owner, err := d.Owner(ctx)
	if err != nil {
		return err
	}
	if owner == "" {
		if err := d.TakeOwner(ctx); err != nil {
			return err
		}
	} else if owner != d.opts.Host {
		return fmt.Errorf("%w: %s", ErrNotOwner, owner)
	}
	_, problems, err := d.Versions(ctx)
	if err != nil {
		return err
	}
	for _, p := range problems {
		return fmt.Errorf("%w: version %q: %w", ErrDamaged, p.Manifest, p.Err)
	}
	return nil
}

// lockMaintenance keeps a second process of this host out: kopia's own lock
// lies beside its configuration file, which every Open has for itself. Kopia
// wants to lock there all the same, so the folder must exist.
func (d *Depot) lockMaintenance() (unlock func() error, err error) {
	state, err := durable.Open(d.opts.State, nil)
	if err != nil {
		return nil, err
	}
	lock, err := state.Lock("maintenance.lock", false)
	if err != nil {
		if errors.Is(err, durable.ErrLocked) {
			err = ErrBusy
		}
		return nil, errors.Join(err, state.Close())
	}
	dir := filepath.Dir(d.rep.ConfigFilename())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, errors.Join(err, lock.Unlock(), state.Close())
	}
	return func() error { return errors.Join(os.RemoveAll(dir), lock.Unlock(), state.Close()) }, nil
}

// measure is what the repository holds and what the storage takes for it.
func (d *Depot) measure(ctx context.Context) (Stats, int64, error) {
	stats, err := d.Stats(ctx)
	if err != nil {
		return stats, 0, err
	}
	var size int64
	err = d.st.ListBlobs(ctx, "", func(m blob.Metadata) error {
		size += m.Length
		return nil
	})
	return stats, size, err
}

// Owner is the host that maintains the repository; "" = none yet.
func (d *Depot) Owner(ctx context.Context) (string, error) {
	var p *maintenance.Params
	err := backend.Bounded(ctx, func(ctx context.Context) (err error) {
		p, err = maintenance.GetParams(ctx, d.rep)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the maintenance owner: %w", err)
	}
	return strings.TrimPrefix(p.Owner, userName+"@"), nil
}

// TakeOwner makes this host the one that maintains.
func (d *Depot) TakeOwner(ctx context.Context) error {
	err := d.direct(ctx, "owner", func(ctx context.Context, w repo.DirectRepositoryWriter) error {
		p, err := maintenance.GetParams(ctx, w)
		if err != nil {
			return err
		}
		p.Owner = userName + "@" + d.opts.Host
		return maintenance.SetParams(ctx, w, p)
	})
	if err != nil {
		return fmt.Errorf("become the maintenance owner: %w", err)
	}
	return nil
}
