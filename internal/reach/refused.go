package reach

import (
	"errors"
	"fmt"
	"time"

	"russet"
	"russet/device/lockdown"
)

const (
	// refusedFile notes who tapped "Don't Trust": the device does not tell
	// afterwards.
	refusedFile = "refused.json"
	maxRefused  = 1 << 20
	// refusedFor is how long that is worth a word.
	refusedFor = 7 * 24 * time.Hour
)

// noteTrust notes how an attempt to pair ended. That it cannot be noted is no
// reason to stop.
func (ds *Devices) noteTrust(udid russet.UDID, paired error) {
	refused := errors.Is(paired, lockdown.UserDeniedPairing)
	if paired != nil && !refused {
		return // nobody answered
	}
	if err := ds.changeRefused(udid, refused); err != nil {
		ds.log.Warn("the answer of the phone could not be noted", "error", err)
	}
}

func (ds *Devices) changeRefused(udid russet.UDID, refused bool) error {
	dir, err := ds.home.Make()
	if err != nil {
		return err
	}
	noted := ds.readRefused()
	if _, ok := noted[udid]; !ok && !refused {
		return nil
	}
	delete(noted, udid)
	if refused {
		noted[udid] = ds.now().UTC()
	}
	if err := dir.ReplaceJSON(refusedFile, noted, 0o600); err != nil {
		return fmt.Errorf("note the answer of the phone: %w", err)
	}
	return nil
}

func (ds *Devices) readRefused() map[russet.UDID]time.Time {
	noted := map[russet.UDID]time.Time{}
	dir, err := ds.home.Open()
	if err == nil {
		err = dir.ReadJSON(refusedFile, maxRefused, &noted)
	}
	if err != nil || noted == nil {
		return map[russet.UDID]time.Time{}
	}
	return noted
}

// refusedLately reports whether somebody tapped "Don't Trust" on a device.
func (ds *Devices) refusedLately(udid russet.UDID) bool {
	at, ok := ds.readRefused()[udid]
	return ok && ds.now().Sub(at) < refusedFor
}
