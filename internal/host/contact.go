package host

import (
	"context"
	"errors"
	"fmt"

	"russet"
	"russet/device"
	"russet/device/heartbeat"
	"russet/internal/link"
)

// plugIn is the next step when a device was lost on the network.
const plugIn = "put it on its charger near the Wi-Fi, or plug it in here, and try again"

// contact opens a session for a run: held to the limit of speed, and on the
// network with a guard, for which the run belongs under guarded. When the
// device is lost that ends, with a russet.Error as the cause that has the hint.
// end must be called.
func (h *Host) contact(ctx context.Context, s sighting, doing, hint string) (guarded context.Context, dev *device.Device, end func(), err error) {
	l := link.New(s.way, link.Options{Rate: h.rate, Log: h.log})
	s.way = l
	dev, err = h.session(ctx, s, doing)
	if err != nil {
		return nil, nil, nil, err
	}
	if s.Connection != overNetwork {
		return ctx, dev, func() { h.goodbye(dev) }, nil
	}
	watched, stop := l.Guard(ctx, dev)
	// Not below watched, for then it would take over the cause as it is.
	guarded, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	context.AfterFunc(watched, func() { cancel(inWords(s.Device, context.Cause(watched), hint)) })
	return guarded, dev, func() {
		stop()
		h.goodbye(dev)
	}, nil
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
