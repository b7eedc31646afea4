package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/internal/home"
	"russet/mobilesync"
)

// DrillPhone is an empty phone to try a backup on: not a real one, but one that
// shares no code with us.
type DrillPhone struct {
	Mux  string // where a usbmuxd shows it, in the form of USBMUXD_SOCKET_ADDRESS
	UDID russet.UDID
	// Received lists what the phone holds after the restore, by domain and path.
	Received func() map[string]DrillFile
}

// DrillFile is one thing a phone received.
type DrillFile struct {
	Kind string   // "file", "folder" or "link"
	Size int64    // of a file
	Sum  [32]byte // SHA-256 of a file's content
}

// DrillReport is what a drill found. It is kept in russet's own folder.
type DrillReport struct {
	Time     time.Time        `json:"time"`
	Backup   russet.Backup    `json:"backup"`
	Good     bool             `json:"good"`
	Result   string           `json:"result"`   // in one sentence
	Compared []string         `json:"compared"` // what was done, step by step
	Files    int              `json:"files"`    // compared
	Bytes    int64            `json:"bytes"`
	Seconds  float64          `json:"seconds"`
	Problems []russet.Problem `json:"problems"`
	Notes    []string         `json:"notes"`
	Path     string           `json:"path"` // of this report; a plain text lies beside it
}

// Drill restores a backup onto an empty phone and compares every file the
// phone received with the backup.
func (h *Host) Drill(ctx context.Context, b russet.Backup, phone DrillPhone, progress func(russet.Event)) (DrillReport, error) {
	start := time.Now()
	report := DrillReport{Time: h.now().UTC(), Backup: b, Compared: []string{}, Problems: []russet.Problem{}, Notes: []string{}}
	err := h.drill(ctx, b, phone, progress, &report)
	if err != nil && (ctx.Err() != nil || !aboutBackup(err)) {
		return report, err
	}
	if err != nil {
		report.Problems = append(report.Problems, russet.Problem{Path: "the restore itself", What: err.Error()})
	}
	report.Seconds = time.Since(start).Seconds()
	report.conclude()
	return report, h.keepReport(&report)
}

// aboutBackup reports whether a restore failed because of the backup: that is
// what a drill is to find out.
func aboutBackup(err error) bool {
	e, ok := errors.AsType[*russet.Error](err)
	return ok && (e.Kind == russet.Damaged || e.Code != 0)
}

func (h *Host) drill(ctx context.Context, b russet.Backup, phone DrillPhone, progress func(russet.Event), report *DrillReport) (err error) {
	password := ""
	if b.Encrypted {
		if password, err = h.fittingPassword(ctx, b); err != nil {
			return err
		}
	}
	v, err := h.openView(ctx, b)
	if err != nil {
		return err
	}
	defer closeInto(&err, v)
	temp, err := os.MkdirTemp("", "russet-drill-")
	if err != nil {
		return fmt.Errorf("prepare the drill: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	// A home of its own: the phone's pairing must not mix with real ones.
	aside := Open(Options{Home: home.Place{Dir: temp, Data: temp, Moved: true}, Mux: phone.Mux, Log: h.log})
	defer closeInto(&err, aside)
	if _, _, err := aside.Pair(ctx, string(phone.UDID), func(russet.Device) {}); err != nil {
		return err
	}
	if err := h.verifyFirst(ctx, b, progress, report); err != nil {
		return err
	}
	_, err = aside.restoreContents(ctx, v.contents, password, RestoreOptions{
		Backup: b, Device: string(phone.UDID), System: true, RemoveNotRestored: true, Progress: progress,
	})
	if err != nil {
		return err
	}
	report.did("the whole backup, with the system's own files, was restored onto an empty virtual iPhone over the same protocol as onto a real one")
	return v.compare(ctx, phone.Received(), report)
}

// verifyFirst checks the backup in its store: a damaged file of a plain backup
// would arrive on the phone just as damaged.
func (h *Host) verifyFirst(ctx context.Context, b russet.Backup, progress func(russet.Event), report *DrillReport) error {
	if progress != nil {
		progress(russet.Event{Time: time.Now(), Device: b.Device, Stage: russet.Committing, Percent: -1, Message: "every byte of the backup is read and checked"})
	}
	checked, err := h.Verify(ctx, b, true, nil)
	if err != nil {
		return err
	}
	report.did("every byte of the backup in the store %q was read and checked: %s, %s", b.Store, plural(checked.Files, "file"), bytesText(checked.Bytes))
	report.Problems = append(report.Problems, checked.Problems...)
	report.Notes = append(report.Notes, checked.Notes...)
	return nil
}

// compare reads every file of a backup and looks whether the phone has the
// same.
func (v *view) compare(ctx context.Context, received map[string]DrillFile, report *DrillReport) error {
	problem := func(path, what string) {
		report.Problems = append(report.Problems, russet.Problem{Path: path, What: what})
	}
	err := v.each(ctx, func(r *mobilesync.Record) {
		path := pathOf(r)
		got, ok := received[path]
		delete(received, path)
		switch {
		case !ok:
			problem(path, "did not arrive on the phone")
		case got.Kind != kindOf(r):
			problem(path, fmt.Sprintf("arrived as a %s, was a %s", got.Kind, kindOf(r)))
		case r.Kind == mobilesync.File:
			sum, size, err := v.sum(ctx, r)
			report.Files++
			report.Bytes += size
			switch {
			case err != nil:
				problem(path, err.Error())
			case got.Size != size:
				problem(path, fmt.Sprintf("arrived with %d bytes, has %d", got.Size, size))
			case got.Sum != sum:
				problem(path, "arrived with other content")
			}
		}
	})
	report.did("every file, folder and link of the backup was looked for on the phone; the content of %s, %s, was compared by SHA-256",
		plural(report.Files, "file"), bytesText(report.Bytes))
	for path := range received {
		problem(path, "is on the phone and not in the backup")
	}
	slices.SortFunc(report.Problems, func(a, b russet.Problem) int { return strings.Compare(a.Path, b.Path) })
	return errors.Join(err, ctx.Err())
}

// sum hashes one file's content.
func (v *view) sum(ctx context.Context, r *mobilesync.Record) (sum [32]byte, size int64, err error) {
	content, err := v.Content(r)
	if errors.Is(err, fs.ErrNotExist) {
		return sum, 0, errors.New("its content is missing in the backup")
	}
	if err != nil {
		return sum, 0, err
	}
	defer closeInto(&err, content)
	hash := sha256.New()
	size, err = io.Copy(hash, contextReader{ctx, content})
	return [32]byte(hash.Sum(nil)), size, err
}
