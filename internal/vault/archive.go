package vault

import (
	"context"
	"errors"
	"fmt"

	"russet"
)

// Archive keeps a backup until a person says otherwise.
func (s *Store) Archive(ctx context.Context, id russet.BackupID, note string) (russet.Backup, error) {
	return s.rearchive(ctx, id, true, note, fmt.Sprintf("archive the backup %s", id))
}

// Unarchive makes an archived backup deletable again.
func (s *Store) Unarchive(ctx context.Context, id russet.BackupID) (russet.Backup, error) {
	return s.rearchive(ctx, id, false, "", fmt.Sprintf("unarchive the backup %s", id))
}

func (s *Store) rearchive(ctx context.Context, id russet.BackupID, archived bool, note, doing string) (russet.Backup, error) {
	v, err := s.find(ctx, id, doing)
	if err != nil {
		return russet.Backup{}, err
	}
	if v.problem != "" {
		return russet.Backup{}, &russet.Error{Kind: russet.Damaged, Doing: doing, What: v.problem}
	}
	v.rec.Archived = archived
	if archived {
		v.rec.Note = note
	}
	if err := s.update(ctx, v); err != nil {
		return russet.Backup{}, s.explain(err, doing)
	}
	return v.backup(s.opts.Name), nil
}

// Delete removes a backup or a draft for good. What only it referred to is
// freed by maintenance, some days later.
func (s *Store) Delete(ctx context.Context, id russet.BackupID) error {
	doing := fmt.Sprintf("delete the backup %s", id)
	gone, err := s.books.Delete(id, doing, func(folder, id string) error { return s.dropDraft(ctx, folder, id) })
	if gone || err != nil {
		return err
	}
	v, err := s.find(ctx, id, doing)
	if err != nil {
		return err
	}
	if v.rec.Archived {
		return &russet.Error{
			Kind: russet.Usage, Doing: doing, What: "it is archived, to be kept until you say otherwise",
			Hint: fmt.Sprintf("russet unarchive %s, then delete it", id),
		}
	}
	lock, err := s.books.LockBackup(id, false, doing)
	if err != nil {
		return err
	}
	err = s.change(ctx, "delete", func(w *session) error {
		// An interrupted update may have left it twice.
		all, _, err := s.depot.Versions(ctx)
		for _, x := range all {
			if err == nil && x.Incomplete == "" && x.Tags[tagID] == string(id) {
				err = w.DeleteVersion(ctx, x.Manifest)
			}
		}
		if v.problem != "" && err == nil {
			err = w.DeleteVersion(ctx, v.Manifest)
		}
		return err
	})
	if err = errors.Join(err, lock.Unlock()); err != nil {
		return s.explain(err, doing)
	}
	s.noteDeleted(s.frees(ctx, v))
	return nil
}

// frees is about how much a backup's deletion frees. What a first one added, the
// later ones mostly still have: no more goes than the next one brought anew.
func (s *Store) frees(ctx context.Context, v *version) int64 {
	all, err := s.versions(ctx)
	if err != nil {
		return 0 // it is an estimate
	}
	for _, next := range all {
		if next.rec.Device == v.rec.Device && next.rec.Time.After(v.rec.Time) {
			return min(v.rec.Added, next.rec.Added)
		}
	}
	return v.rec.Added
}
