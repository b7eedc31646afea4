package reach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"russet"
	"russet/device"
	"russet/device/lockdown"
)

// knock asks what answers at an address whether it is one of those it may be.
// It is, if it has the key that the device had when it was paired, and says
// inside the session that it has the device's identifier. heard is set when it
// has answered.
func (ds *Devices) knock(ctx context.Context, l lead, heard *atomic.Bool) result {
	limit := slowLimit
	if l.clue >= byNothing {
		limit = strangerLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	way := device.Network{Host: l.host}
	if l.clue == byTags {
		who, err := ds.askWho(ctx, way, l)
		switch {
		case err == nil:
			l = who
		case errors.Is(err, errUntold) && ds.misses.mayTry(l.host, byNothing): // then its tags prove nothing to us
			l.clue, l.tagged, l.who = byNothing, true, l.who[:min(len(l.who), perDoor)]
		default:
			return result{lead: l, err: errOther}
		}
	}
	err := error(nil)
	for _, w := range l.who {
		for _, record := range w.records {
			var s Sighting
			s, err = ds.probeAt(ctx, l, w.udid, record, heard)
			if err == nil || s.Paired {
				ds.saw(ctx, s, l.instance)
				return result{lead: l, s: s}
			}
			if !answered(err) {
				return result{lead: l, err: err}
			}
		}
	}
	switch {
	case !refused(err):
	case l.clue == byNothing:
		if who, askErr := ds.askWho(ctx, way, l); askErr == nil {
			return result{lead: who, err: itself{who.who[0].udid, err}}
		}
	case len(l.who) == 1:
		err = ds.whoRefused(ctx, way, l.who[0].udid, err)
	}
	return result{lead: l, err: err}
}

// whoRefused asks who does not know us at an address where a device was looked
// for: it may be another phone that has the address now.
func (ds *Devices) whoRefused(ctx context.Context, way device.Dialer, udid russet.UDID, err error) error {
	info, askErr := device.Identify(ctx, way, ds.deviceOptions(overNetwork))
	switch got := russet.UDID(info.UDID); {
	case askErr != nil || got == "":
		return err
	case got != udid:
		return fmt.Errorf("%w: it is another device, %q", errOther, got)
	default:
		return itself{udid, err}
	}
}

// itself is why a device does not want us that says, without a session, that it
// is the one that is looked for. It proves nothing.
type itself struct {
	udid russet.UDID
	error
}

// Unwrap gives the device's answer.
func (e itself) Unwrap() error { return e.error }

// askWho asks who is there, and tells it nothing of us. A phone that has
// forgotten this computer may announce nothing by which it could be known, at an
// address where it never was. It is errOther when it is none of those the lead
// may be, and errUntold when it keeps that to itself.
func (ds *Devices) askWho(ctx context.Context, way device.Dialer, l lead) (who lead, err error) {
	info, err := device.Identify(ctx, impatient{way, l.patience, new(atomic.Bool)}, ds.deviceOptions(overNetwork))
	switch {
	case errors.As(err, new(*lockdown.Error)), err == nil && info.UDID == "":
		return l, errUntold
	case err != nil:
		return l, err
	}
	i := slices.IndexFunc(l.who, func(w *wanted) bool { return w.udid == russet.UDID(info.UDID) })
	if i < 0 {
		return l, errOther
	}
	l.clue, l.who = byWord, l.who[i:i+1]
	return l, nil
}

// errUntold is a device that does not say who it is.
var errUntold = errors.New("it does not say who it is")

// errOther is another device at an address, which does not know us.
var errOther = errors.New("it does not know this computer")

// answered reports whether a lockdownd was there and did not want this record,
// so that another may be tried.
func answered(err error) bool {
	return errors.As(err, new(*lockdown.Error)) || errors.Is(err, lockdown.ErrUntrusted) || errors.Is(err, lockdown.ErrImpostor)
}
