package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"russet"
	"russet/internal/facts"
)

// record is what the store remembers of a backup beside the backup itself. It
// belongs to the folder only while the fingerprint is the same: a folder that
// another program rewrote is another backup.
type record struct {
	ID          russet.BackupID `json:"id"`
	Folder      string          `json:"folder"`
	Device      russet.UDID     `json:"device"`
	Fingerprint string          `json:"fingerprint"`
	Name        string          `json:"name"`
	IOS         string          `json:"ios"`
	Time        time.Time       `json:"time"`
	Encrypted   bool            `json:"encrypted"`
	Size        int64           `json:"size"`
	Added       int64           `json:"added"`
	Files       int             `json:"files"`
	Archived    bool            `json:"archived"`
	Note        string          `json:"note,omitempty"`
	Verified    *time.Time      `json:"verified,omitempty"`
	// Unchecked says what the commit check could not check, and why.
	Unchecked []string `json:"unchecked,omitempty"`
	// Damaged are files known to be bad. They are hidden from the device's
	// next listing, so that it sends everything again.
	Damaged []string `json:"damaged,omitempty"`
}

const maxRecord = 16 << 20

func (r *record) backup(store string) russet.Backup {
	return russet.Backup{
		ID: r.ID, Device: r.Device, Name: r.Name, Time: r.Time, Size: r.Size, Added: r.Added,
		Files: r.Files, Encrypted: r.Encrypted, Archived: r.Archived, Note: r.Note, IOS: r.IOS,
		Store: store, Verified: r.Verified,
	}
}

func recordFile(id russet.BackupID) string { return backupsDir + "/" + string(id) + ".json" }
func sumsFile(id russet.BackupID) string   { return backupsDir + "/" + string(id) + ".sums" }

// saveRecord writes a record durably.
func (s *Store) saveRecord(r *record) error {
	if err := s.saveJSON(recordFile(r.ID), r); err != nil {
		return fmt.Errorf("record the backup %s: %w", r.ID, err)
	}
	return nil
}

// dropRecord forgets a backup.
func (s *Store) dropRecord(id russet.BackupID) error {
	return errors.Join(s.dir.Remove(recordFile(id)), s.dir.Remove(sumsFile(id)))
}

// records reads all records, by the folder they describe. One that cannot be
// read is left out: it is made again from the folder.
func (s *Store) records() (map[string][]*record, error) {
	entries, err := s.dir.ReadDir(backupsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := map[string][]*record{}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !facts.IsID(id) {
			continue
		}
		r := new(record)
		if err := s.loadJSON(backupsDir+"/"+e.Name(), maxRecord, r); err != nil || string(r.ID) != id {
			s.log.Warn("a record of a backup cannot be read", "record", e.Name(), "err", err)
			continue
		}
		all[r.Folder] = append(all[r.Folder], r)
	}
	return all, nil
}

func (s *Store) saveJSON(name string, v any) error { return s.dir.ReplaceJSON(name, v, privateFile) }

func (s *Store) loadJSON(name string, limit int64, v any) error {
	return s.dir.ReadJSON(name, limit, v)
}
