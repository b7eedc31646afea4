package reach

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"russet"
	"russet/device"
	"russet/device/heartbeat"
	"russet/internal/link"
)

// PlugIn is the next step when a device was lost on the network.
const PlugIn = "put it on its charger near the Wi-Fi, or plug it in here, and try again"

// Contact opens a session for a run: held to the limit of speed, and on the
// network with a guard, for which the run belongs under guarded. When the
// device is lost that ends, with a russet.Error as the cause that has the hint.
// end must be called.
func (ds *Devices) Contact(ctx context.Context, s Sighting, doing, hint string) (guarded context.Context, dev *device.Device, end func(), err error) {
	seen := s
	l := link.New(s.way, link.Options{Rate: ds.rate, Log: ds.log})
	s.way = l
	dev, goodbye, err := ds.Session(ctx, s, doing)
	if err != nil {
		return nil, nil, nil, err
	}
	done := ds.working.begin(seen)
	if s.Connection != overNetwork {
		ds.keepOwnCopy(s)
		return ctx, dev, func() {
			goodbye()
			done()
		}, nil
	}
	watched, stop := l.Guard(ctx, dev)
	// Not below watched, for then it would take over the cause as it is.
	guarded, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	context.AfterFunc(watched, func() { cancel(inWords(s.Device, context.Cause(watched), hint)) })
	return guarded, dev, func() {
		stop()
		goodbye()
		done()
	}, nil
}

// keepOwnCopy keeps the pair record that a session was opened with, for the day
// on which the phone is met without usbmuxd.
func (ds *Devices) keepOwnCopy(s Sighting) {
	if s.record == nil {
		return
	}
	data, err := s.record.Marshal()
	if err == nil {
		err = ds.keepSecretPairRecord(s.UDID, data)
	}
	if err != nil {
		ds.log.Warn("the pairing could not be kept", "error", err)
	}
}

// atWork is the devices that runs of this process are at work with. A second
// conversation with one of them is better not begun: nobody who tried reports
// good of it.
type atWork struct {
	mu   sync.Mutex
	with map[russet.UDID]Sighting
}

func (w *atWork) begin(s Sighting) (done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.with == nil {
		w.with = map[russet.UDID]Sighting{}
	}
	w.with[s.UDID] = s
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.with, s.UDID)
	}
}

// at is a device as it was seen before the run with it began.
func (w *atWork) at(udid russet.UDID) (Sighting, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.with[udid]
	return s, ok
}

// onNetwork are those that are reached over the network.
func (w *atWork) onNetwork() []Sighting {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []Sighting
	for _, s := range w.with {
		if s.Connection == overNetwork {
			list = append(list, s)
		}
	}
	return list
}

// inWords says that the guard gave the device up, if it did.
func inWords(d russet.Device, cause error, hint string) error {
	if !errors.Is(cause, link.ErrLost) {
		return cause
	}
	why := "it gives no sign of life any more"
	if errors.Is(cause, heartbeat.ErrSleepy) {
		why = "it went to sleep"
	}
	return &russet.Error{
		Kind: russet.Interrupted, What: fmt.Sprintf("the connection to %q was lost: %s", d.Name, why), Hint: hint, Err: cause,
	}
}
