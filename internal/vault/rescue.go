package vault

import (
	"context"
	"errors"
	"fmt"

	"russet"
	"russet/internal/facts"
	"russet/internal/vault/depot"
)

// rescue opens a vault that did not open with err: with this computer's copies
// of its format and its index, or without the index, which Salvage makes again
// from the packs. What is replaced or taken away is kept in the local part.
func (s *Store) rescue(ctx context.Context, err error) error {
	for _, try := range []func(context.Context, error) (bool, error){s.rescueFormat, s.rescueIndex, s.withoutIndex} {
		changed, e := try(ctx, err)
		if e != nil {
			return errors.Join(err, e)
		}
		if !changed {
			continue
		}
		if s.depot, e = s.openDepot(ctx); e == nil {
			return nil
		}
		err = e
	}
	return err
}

func (s *Store) mended(format string, args ...any) {
	s.rescued = append(s.rescued, russet.Repair{What: fmt.Sprintf(format, args...), Mended: true})
}

// rescueFormat brings back kopia.repository and kopia.blobcfg. A vault whose
// password was changed elsewhere looks like one whose format is damaged: they
// are told apart by the keys, which change with the password.
func (s *Store) rescueFormat(ctx context.Context, _ error) (bool, error) {
	keys, err := s.opts.Backend.DiffersFromMirror(ctx, "russet.")
	if err != nil || len(keys) > 0 {
		return false, err
	}
	names, err := s.opts.Backend.DiffersFromMirror(ctx, "kopia.")
	if err != nil || len(names) == 0 {
		return false, err
	}
	if err := s.putBack(ctx, names); err != nil {
		return false, err
	}
	s.mended("the vault's format (%q) was damaged and was brought back from this computer's copies", names)
	return true, nil
}

// rescueIndex brings back the blobs of the index that are not what they were.
func (s *Store) rescueIndex(ctx context.Context, err error) (bool, error) {
	if !errors.Is(err, depot.ErrDamaged) {
		return false, nil
	}
	names, err := s.opts.Backend.DiffersFromMirror(ctx, "x")
	if err != nil || len(names) == 0 {
		return false, err
	}
	if err := s.putBack(ctx, names); err != nil {
		return false, err
	}
	s.mended("%d files of the vault's index were damaged and were brought back from this computer's copies", len(names))
	return true, nil
}

// putBack takes blobs from the mirror, once what stands in the vault is kept.
func (s *Store) putBack(ctx context.Context, names []string) error {
	keep, err := s.asideBlobs()
	if err != nil {
		return err
	}
	if err := s.opts.Backend.SetAside(ctx, names, keep); err != nil {
		return err
	}
	return s.opts.Backend.RestoreFromMirror(ctx, names)
}

// withoutIndex takes the whole index away.
func (s *Store) withoutIndex(ctx context.Context, err error) (bool, error) {
	if !errors.Is(err, depot.ErrDamaged) {
		return false, nil
	}
	names, err := s.opts.Backend.Indexes(ctx)
	if err != nil || len(names) == 0 {
		return false, err
	}
	keep, err := s.asideBlobs()
	if err != nil {
		return false, err
	}
	if err := s.opts.Backend.SetAside(ctx, names, keep); err != nil {
		return false, err
	}
	s.mended("the vault's index was damaged; it was made again from the packs")
	return true, nil
}

const blobsDir = "damaged"

// asideBlobs makes a folder for blobs that are taken out of the vault.
func (s *Store) asideBlobs() (keep func(name string, data []byte) error, err error) {
	dir := blobsDir + "/" + facts.NewID()
	if err := s.dir.MkdirAll(dir, private); err != nil {
		return nil, err
	}
	return func(name string, data []byte) error { return s.dir.Replace(dir+"/"+name, data, privateFile) }, nil
}
