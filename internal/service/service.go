// Package service does by itself what a person would otherwise have to think
// of: it notices devices, backs them up when they are due and the moment is
// right, tells their owners when they are needed, checks what the stores hold,
// and says at any time what it waits for.
//
// What it must not forget lies in the home's folder "automation" and is
// written before it acts: a service that was killed does not ask a phone again
// that it has just asked. The clock on the wall decides, so that sleep, a
// changed clock and days without the computer are only late days.
package service

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"russet"
	"russet/internal/durable"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/reach"
)

// Options says what a Service works with.
type Options struct {
	Host     *host.Host
	Now      func() time.Time // the clock on the wall; nil is the computer's own
	Location *time.Location   // of the owners; nil is the computer's own
	// Drill switches on an empty phone with the iOS of a backup, for a drill; off
	// switches it off. nil means that there are no drills.
	Drill func(ctx context.Context, b russet.Backup) (phone host.DrillPhone, off func() error, err error)
	// Notify tells people; nil means over the channels of the Host.
	Notify func(ctx context.Context, m notify.Message) error
	AtOnce int          // devices that are backed up side by side; 0 is what the settings say
	Log    *slog.Logger // nil means silence
}

// usualAtOnce is how many devices are backed up side by side when nobody said.
const usualAtOnce = 2

// Service backs up by itself. All methods may be called from any goroutine.
type Service struct {
	opts Options
	host *host.Host
	log  *slog.Logger
	slot slots
	wake chan struct{}
	work sync.WaitGroup // of all that goes on in the background
	asks sync.WaitGroup // of the looks at stores, which may take long

	stepping sync.Mutex   // one look that acts at a time
	stores   sync.RWMutex // held for reading by whoever uses a store

	mu      sync.Mutex
	base    context.Context // of what goes on in the background; nil until Take
	aside   []string        // files that cannot be used
	trouble error           // what cannot be written
	dir     *durable.Dir    // "automation"; nil until it is needed
	states  map[russet.UDID]*state
	house   *house
	devices sight
	folks   []reach.Seen // whom russet had a session with, at the last look
	shelves map[string]*shelf
	changes map[string]int // how often each store was changed by us
	jobs    map[russet.UDID]*job
	chore   *task               // nil when none is under way
	ran     map[string]ChoreRun // the last of each chore
	telling bool                // messages are being delivered
	used    time.Time           // when a store was last needed
}

// New makes a Service. It touches nothing yet.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Notify == nil {
		o.Notify = o.Host.Notify
	}
	return &Service{
		opts: o, host: o.Host, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		slot: slots{limit: cmp.Or(max(o.AtOnce, 0), usualAtOnce)}, wake: make(chan struct{}, 1),
		states: map[russet.UDID]*state{}, shelves: map[string]*shelf{}, changes: map[string]int{}, jobs: map[russet.UDID]*job{}, ran: map[string]ChoreRun{},
	}
}

// now is the clock on the wall, where the owners live. It has no monotonic
// part: the computer may have slept.
func (s *Service) now() time.Time {
	where := s.opts.Location
	if where == nil {
		where = s.host.Zone()
	}
	return s.opts.Now().Round(0).In(where)
}

// Wake makes Run look again at once.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Wait returns when what was begun in the background is over.
func (s *Service) Wait() { s.work.Wait() }

// Take makes this service the one of its home until release is called; a
// second one gets an error of the kind Busy. What is begun in the background
// ends, cleanly, with ctx.
func (s *Service) Take(ctx context.Context) (release func(), err error) {
	lock, err := s.host.LockService()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(true); err != nil {
		lock()
		return nil, err
	}
	s.base = ctx
	s.setAside()
	s.settle()
	return func() {
		s.work.Wait()
		s.leaveStores()
		lock()
	}, nil
}

// leave is how long a look at a store, which ends with the service, may take to
// end.
const leave = 5 * time.Second

// leaveStores waits until no store is looked at, unless one does not answer.
func (s *Service) leaveStores() {
	left := make(chan struct{})
	go func() {
		s.asks.Wait()
		close(left)
	}()
	select {
	case <-left:
	case <-time.After(leave):
	}
}

// The rhythm of Run.
const (
	// tick is how often the clock on the wall is looked at: timers stand still
	// while a computer sleeps, and nobody tells when a clock is set.
	tick = 30 * time.Second
	// breath is the least time between two looks: a loose cable must not keep
	// the computer busy.
	breath = 2 * time.Second
	// jump is how far the clock on the wall may go another way than the timers.
	jump = time.Minute
)

// Run is the service: it looks whenever something happened or is due, until ctx
// ends. Then it ends what is under way, cleanly, and returns nil.
func (s *Service) Run(ctx context.Context) error {
	release, err := s.Take(ctx)
	if err != nil {
		return err
	}
	defer release()
	s.loop(ctx)
	return nil
}

// loop looks again and again, once the home is taken.
func (s *Service) loop(ctx context.Context) {
	changed := s.host.Follow(ctx)
	for ctx.Err() == nil {
		next := s.Step(ctx)
		if !sleep(ctx, breath) {
			return
		}
		s.await(ctx, next, changed)
		s.rest()
	}
}

// await returns when it is time for another look: something came or went, the
// time has come, or the clock was set or the computer slept.
func (s *Service) await(ctx context.Context, next time.Time, changed <-chan struct{}) {
	start, began := s.now(), time.Now()
	for s.now().Before(next) {
		soon := time.NewTimer(min(tick, next.Sub(s.now())))
		select {
		case <-ctx.Done():
		case <-changed:
		case <-s.wake:
		case <-soon.C:
			if off := s.now().Sub(start) - time.Since(began); off.Abs() < jump {
				s.rest()
				continue
			}
			s.log.Info("the clock was set, or the computer slept")
		}
		soon.Stop()
		return
	}
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
