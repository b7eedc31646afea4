package reach

import (
	"context"
	"time"

	"russet/device/mdns"
)

const (
	// calm is the least time between two nudges of Follow: a network full of
	// strangers must not keep anybody busy.
	calm = 500 * time.Millisecond
	// The pauses after which a usbmuxd that is gone is looked for again.
	muxPause, maxMuxPause = time.Second, 30 * time.Second
)

// Follow keeps an eye on the cable and on the network until ctx ends. While it
// does, Devices and its like answer from what is announced, without waiting
// for announcements. The channel gets a value whenever something came or went;
// it is never closed. One follows at a time.
func (ds *Devices) Follow(ctx context.Context) <-chan struct{} {
	changes, nudges := make(chan struct{}, 1), make(chan struct{}, 1)
	changed := func() {
		select {
		case changes <- struct{}{}:
		default: // there is one already
		}
	}
	go ds.followCable(ctx, changed)
	b := mdns.New(mdns.Options{Log: ds.log})
	ds.browser.Store(b)
	go ds.followNetwork(ctx, b, changed)
	go passOn(ctx, changes, nudges)
	return nudges
}

// passOn hands changes on, one in a while.
func passOn(ctx context.Context, from <-chan struct{}, to chan<- struct{}) {
	for {
		select {
		case <-from:
		case <-ctx.Done():
			return
		}
		select {
		case to <- struct{}{}:
		default:
		}
		select {
		case <-time.After(calm):
		case <-ctx.Done():
			return
		}
	}
}

// followCable listens to usbmuxd, which may come later and may be started
// again.
func (ds *Devices) followCable(ctx context.Context, changed func()) {
	pause := muxPause
	for ctx.Err() == nil {
		for e, err := range ds.usbmux().Listen(ctx) {
			if err != nil {
				ds.log.Debug("usbmuxd tells nothing more", "error", err)
				break
			}
			ds.log.Debug("usbmuxd", "event", e.Kind, "udid", e.Device.UDID, "connection", e.Device.Connection)
			pause = muxPause
			changed()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, maxMuxPause)
	}
}

// followNetwork hears what is announced on the network.
func (ds *Devices) followNetwork(ctx context.Context, b *mdns.Browser, changed func()) {
	defer ds.browser.CompareAndSwap(b, nil)
	if err := b.Run(ctx, changed); ctx.Err() == nil {
		ds.log.Warn("announcements on the network are no longer heard", "error", err)
	}
}
