package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	"russet"
	"russet/device"
	"russet/device/afc"
	"russet/device/devicelink"
	"russet/device/mobilebackup2"
	"russet/internal/plist"
	"russet/mobilesync"
)

// Where the device looks for the apps that it has to download again.
const (
	appsFolder = "/iTunesRestore"
	appsFile   = appsFolder + "/RestoreApplications.plist"
)

// maxMissing bounds the list of files the device asked for in vain.
const maxMissing = 10_000

// Restore has the device restore itself from a backup. Nothing on the device
// changes before it has read the backup's lists; CheckRestore tells
// beforehand what it will say. Errors are a *russet.Error.
func Restore(ctx context.Context, dev *device.Device, contents russet.Contents, opts RestoreOptions) (RestoreResult, error) {
	r := &restore{dev: dev, opts: opts.withDefaults()}
	r.folder = &readFolder{FS: r.watch(contents)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.progress = watchProgress(opts.Target, opts.Events)
	defer r.progress.end()
	err := r.run(ctx, cancel)
	return r.result, r.explain(ctx, opRestore, dev.Info().Name, err)
}

// errAltered is a file that is there and was sent.
var errAltered = errors.New("its bytes are not those that were received")

// watch is the folder of a backup; what is found damaged in it is noted.
func (r *restore) watch(contents russet.Contents) fs.FS {
	w, ok := contents.(russet.Watched)
	if !ok {
		return contents.Folder()
	}
	folder, err := w.Watch(func(name string) {
		r.failed(&devicelink.FileError{Doing: "read", Name: name, Err: errAltered})
		if len(r.result.Damaged) < maxMissing {
			r.result.Damaged = append(r.result.Damaged, russet.Problem{Path: name, What: errAltered.Error()})
		}
	})
	if err != nil {
		r.opts.Log.Warn("the backup is not watched for damage", "error", err)
		return contents.Folder()
	}
	return folder
}

// restore is one run.
type restore struct {
	dev      *device.Device
	folder   *readFolder
	opts     RestoreOptions
	progress *progress
	result   RestoreResult
	troubles
}

func (r *restore) run(ctx context.Context, cancel context.CancelCauseFunc) error {
	if e := readRestorable(r.folder).refusal(r.opts); e != nil {
		return e
	}
	s, err := openSession(ctx, r.dev, r.opts.Log, watcher{sheet: r.progress.sheet, cancel: cancel})
	if err != nil {
		return err
	}
	defer s.close(ctx)
	if err := s.lockSync(ctx); err != nil {
		return err
	}
	if err := r.announceApps(ctx, s.media); err != nil {
		return err
	}
	r.progress.count(s.backup.Traffic)
	r.progress.enter(russet.Waiting, "the phone prepares the restore; unlock it and type the passcode if it asks")
	err = s.backup.Restore(ctx, mobilebackup2.RestoreRequest{
		Target:            string(r.opts.Target),
		Source:            string(r.opts.Source),
		SystemFiles:       r.opts.System,
		PreserveSettings:  r.opts.PreserveSettings,
		RemoveNotRestored: r.opts.RemoveNotRestored,
		Reboot:            r.opts.Reboot,
		Password:          r.opts.Password,
	}, r.service())
	traffic := s.backup.Traffic()
	r.result.Sent, r.result.Received = traffic.Sent, traffic.Received
	r.begun = r.sending()
	switch {
	case r.mayBeDone(ctx, err):
		// The list of apps stays: a phone that restarts for the restore needs it.
		return r.whenGone(err)
	case err == nil && !r.folder.listed.Load():
		err = &russet.Error{
			Kind: russet.Failed,
			What: "the phone says that it is done, and has not read what is in the backup",
			Hint: "look whether the phone has what it should; if not, restart it and restore again",
		}
	}
	if err != nil {
		r.withdrawApps(ctx, s)
	}
	return err
}

// readFolder is a backup that remembers whether the device has read the list of
// its files.
type readFolder struct {
	fs.FS
	listed atomic.Bool
}

// Open opens a file of the backup.
func (f *readFolder) Open(name string) (fs.File, error) {
	if name == "Manifest.db" {
		f.listed.Store(true)
	}
	return f.FS.Open(name)
}

// ReadDir lists a folder of the backup.
func (f *readFolder) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(f.FS, name) }

// Stat tells of a file of the backup, and does not read it.
func (f *readFolder) Stat(name string) (fs.FileInfo, error) { return fs.Stat(f.FS, name) }

