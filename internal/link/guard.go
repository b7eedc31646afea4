package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"russet/device"
	"russet/device/heartbeat"
	"russet/device/lockdown"
)

// ErrLost is the cause of a guarded context whose device is gone.
var ErrLost = errors.New("the connection to the device was lost")

// What these times rest on: a radio hole of ten seconds passed on its own, and
// one that lasted was given up by the device after 44 s; a device that was busy
// sent nothing for 34 minutes while its heartbeat went on.
const (
	// doubtLimit is how long a device that was there may give no sign of life.
	doubtLimit = 45 * time.Second
	// sleepLimit is how long one that said it sleeps, and still answers when
	// asked, may neither go on nor ask for us.
	sleepLimit = 10 * time.Minute
	// probeEvery and probeLimit: a device in doubt is asked this often, and has
	// so long to answer.
	probeEvery = 5 * time.Second
	probeLimit = 10 * time.Second
	// openLimit bounds the opening of a heartbeat.
	openLimit = 15 * time.Second
	// restLimit is the longest pause between two heartbeats that were opened in
	// vain.
	restLimit = 15 * time.Second
	// look is how often a device in doubt is looked at for traffic.
	look = time.Second
)

// Guard watches over a device on a network, reached through l, until stop is
// called or ctx ends. It answers the device's heartbeat, without which a device
// closes its connections to a host. When the heartbeat fails that alone proves
// nothing: bytes that still come, or an answer to a question on a new
// connection, show that the device is there, and the heartbeat is opened again.
// A device that shows nothing for 45 s is gone: guarded is cancelled with a
// cause that is [ErrLost], and [heartbeat.ErrSleepy] as well if it had said that
// it goes to sleep. A device that is silent but for its heartbeat is never given
// up.
//
// stop waits for the guard to end, and cancels guarded.
func (l *Link) Guard(ctx context.Context, dev *device.Device) (guarded context.Context, stop func()) {
	guarded, cancel := context.WithCancelCause(ctx)
	g := &guard{link: l, dev: dev}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := g.run(guarded); err != nil {
			l.log.Warn("the connection to the device was lost", "error", err)
			cancel(err)
		}
	}()
	return guarded, func() {
		cancel(nil)
		<-done
	}
}

// guard is one guard.
type guard struct {
	link *Link
	dev  *device.Device

	life     time.Time // the last sign of life
	received int64     // what had come by then
	sleepy   bool      // the device's last word on its heartbeat was that it sleeps
	asleep   time.Time // since when it sleeps and sends nothing; zero if it does not
	failures int       // heartbeats in a row that failed before the first beat
}

// run returns nil when ctx ends, else why the device is gone.
func (g *guard) run(ctx context.Context) error {
	g.alive()
	for {
		began := time.Now()
		failure := g.beat(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if g.life.Before(began) {
			g.life = began // nothing spoke against it before that
		}
		g.caught() // what came while the heartbeat was opened says nothing of now
		g.link.log.Debug("the device's heartbeat failed; looking for other signs of life", "error", failure)
		if err := g.doubt(ctx, failure); err != nil {
			return err
		}
		if err := g.rest(ctx, began); err != nil {
			return err
		}
	}
}

// alive notes a sign of life.
func (g *guard) alive() { g.life, g.received = time.Now(), g.link.received.Load() }

// beat opens a heartbeat and answers it until it fails.
func (g *guard) beat(ctx context.Context) error {
	opening, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	g.failures++
	conn, err := g.dev.Dial(opening, heartbeat.Service, device.ServiceOptions{})
	if err != nil {
		return fmt.Errorf("open a heartbeat: %w", err)
	}
	defer func() { _ = conn.Close() }()
	began := g.failures
	err = heartbeat.Run(ctx, conn, func(time.Duration) { g.failures, g.sleepy, g.asleep = 0, false, time.Time{} })
	if g.failures < began || errors.Is(err, heartbeat.ErrSleepy) {
		g.alive() // until now
	}
	if errors.Is(err, heartbeat.ErrSleepy) {
		g.sleepy = true
		if g.asleep.IsZero() {
			g.asleep = time.Now()
		}
	}
	return err
}

// doubt returns nil at the next sign of life or when ctx ends, and the verdict
// when there is none for too long.
func (g *guard) doubt(ctx context.Context, failure error) error {
	answers := make(chan error, 1)
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	var next time.Time // of the next question; zero while one is out
	ask := func() {
		next = time.Time{}
		go func() { answers <- g.probe(asking) }()
	}
	asked := time.Now()
	ask()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-answers:
			if err == nil {
				g.alive()
				return nil
			}
			g.link.log.Debug("a device in doubt does not answer", "error", err)
			next = asked.Add(probeEvery)
		case <-tick.C:
		}
		now := time.Now()
		switch {
		case g.moved():
			return nil
		case now.Sub(g.life) >= doubtLimit:
			if g.sleepy && !errors.Is(failure, heartbeat.ErrSleepy) {
				failure = fmt.Errorf("%w: %w", heartbeat.ErrSleepy, failure)
			}
			return fmt.Errorf("%w: no sign of life for %v, after %w", ErrLost, doubtLimit, failure)
		case !next.IsZero() && !next.After(now):
			asked = now
			ask()
		}
	}
}

// moved says whether something came since the last sign of life, which is one.
// A device that goes on is not asleep, whatever it said.
func (g *guard) moved() bool {
	if !g.caught() {
		return false
	}
	g.asleep = time.Time{}
	return true
}

// caught notes what came since the last sign of life as one, of the time when
// it came, and says whether anything did.
func (g *guard) caught() bool {
	received := g.link.received.Load()
	if received == g.received {
		return false
	}
	g.received = received
	if came := g.link.start.Add(time.Duration(g.link.last.Load())); came.After(g.life) {
		g.life = came
	}
	return true
}

// probe asks on a new connection whether the device is there. What it brings in
// is not counted.
func (g *guard) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	conn, err := g.link.dialer.DialPort(ctx, lockdown.Port)
	if err != nil {
		return err
	}
	client := lockdown.NewClient(conn, "")
	defer func() { _ = client.Close() }()
	_, err = client.QueryType(ctx)
	if errors.As(err, new(*lockdown.Error)) {
		return nil // a refusal is an answer
	}
	return err
}

// rest keeps heartbeats apart that were opened in vain, and gives up on a
// device that has been asleep for too long: it answers, but its transfer is
// frozen, and no error will ever come of it.
func (g *guard) rest(ctx context.Context, began time.Time) error {
	pause := min(probeEvery<<min(max(g.failures-1, 0), 8), restLimit)
	timer := time.NewTimer(time.Until(began.Add(pause)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-timer.C:
	}
	if !g.asleep.IsZero() && !g.moved() && time.Since(g.asleep) >= sleepLimit {
		return fmt.Errorf("%w: %w, and has for %v", ErrLost, heartbeat.ErrSleepy, sleepLimit)
	}
	return nil
}
