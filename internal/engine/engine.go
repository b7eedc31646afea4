// Package engine makes one backup, one restore or one change of the backup
// password, from the first service started to the last goodbye.
//
// It does what a careful host does around the command: takes the lock that
// keeps two hosts from syncing at once, writes Info.plist, serves the device,
// watches for its passcode sheet and for somebody pressing Cancel on it, and
// puts everything back at the end. It tells what happens as events, and turns
// whatever goes wrong into a russet.Error with a next step, once.
//
// It neither begins nor commits a draft, and knows no store: its callers do.
package engine

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"syscall"
	"time"

	"russet"
	"russet/device"
	"russet/device/afc"
	"russet/device/lockdown"
	"russet/device/mobilebackup2"
	"russet/device/notificationproxy"
)

// closeLimit bounds the farewell at the end of a run, and goneLimit that to a
// device which was given up for lost and would have to come back to answer.
const (
	closeLimit = 10 * time.Second
	goneLimit  = time.Second
)

// farewell is the time there is for a goodbye after ctx, which may be done.
func farewell(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := closeLimit
	if russet.KindOf(context.Cause(ctx)) == russet.Interrupted {
		limit = goneLimit
	}
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// errCancelledOnDevice is the cause of a run's end when somebody pressed
// Cancel on the device.
var errCancelledOnDevice = errors.New("cancelled on the device")

// session is the services of one run. Those beside mobilebackup2 may be nil:
// a device that refuses them can still be backed up.
type session struct {
	log     *slog.Logger
	notices *notificationproxy.Client
	media   *afc.Client
	lock    *afc.SyncLock
	backup  *mobilebackup2.Client
	stop    func() // ends the watching of notices
}

// watcher hears of notices while a run lasts.
type watcher struct {
	sheet  func(shown bool)        // the passcode sheet
	cancel context.CancelCauseFunc // ends the run
}

// openSession starts the services in the order hosts do.
func openSession(ctx context.Context, dev *device.Device, log *slog.Logger, w watcher) (*session, error) {
	s := &session{log: cmp.Or(log, slog.New(slog.DiscardHandler)), stop: func() {}}
	err := s.open(ctx, dev, w)
	if err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

func (s *session) open(ctx context.Context, dev *device.Device, w watcher) error {
	if err := s.openNotices(ctx, dev, w); err != nil {
		return err
	}
	conn, err := dial(ctx, dev, afc.Service, device.ServiceOptions{})
	if err == nil {
		s.media = afc.NewClient(conn)
	} else if err := s.goOnWithout(ctx, "the media folder", err); err != nil {
		return err
	}
	conn, err = dialBackup(ctx, dev, s.log)
	if err != nil {
		return err
	}
	s.backup, err = mobilebackup2.NewClient(ctx, conn, s.log)
	return err
}

// unreachableError is a service that could not be connected to.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string { return e.err.Error() }
func (e *unreachableError) Unwrap() error { return e.err }

func dial(ctx context.Context, dev *device.Device, service string, opts device.ServiceOptions) (net.Conn, error) {
	conn, err := dev.Dial(ctx, service, opts)
	if err != nil {
		return nil, &unreachableError{err}
	}
	return conn, nil
}

// A refusal to start the backup may be of the moment: another run has just
// ended, or the phone has just woken up.
const (
	startTries = 3
	startPause = 2 * time.Second
)

// dialBackup starts the service of backups; a refusal that may pass is no
// refusal yet.
func dialBackup(ctx context.Context, dev *device.Device, log *slog.Logger) (net.Conn, error) {
	for try := 1; ; try++ {
		conn, err := dial(ctx, dev, mobilebackup2.Service, device.ServiceOptions{Escrow: true})
		if err == nil || try == startTries || !mayPass(err) {
			return conn, err
		}
		log.DebugContext(ctx, "the backup does not start yet", "error", err)
		select {
		case <-time.After(startPause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// mayPass reports whether a service that was refused may start in a moment.
func mayPass(err error) bool {
	return errors.Is(err, lockdown.InvalidService) || errors.Is(err, lockdown.ServiceLimit) || errors.Is(err, syscall.ECONNREFUSED)
}

// openNotices has the device's notices watched until the session closes.
func (s *session) openNotices(ctx context.Context, dev *device.Device, w watcher) error {
	conn, err := dial(ctx, dev, notificationproxy.Service, device.ServiceOptions{})
	if err != nil {
		return s.goOnWithout(ctx, "notices from the device", err)
	}
	s.notices = notificationproxy.NewClient(conn)
	err = s.notices.Observe(ctx,
		notificationproxy.SyncCancelRequest, notificationproxy.SyncSuspendRequest, notificationproxy.SyncResumeRequest,
		notificationproxy.BackupDomainChanged, notificationproxy.PasscodePresented, notificationproxy.PasscodeDismissed)
	if err != nil {
		return s.goOnWithout(ctx, "notices from the device", err)
	}
	watching, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.watch(watching, w)
	}()
	s.stop = func() {
		cancel()
		<-ended
	}
	return nil
}

func (s *session) watch(ctx context.Context, w watcher) {
	for name, err := range s.notices.Names(ctx) {
		if err != nil {
			// The run itself notices soon enough whether the device is gone.
			s.log.Debug("no more notices from the device", "error", err)
			return
		}
		switch name {
		case notificationproxy.PasscodePresented:
			w.sheet(true)
		case notificationproxy.PasscodeDismissed:
			w.sheet(false)
		case notificationproxy.SyncCancelRequest:
			w.cancel(errCancelledOnDevice)
		default:
			s.log.Debug("notice from the device", "name", name)
		}
	}
}

// goOnWithout passes on what ends a run and logs the rest: the services beside
// mobilebackup2 can fail without harm to it, and it notices by itself when the
// device is gone.
func (s *session) goOnWithout(ctx context.Context, what string, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	s.log.Warn("going on without "+what, "error", err)
	return nil
}

// post tells the device's own sync services what this host does. They do
// without it.
func (s *session) post(ctx context.Context, name string) error {
	if s.notices == nil {
		return nil
	}
	return s.goOnWithout(ctx, "word to the device's sync", s.notices.Post(ctx, name))
}

// lockSync keeps others from syncing until the session closes. Only a lock
// that somebody else holds ends the run: a device that gives none to anybody
// has nobody to be kept out.
func (s *session) lockSync(ctx context.Context) error {
	if err := s.post(ctx, notificationproxy.SyncWillStart); err != nil {
		return err
	}
	if s.media != nil {
		var err error
		s.lock, err = s.media.LockSync(ctx, func() error {
			return s.post(ctx, notificationproxy.SyncLockRequest)
		})
		if errors.Is(err, afc.WouldBlock) {
			return err
		}
		if err := s.goOnWithout(ctx, "the sync lock", err); err != nil {
			return err
		}
	}
	return s.post(ctx, notificationproxy.SyncDidStart)
}

// close says goodbye in the order that also cancels a run: the device stops
// first, then others may sync. It works after ctx is done.
func (s *session) close(ctx context.Context) {
	ctx, cancel := farewell(ctx)
	defer cancel()
	s.stop()
	if s.backup != nil {
		s.backup.Close()
	}
	if s.lock != nil {
		s.complain("give up the sync lock", s.lock.Release(ctx))
		s.complain("tell that the sync is over", s.post(ctx, notificationproxy.SyncDidFinish))
	}
	if s.media != nil {
		s.complain("close afc", s.media.Close())
	}
	if s.notices != nil {
		s.complain("close the notification proxy", s.notices.Close())
	}
}

// complain logs what went wrong at the end of a run, which changes nothing.
func (s *session) complain(doing string, err error) {
	if err != nil {
		s.log.Debug("the end of a run", "doing", doing, "error", err)
	}
}