// service is what the device is served. There is no free space to tell of:
// only a copy of the device's own backup would be written, and the device is
// told not to make one.
func (r *restore) service() devicelink.Service {
	free := func() (int64, error) { return 0, errors.ErrUnsupported }
	return devicelink.Service{
		Files:   devicelink.ReadOnly(r.folder, string(r.opts.Source), free),
		Folders: []string{string(r.opts.Source), string(r.opts.Target)},
		Began: func(d devicelink.Request) {
			stage := russet.Preparing
			if d.Items > 1 || r.sending() {
				stage = russet.Sending
			}
			r.progress.began(d, stage)
		},
		Missing: r.missing,
		Failed:  r.failed,
	}
}

// sending reports whether the device has begun to fetch files: first it asks
// for the lists, one by one.
func (r *restore) sending() bool {
	r.progress.mu.Lock()
	defer r.progress.mu.Unlock()
	return r.progress.event.Stage == russet.Sending
}

func (r *restore) missing(name string) {
	own := string(r.opts.Source) + "/"
	if len(name) <= len(own) || name[:len(own)] != own || len(r.result.Missing) >= maxMissing {
		return
	}
	r.result.Missing = append(r.result.Missing, russet.Problem{Path: name[len(own):], What: "not in the backup"})
}

// mayBeDone reports whether a conversation ended after files had been sent: a
// device that restarts does not always say that it is done.
func (r *restore) mayBeDone(ctx context.Context, err error) bool {
	ended := errors.As(err, new(*devicelink.LostError)) || errors.As(err, new(*devicelink.DisconnectError))
	if ctx.Err() != nil {
		// Over Wi-Fi such a device is gone without a word, and the guard says so.
		ended = russet.KindOf(context.Cause(ctx)) == russet.Interrupted
	}
	return ended && r.opts.Reboot && r.sending()
}

// whenGone explains such an end.
func (r *restore) whenGone(err error) error {
	what := "the connection to the phone ended before it said that it was done"
	if lost, ok := errors.AsType[*devicelink.LostError](err); ok && lost.Silent > 0 {
		what = fmt.Sprintf("the phone was silent for %v, and had not said that it was done", lost.Silent)
	}
	return &russet.Error{
		Kind: russet.Interrupted,
		What: what,
		Hint: "if the phone is restarting, wait and look whether it has what it should; else restore again",
		Err:  err,
	}
}

// announceApps leaves the list of apps where the device looks for it. Without
// it their data has nowhere to go (pymobiledevice3 #1053).
func (r *restore) announceApps(ctx context.Context, media *afc.Client) error {
	if r.opts.SkipApps {
		return nil
	}
	list, err := appList(r.folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.opts.Log.Warn("the backup has no Info.plist: no app will be downloaded again")
		return nil
	case err != nil:
		return &russet.Error{
			Kind: russet.Damaged, What: fmt.Sprintf("the backup's list of apps cannot be read: %v", err),
			Hint: "restore without the apps: --skip-apps", Err: err,
		}
	case media == nil:
		return &russet.Error{
			Kind: russet.Unsupported, What: "the phone does not take the list of apps to download again",
			Hint: "restore without the apps: --skip-apps",
		}
	}
	if err := media.MakeDir(ctx, appsFolder); err != nil {
		return err
	}
	return media.WriteFile(ctx, appsFile, list)
}

// withdrawApps removes the list again after a failure.
func (r *restore) withdrawApps(ctx context.Context, s *session) {
	if s.media == nil || r.opts.SkipApps {
		return
	}
	ctx, cancel := farewell(ctx)
	defer cancel()
	s.complain("remove the list of apps", s.media.Remove(ctx, appsFile))
}

// appList is Info.plist's Applications as a property list of its own.
func appList(folder fs.FS) ([]byte, error) {
	info, err := mobilesync.ReadInfo(folder)
	if err != nil {
		return nil, err
	}
	list := plist.Dict{}
	for id, app := range info.Applications {
		entry := plist.Dict{}
		for key, data := range map[string][]byte{
			"ApplicationSINF": app.ApplicationSINF,
			"iTunesMetadata":  app.ITunesMetadata,
			"PlaceholderIcon": app.PlaceholderIcon,
		} {
			if data != nil {
				entry[key] = data
			}
		}
		list[id] = entry
	}
	return plist.MarshalXML(list)
}
