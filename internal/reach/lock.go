package reach

import (
	"errors"
	"fmt"

	"russet"
	"russet/internal/durable"
	"russet/internal/home"
)

// Lock lets one process at a time work with a device. It is held for as
// long as a run takes; the system lets go of it when the process dies.
func (ds *Devices) Lock(device russet.Device, doing string) (release func(), err error) {
	dir, err := ds.home.Make()
	if err != nil {
		return nil, err
	}
	l, err := dir.Lock(deviceLock(device.UDID), false)
	if errors.Is(err, durable.ErrLocked) {
		return nil, &russet.Error{
			Kind: russet.Busy, Doing: doing,
			What: fmt.Sprintf("another russet is at work with %q", device.Name),
			Hint: "wait until it is done, or stop it first",
		}
	}
	if err != nil {
		return nil, home.Error(err)
	}
	return func() {
		if err := l.Unlock(); err != nil {
			ds.log.Warn("the lock of a device could not be let go", "error", err)
		}
	}, nil
}

// deviceLock is held by who is at work with a device.
func deviceLock(udid russet.UDID) string { return home.Locks + "/" + string(udid) + ".lock" }
