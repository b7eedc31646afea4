package reach

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"russet"
	"russet/device"
	"russet/device/lockdown"
)

const (
	// narrowFor is how long a path is taken for a narrow one. That somebody fell
	// silent has other reasons, too, and small packets cost some speed.
	narrowFor = time.Hour
	// narrowDoubt is how long a try that the end of a search cut short must have
	// lasted to count as silence.
	narrowDoubt = 10 * time.Second
)

func (ds *Devices) isNarrow(host string) bool {
	since, ok := ds.narrow.Load(host)
	return ok && ds.now().Sub(since.(time.Time)) < narrowFor
}

// probeAt asks at an address in a session. A device that answers and then falls
// silent may be one whose packets, or ours, are lost when they are large: first
// come small questions, then certificates. A path should say so, but many
// tunnels and filters keep it to themselves. So it is tried once more with small
// ones; if that is in vain, it was something else.
func (ds *Devices) probeAt(ctx context.Context, l lead, udid russet.UDID, record *lockdown.PairRecord, heard *atomic.Bool) (Sighting, error) {
	for {
		way := device.Network{Host: l.host, Narrow: ds.isNarrow(l.host)}
		s := Sighting{way: impatient{way, l.patience, heard}, Device: russet.Device{
			UDID: udid, Connection: overNetwork, Address: l.host, Battery: -1,
		}}
		began := time.Now()
		err := ds.probeInSession(ctx, &s, record)
		s.way = way
		silent := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) && time.Since(began) >= narrowDoubt
		if !silent || s.Paired || !heard.Load() {
			return s, err
		}
		if way.Narrow {
			ds.narrow.Delete(l.host)
			return s, err
		}
		ds.log.Debug("a device fell silent; small packets are tried", "address", l.host, "error", err)
		ds.narrow.Store(l.host, ds.now())
		if ctx.Err() != nil {
			return s, err // the next search does
		}
	}
}
