package vault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/internal/facts"
	"russet/internal/vault/depot"
)

// record is what the vault knows of a backup: the tag "russet" of its version.
type record struct {
	ID          russet.BackupID `json:"id"`
	Device      russet.UDID     `json:"device"`
	Fingerprint string          `json:"fingerprint"`
	Name        string          `json:"name"`
	IOS         string          `json:"ios"`
	Time        time.Time       `json:"time"`
	Encrypted   bool            `json:"encrypted"`
	Size        int64           `json:"size"`  // as the device stored it
	Added       int64           `json:"added"` // to the vault
	Files       int             `json:"files"`
	Archived    bool            `json:"archived"`
	Note        string          `json:"note,omitempty"`
	// Verified is what this computer remembers, see Store.verified.
	Verified *time.Time `json:"-"`
	// Imported: no device was offered it by this vault, and none will be.
	Imported bool `json:"imported,omitempty"`
	// Pending are the bytes of files that are still kept as ciphertext although
	// their keys are known.
	Pending int64 `json:"pending,omitempty"`
	// Locked: the backup's password was not known; all of it is ciphertext.
	Locked bool `json:"locked,omitempty"`
	// Unchecked says what the commit check could not check, and why.
	Unchecked []string `json:"unchecked,omitempty"`
	// Damaged are files known to be bad. They are hidden from the device's
	// next listing, so that it sends everything again.
	Damaged []string `json:"damaged,omitempty"`
}

const (
	tagID     = "id"
	tagRecord = "russet"
	tagDraft  = "draft" // of an incomplete version: the draft it keeps alive
	tagHost   = "host"

	pinArchived = "archived"

	maxRecord = 4 << 20
)

func (r *record) backup(store string) russet.Backup {
	return russet.Backup{
		ID: r.ID, Device: r.Device, Name: r.Name, Time: r.Time, Size: r.Size, Added: r.Added,
		Files: r.Files, Encrypted: r.Encrypted, Archived: r.Archived, Note: r.Note, IOS: r.IOS,
		Store: store, Verified: r.Verified,
	}
}

// version is a backup in the vault.
type version struct {
	depot.Version
	rec     record
	problem string // why it cannot be used
}

func (v *version) backup(store string) russet.Backup {
	b := v.rec.backup(store)
	b.Problem = v.problem
	return b
}

// mark puts the record into the version's tags.
func (v *version) mark() error {
	data, err := json.Marshal(&v.rec)
	if err != nil {
		return err
	}
	v.Tags = map[string]string{tagID: string(v.rec.ID), tagRecord: string(data)}
	v.Description = fmt.Sprintf("%s, iOS %s", v.rec.Name, v.rec.IOS)
	v.Pins = nil
	if v.rec.Archived {
		v.Pins = []string{pinArchived}
	}
	return nil
}

// versions lists all backups, oldest first, as other computers left them too.
func (s *Store) versions(ctx context.Context) ([]*version, error) {
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	return s.known(ctx)
}

// glance is versions for who only looks, right after the vault was opened or
// looked at: listing takes six requests of a server.
func (s *Store) glance(ctx context.Context) ([]*version, error) {
	s.mu.Lock()
	recent := s.opts.Remote && time.Since(s.seen) < time.Second
	s.mu.Unlock()
	if recent {
		return s.known(ctx)
	}
	return s.versions(ctx)
}

func (s *Store) known(ctx context.Context) ([]*version, error) {
	all, bad, err := s.depot.Versions(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[russet.BackupID]*version{}
	for _, d := range all {
		if d.Incomplete != "" {
			continue
		}
		v := readVersion(d)
		if v == nil {
			continue // a snapshot that somebody made with kopia itself
		}
		// An update is put before the older one goes: a crash leaves two.
		if twin := byID[v.rec.ID]; twin == nil || newer(v, twin) {
			byID[v.rec.ID] = v
		}
	}
	for _, p := range bad {
		v := &version{problem: fmt.Sprintf("its description in the vault cannot be read: %v", p.Err)}
		v.Manifest = p.Manifest
		v.rec.ID = russet.BackupID(p.Labels["tag:"+tagID])
		v.rec.Device = russet.UDID(strings.TrimPrefix(p.Labels["path"], "/"))
		if _, twin := byID[v.rec.ID]; !twin && facts.IsID(string(v.rec.ID)) {
			byID[v.rec.ID] = v
		}
	}
	list := make([]*version, 0, len(byID))
	for _, v := range byID {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b *version) int {
		return cmp.Or(a.rec.Time.Compare(b.rec.Time), a.Start.Compare(b.Start), strings.Compare(string(a.rec.ID), string(b.rec.ID)))
	})
	return list, nil
}

// refresh sees what other computers wrote.
func (s *Store) refresh(ctx context.Context) error {
	if err := s.depot.Refresh(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writing == 0 {
		s.seen = time.Now()
	}
	return nil
}

// newer tells which of two states of one backup was written later.
func newer(a, b *version) bool {
	if !a.End.Equal(b.End) {
		return a.End.After(b.End)
	}
	return a.Manifest > b.Manifest
}

func readVersion(d depot.Version) *version {
	id := d.Tags[tagID]
	if !facts.IsID(id) {
		return nil
	}
	v := &version{Version: d}
	if err := json.Unmarshal([]byte(d.Tags[tagRecord]), &v.rec); err != nil || string(v.rec.ID) != id || !v.rec.Device.Valid() {
		v.rec = record{ID: russet.BackupID(id), Device: russet.UDID(strings.TrimPrefix(d.Path, "/")), Time: d.Start}
		v.problem = "its description in the vault makes no sense"
	}
	return v
}

// find finds a backup by its ID.
func (s *Store) find(ctx context.Context, id russet.BackupID, doing string) (*version, error) {
	all, err := s.versions(ctx)
	return s.pick(all, err, id, doing)
}

func (s *Store) pick(all []*version, err error, id russet.BackupID, doing string) (*version, error) {
	if err != nil {
		return nil, s.explain(err, doing)
	}
	for _, v := range all {
		if v.rec.ID == id {
			return v, nil
		}
	}
	return nil, facts.NoBackup(id, doing)
}

// Backups lists the backups in the vault, oldest first.
func (s *Store) Backups(ctx context.Context, device russet.UDID) ([]russet.Backup, error) {
	all, err := s.glance(ctx)
	if err != nil {
		return nil, s.explain(err, fmt.Sprintf("list the backups in the vault %q", s.opts.Name))
	}
	backups := make([]russet.Backup, 0, len(all))
	for _, v := range all {
		if device == "" || v.rec.Device == device {
			v.rec.Verified = s.verified(v.rec.ID)
			backups = append(backups, v.backup(s.opts.Name))
		}
	}
	return backups, nil
}

// newest is the backup a device is offered: the last one it made for this
// vault; nil if there is none.
func newest(all []*version, device russet.UDID) *version {
	var last *version
	for _, v := range all {
		if v.rec.Device == device && !v.rec.Imported && v.problem == "" {
			last = v
		}
	}
	return last
}

// update writes a changed record.
func (s *Store) update(ctx context.Context, v *version) error {
	if err := v.mark(); err != nil {
		return err
	}
	v.End = time.Now().UTC()
	return s.change(ctx, "update", func(w *session) error { return w.UpdateVersion(ctx, &v.Version) })
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
