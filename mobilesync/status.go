package mobilesync

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"russet/internal/plist"
)

// The names of the files in a backup folder that are not content.
const (
	infoName       = "Info.plist"
	statusName     = "Status.plist"
	manifestName   = "Manifest.plist"
	databaseName   = "Manifest.db"
	legacyDatabase = "Manifest.mbdb"
)

// StateFinished is the SnapshotState of a whole backup; others are
// "uploading", "moving" and "removing".
const StateFinished = "finished"

// Status is Status.plist, which the device rewrites at every stage of a run.
type Status struct {
	Version       string // "3.3"
	UUID          string // of the backup set
	Date          time.Time
	BackupState   string // "empty", "old" or "new"
	SnapshotState string
	// IsFullBackup does not tell a full backup: it is false after both.
	IsFullBackup bool
}

// Finished reports whether the device completed the backup.
func (s Status) Finished() bool { return s.SnapshotState == StateFinished }

// ParseStatus reads a Status.plist.
func ParseStatus(data []byte) (Status, error) {
	d, err := plist.ParseDict(data)
	if err != nil {
		return Status{}, fmt.Errorf("read %s: %w", statusName, err)
	}
	return Status{
		Version:       d.String("Version"),
		UUID:          d.String("UUID"),
		Date:          d.Time("Date"),
		BackupState:   d.String("BackupState"),
		SnapshotState: d.String("SnapshotState"),
		IsFullBackup:  d.Bool("IsFullBackup"),
	}, nil
}

// Marshal encodes the status as the device does.
func (s Status) Marshal() ([]byte, error) {
	return plist.MarshalBinary(plist.Dict{
		"Version":       s.Version,
		"UUID":          s.UUID,
		"Date":          s.Date.UTC(),
		"BackupState":   s.BackupState,
		"SnapshotState": s.SnapshotState,
		"IsFullBackup":  s.IsFullBackup,
	})
}

// ReadStatus reads a folder's Status.plist. A folder without one is
// fs.ErrNotExist, a broken one ErrDamaged.
func ReadStatus(fsys fs.FS) (Status, error) {
	data, err := readBounded(fsys, statusName, 1<<20)
	if err != nil {
		return Status{}, err
	}
	s, err := ParseStatus(data)
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return s, nil
}

// readBounded reads a file that must not be larger than limit.
func readBounded(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		err := fmt.Errorf("%w: %s of %d bytes, %v", ErrDamaged, name, info.Size(), info.Mode())
		return nil, errors.Join(err, f.Close())
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}
