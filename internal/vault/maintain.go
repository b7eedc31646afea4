package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"russet"
	"russet/internal/durable"
	"russet/internal/vault/depot"
)

// Maintained is what maintenance did.
type Maintained struct {
	Freed int64         `json:"freed"` // bytes
	Took  time.Duration `json:"took"`
}

const (
	maintainedFile = "maintained" // when this computer last did
	freeingFile    = "freeing.json"

	// maintainEvery: kopia compacts its index in maintenance only.
	maintainEvery = 20 * time.Hour
	// freedAfter is how long deleted data stays at most where maintenance runs
	// every day: kopia's safety times, 24 hours to be collected, and again to go.
	freedAfter = 4 * 24 * time.Hour
	// otherAtWork is how old another computer's draft may be to be believed alive.
	otherAtWork = 7 * 24 * time.Hour
	// abandoned: a draft that its computer has not touched for so long no longer
	// keeps its data. One that comes back all the same sends it again.
	abandoned = 60 * 24 * time.Hour
)

// Maintain compacts the vault's index and frees what no backup refers to any
// more. now frees at once what was deleted; else it stays some days, for other
// computers may be writing. One computer looks after a vault; on another it is
// an error of kind Busy.
func (s *Store) Maintain(ctx context.Context, now bool) (Maintained, error) {
	doing := fmt.Sprintf("maintain the vault %q", s.opts.Name)
	lock, err := s.books.Lock("maintenance", false, doing, "another russet maintains it")
	if err != nil {
		return Maintained{}, err
	}
	defer lock.Unlock() //nolint:errcheck // it lets go in any case
	if err := s.dropAbandoned(ctx); err != nil {
		return Maintained{}, s.explain(err, doing)
	}
	if now {
		alone, err := s.alone(ctx, doing)
		if err != nil {
			return Maintained{}, err
		}
		defer alone.Unlock() //nolint:errcheck // it lets go in any case
	}
	report, err := s.depot.Maintain(ctx, depot.MaintainOptions{Full: true, Now: now})
	if errors.Is(err, depot.ErrNotOwner) {
		return Maintained{}, &russet.Error{
			Kind: russet.Busy, Doing: doing, What: "another computer looks after this vault",
			Hint: fmt.Sprintf("let it, or take over: russet store maintain %s --take-over", s.opts.Name), Err: err,
		}
	}
	if err != nil {
		return Maintained{}, s.explain(err, doing)
	}
	if _, err := s.opts.Backend.RemoveLeftovers(ctx, 48*time.Hour); err != nil {
		s.log.Warn("what broken uploads left in the vault could not be removed", "err", err)
	}
	err = s.dir.Replace(maintainedFile, []byte(time.Now().UTC().Format(time.RFC3339)), privateFile)
	if now {
		err = errors.Join(err, s.dir.Remove(freeingFile))
	}
	if err != nil {
		s.log.Warn("that the vault was maintained could not be noted", "err", err)
	}
	return Maintained{Freed: report.Freed, Took: report.Took}, nil
}

// dropAbandoned removes what keeps the drafts of computers alive that do not
// come back: they were lost, or have lost their part.
func (s *Store) dropAbandoned(ctx context.Context) error {
	if err := s.refresh(ctx); err != nil {
		return err
	}
	all, _, err := s.depot.Versions(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(v depot.Version) bool {
		return v.Incomplete == "" || v.Tags[tagHost] == s.host || time.Since(v.End) < abandoned
	})
	if len(all) == 0 {
		return nil
	}
	return s.change(ctx, "drop abandoned drafts", func(w *session) error {
		for _, v := range all {
			if err := w.DeleteVersion(ctx, v.Manifest); err != nil {
				return err
			}
		}
		return nil
	})
}

// TakeOver makes this computer the one that looks after the vault.
func (s *Store) TakeOver(ctx context.Context) error {
	return s.explain1(s.depot.TakeOwner(ctx), fmt.Sprintf("take over the vault %q", s.opts.Name))
}

