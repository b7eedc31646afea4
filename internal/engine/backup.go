package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"russet"
	"russet/device"
	"russet/device/devicelink"
	"russet/device/lockdown"
	"russet/device/mobilebackup2"
	"russet/mobilesync"
)

// statusLimit bounds Status.plist, which has 189 bytes.
const statusLimit = 1 << 20

// maxUnread bounds the list of files the phone could not read.
const maxUnread = 10_000

// Backup has the device back itself up into the draft. It returns nil only
// when the device said 0 and left a finished Status.plist that differs from
// the one before; committing or suspending the draft is the caller's part.
// Errors are a *russet.Error. The result is good in any case.
func Backup(ctx context.Context, dev *device.Device, draft russet.Draft, opts BackupOptions) (BackupResult, error) {
	b := &backup{dev: dev, draft: draft, opts: opts.withDefaults()}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.progress = watchProgress(opts.UDID, opts.Events)
	defer b.progress.end()
	err := b.run(ctx, cancel)
	return b.result, b.explain(ctx, opBackup, dev.Info().Name, err)
}

// backup is one run.
type backup struct {
	dev      *device.Device
	draft    russet.Draft
	opts     BackupOptions
	progress *progress
	result   BackupResult
	more     int  // unread files beyond maxUnread
	manifest bool // a Manifest.db came in this run
	troubles
}

func (b *backup) run(ctx context.Context, cancel context.CancelCauseFunc) error {
	before, err := b.status()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.opts.Log.Warn("the last backup's status cannot be read", "error", err)
	}
	b.result.Encrypted, _ = willEncrypt(ctx, b.dev, b.opts.Log)
	s, err := openSession(ctx, b.dev, b.opts.Log, watcher{sheet: b.progress.sheet, cancel: cancel})
	if err != nil {
		return err
	}
	defer s.close(ctx)
	if err := s.lockSync(ctx); err != nil {
		return err
	}
	if err := b.writeInfo(ctx, s); err != nil {
		return err
	}
	b.progress.count(s.backup.Traffic)
	b.progress.enter(russet.Waiting, "the phone prepares the backup; unlock it and type the passcode if it asks")
	err = s.backup.Backup(ctx, mobilebackup2.BackupRequest{Target: string(b.opts.UDID)}, b.service())
	b.collect(s.backup.Traffic())
	if err != nil {
		return err
	}
	return b.finished(before)
}

// service is what the device is served.
func (b *backup) service() devicelink.Service {
	return devicelink.Service{
		Files:   b.draft,
		Folders: []string{string(b.opts.UDID)},
		Began: func(r devicelink.Request) {
			b.result.Contacted = true
			b.progress.began(r, b.progress.backupStage(r))
		},
		Received: func(name string) {
			b.manifest = b.manifest || strings.HasSuffix(name, "/Manifest.db")
		},
		Unread: b.unread,
		Failed: b.failed,
		Short:  b.short,
	}
}

func (b *backup) unread(u devicelink.Unread) {
	if len(b.result.Unread) >= maxUnread {
		b.more++
		return
	}
	b.result.Unread = append(b.result.Unread, russet.Problem{
		Path: u.Device,
		What: fmt.Sprintf("the phone could not read it: %q (would be %s)", u.Text, u.Name),
	})
}

func (b *backup) collect(t devicelink.Traffic) {
	b.result.Received, b.result.Sent, b.result.Files = t.Received, t.Sent, int(t.Files)
	if b.more > 0 {
		b.result.Unread = append(b.result.Unread, russet.Problem{Path: "…", What: fmt.Sprintf("and %d more", b.more)})
	}
}

// finished checks the device's success against what it left: a Status.plist
// that is finished and of this run. Its UUID and date are compared with those
// before, never with a clock of ours, for the date is the device's. Both may
// stay: in a run that was resumed, where being finished is what is new, and in
// one that follows within the same second and brought a manifest of its own
// (docs/decisions/0005).
func (b *backup) finished(before mobilesync.Status) error {
	after, err := b.status()
	switch {
	case err != nil:
		return fmt.Errorf("the phone said it was done, but there is no usable Status.plist: %w", err)
	case !after.Finished():
		return fmt.Errorf("the phone said it was done, but calls its backup %q", after.SnapshotState)
	case !b.manifest && before.Finished() && after.UUID == before.UUID && after.Date.Equal(before.Date):
		return errors.New("the phone said it was done, but sent no new backup")
	}
	return nil
}

// status reads the draft's Status.plist; a missing one is fs.ErrNotExist.
func (b *backup) status() (mobilesync.Status, error) {
	f, err := b.draft.Open(string(b.opts.UDID) + "/Status.plist")
	if err != nil {
		return mobilesync.Status{}, err
	}
	data, err := io.ReadAll(io.LimitReader(f, statusLimit))
	if err = errors.Join(err, f.Close()); err != nil {
		return mobilesync.Status{}, err
	}
	return mobilesync.ParseStatus(data)
}

// writeInfo writes Info.plist, the one file of a backup that the host makes.
func (b *backup) writeInfo(ctx context.Context, s *session) error {
	name := string(b.opts.UDID) + "/Info.plist"
	info := infoMaker{dev: b.dev, media: s.media, log: b.opts.Log, udid: b.opts.UDID, note: func(text string) {
		b.result.Notes = append(b.result.Notes, text)
	}}
	previous, err := b.draft.Open(name)
	if err == nil {
		info.previous = previous
		defer func() { s.complain("close the last Info.plist", previous.Close()) }()
	} else if !errors.Is(err, fs.ErrNotExist) {
		b.opts.Log.Warn("the last Info.plist cannot be read", "error", err)
	}
	data, err := info.make(ctx, time.Now())
	if err != nil {
		return err
	}
	if err := b.writeFile(name, data); err != nil {
		failure := &devicelink.FileError{Doing: "write", Name: name, Err: err}
		b.failed(failure)
		return failure
	}
	return nil
}

func (b *backup) writeFile(name string, data []byte) error {
	up, err := b.draft.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(up, bytes.NewReader(data)); err != nil {
		return errors.Join(err, up.Abort())
	}
	return up.Commit()
}

// willEncrypt reads whether a backup password is set, and whether that is
// known: a locked phone does not say. That the key is absent means that there
// never was one.
func willEncrypt(ctx context.Context, dev *device.Device, log *slog.Logger) (on, known bool) {
	v, err := dev.Value(ctx, "com.apple.mobile.backup", "WillEncrypt")
	if err != nil && !errors.Is(err, lockdown.MissingValue) {
		log.Warn("cannot read whether backups are encrypted", "error", err)
		return false, false
	}
	on, _ = v.(bool)
	return on, true
}