func (s *Store) explain1(err error, doing string) error {
	if err == nil {
		return nil
	}
	return s.explain(err, doing)
}

// Upkeep maintains the vault when that is due and this computer's affair.
func (s *Store) Upkeep(ctx context.Context) (Maintained, error) {
	data, err := s.dir.ReadFile(maintainedFile, 64)
	if isMissing(err) {
		// After a first backup there is nothing to tidy, and it would take the
		// memory of a million chunks.
		err = s.dir.Replace(maintainedFile, []byte(time.Now().UTC().Format(time.RFC3339)), privateFile)
		return Maintained{}, err
	}
	if err == nil {
		last, err := time.Parse(time.RFC3339, string(data))
		if since := time.Since(last); err == nil && since >= 0 && since < maintainEvery {
			return Maintained{}, nil
		}
	}
	m, err := s.Maintain(ctx, false)
	if russet.KindOf(err) == russet.Busy {
		err = nil
	}
	return m, err
}

// alone makes sure that nobody else writes, and keeps others of this computer
// from beginning.
func (s *Store) alone(ctx context.Context, doing string) (*durable.Lock, error) {
	busy := func(what string) error {
		return &russet.Error{
			Kind: russet.Busy, Doing: doing, What: what,
			Hint: "wait until it is done; without --now, space is freed safely beside it, in some days",
		}
	}
	lock, err := s.dir.Lock(s.books.LockFile("writing"), false)
	if errors.Is(err, durable.ErrLocked) {
		return nil, busy("a run on this computer writes into the vault")
	}
	if err != nil {
		return nil, err
	}
	var all []depot.Version
	if err = s.refresh(ctx); err == nil {
		all, _, err = s.depot.Versions(ctx)
	}
	for _, v := range all {
		if v.Incomplete != "" && v.Tags[tagHost] != s.host && time.Since(v.End) < otherAtWork {
			err = busy("another computer has an unfinished backup in the vault")
		}
	}
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return lock, nil
}

// deleted is a backup that was deleted and still takes room.
type deleted struct {
	At    time.Time `json:"at"`
	Bytes int64     `json:"bytes"`
}

// noteDeleted remembers how much a deletion will free.
func (s *Store) noteDeleted(bytes int64) {
	list := append(s.freeing(), deleted{At: now(), Bytes: bytes})
	if err := s.saveJSON(freeingFile, list); err != nil {
		s.log.Warn("how much a deletion will free could not be noted", "err", err)
	}
}

func (s *Store) freeing() []deleted {
	var all, still []deleted
	if err := s.loadJSON(freeingFile, maxRecord, &all); err != nil {
		return nil
	}
	for _, d := range all {
		if time.Since(d.At) < freedAfter {
			still = append(still, d)
		}
	}
	return still
}

// Usage says what the vault takes at its place.
func (s *Store) Usage(ctx context.Context) (russet.StoreUsage, error) {
	doing := fmt.Sprintf("add up what the vault %q takes", s.opts.Name)
	stored, _, err := s.opts.Backend.Usage(ctx)
	if err != nil {
		return russet.StoreUsage{}, s.explain(err, doing)
	}
	all, err := s.versions(ctx)
	if err != nil {
		return russet.StoreUsage{}, s.explain(err, doing)
	}
	u := russet.StoreUsage{Stored: stored, ByDevice: map[russet.UDID]int64{}}
	for _, v := range all {
		u.ByDevice[v.rec.Device] += v.rec.Added
	}
	for _, d := range s.freeing() {
		u.Freeing += d.Bytes
	}
	if u.Freeing > 0 {
		u.FreeingNote = fmt.Sprintf("about 3 days, by the daily maintenance; russet store maintain %s --now frees it at once while no backup runs", s.opts.Name)
	}
	return u, nil
}
