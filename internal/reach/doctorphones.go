package reach

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/device/mobilebackup2"
	"russet/device/usbmux"
	"russet/internal/doctor"
)

// muxLimit bounds how long usbmuxd may take to list what it has; it does so at
// once.
const muxLimit = 10 * time.Second

// noMux is the address of no usbmuxd.
func (ds *Devices) noMux() string { return "UNIX:" + filepath.Join(ds.home.Dir, "no", "usbmuxd") }

// readMux asks usbmuxd whether it is there, and for the cable alone.
func (ds *Devices) readMux(ctx context.Context) doctor.Mux {
	m := doctor.Mux{Addr: cmp.Or(ds.mux, usbmux.DefaultAddr()), Chosen: ds.mux != ""}
	asking, cancel := context.WithTimeout(ctx, muxLimit)
	defer cancel()
	links, err := ds.usbmux().Devices(asking)
	m.State = muxState(err)
	switch {
	case m.State == doctor.MuxForbidden:
		m.Group = groupOf(m.Addr)
	case err != nil:
		m.Why = err.Error()
	}
	for _, l := range links {
		if l.Connection == usbmux.USB {
			m.Devices = append(m.Devices, russet.UDID(l.UDID))
		}
	}
	return m
}

func muxState(err error) doctor.MuxState {
	switch {
	case err == nil:
		return doctor.MuxAnswers
	case errors.Is(err, fs.ErrPermission):
		return doctor.MuxForbidden
	case errors.Is(err, usbmux.ErrNoDaemon) && isRefusedSocket(err):
		return doctor.MuxStale
	case errors.Is(err, usbmux.ErrNoDaemon):
		return doctor.MuxAbsent
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return doctor.MuxSilent
	default:
		return doctor.MuxStrange
	}
}

// isRefusedSocket reports whether a socket is there on which nobody listens.
func isRefusedSocket(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Net == "unix" && errors.Is(op, syscall.ECONNREFUSED)
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// groupOf names the group that may use a socket; "" if none does.
func groupOf(addr string) string {
	network, path, err := usbmux.ParseAddr(addr)
	if err != nil || network != "unix" {
		return ""
	}
	gid, ok := doctor.SharedGroup(path)
	if !ok {
		return ""
	}
	g, err := user.LookupGroupId(strconv.Itoa(gid))
	if err != nil {
		return ""
	}
	return g.Name
}

// readPhones puts together what was seen and what was seen before.
func (ds *Devices) readPhones(ctx context.Context, sv survey) []doctor.Phone {
	b := phoneBook{}
	for _, s := range sv.seen {
		if s.err == nil || s.Connection != overNetwork || answered(s.err) {
			*b.phone(s.UDID) = ds.readSighting(ctx, s)
		}
	}
	before, err := ds.remembers()
	if err != nil {
		ds.log.Warn("what was connected before is not known", "error", err)
	}
	for udid, was := range before {
		b.phone(udid).remember(was)
	}
	for _, t := range sv.tries {
		if len(t.who) == 1 && t.clue < byNothing {
			b.phone(t.who[0].udid).try(t)
		}
	}
	return b.list()
}

func (ds *Devices) readSighting(ctx context.Context, s Sighting) page {
	p := doctor.Phone{Device: s.Device, Here: true, State: doctor.PhoneReady}
	if p.Running = ds.home.Locked(deviceLock(s.UDID)); p.Running {
		return page{p} // it is left alone
	}
	if s.err != nil {
		p.State, p.Why = phoneState(s), plainDeviceError(s.err)
		if p.State == doctor.PhoneUnpaired && ds.refusedLately(s.UDID) {
			p.State = doctor.PhoneRefused
		}
		return page{p}
	}
	p.Met = ds.now()
	if err := ds.opens(ctx, s); err != nil {
		p.State, p.Why = phoneState(Sighting{Device: s.Device, err: err}), plainDeviceError(err)
	}
	if _, err := ds.usbmux().ReadPairRecord(ctx, string(s.UDID)); errors.Is(err, fs.ErrNotExist) {
		p.Record = doctor.RecordOurs
	}
	return page{p}
}

// opens tries whether a device starts the service of backups, and hangs up
// again. That a device was not unlocked since it was switched on shows only
// there (protocol.md, section 6).
func (ds *Devices) opens(ctx context.Context, s Sighting) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	dev, err := device.Connect(ctx, s.way, s.record, ds.deviceOptions(s.Connection))
	if err != nil {
		return err
	}
	defer ds.goodbye(dev)
	conn, err := dev.Dial(ctx, mobilebackup2.Service, device.ServiceOptions{Escrow: true})
	if err != nil {
		return err
	}
	return conn.Close()
}

// phoneState sorts what keeps a device from a session.
func phoneState(s Sighting) doctor.PhoneState {
	switch {
	case errors.Is(s.err, device.ErrRestoreMode):
		return doctor.PhoneRestore
	case errors.Is(s.err, fs.ErrNotExist) && s.Locked:
		return doctor.PhoneLocked
	case errors.Is(s.err, fs.ErrNotExist):
		return doctor.PhoneUnpaired
	case s.unread:
		return doctor.PhoneUnreadable
	case errors.Is(s.err, lockdown.UserDeniedPairing):
		return doctor.PhoneRefused
	case errors.Is(s.err, lockdown.ErrImpostor):
		return doctor.PhoneOther
	case errors.Is(s.err, lockdown.ErrUntrusted), errors.Is(s.err, lockdown.InvalidHostID), errors.Is(s.err, lockdown.InvalidPairRecord):
		return doctor.PhoneForgotten
	case errors.Is(s.err, lockdown.PasswordProtected), errors.Is(s.err, lockdown.MissingValue):
		return doctor.PhoneFresh
	case errors.Is(s.err, lockdown.EscrowLocked):
		return doctor.PhoneSealed
	case errors.Is(s.err, lockdown.ServiceLimit):
		return doctor.PhoneCrowded
	case errors.Is(s.err, lockdown.MCProtected), errors.Is(s.err, lockdown.MCChallengeRequired):
		return doctor.PhoneManaged
	default:
		return doctor.PhoneSilent
	}
}

// plainDeviceError says why a device does not answer, without the protocol's
// words where others will do.
func plainDeviceError(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "nothing came for " + probeLimit.String()
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, usbmux.ErrRefused):
		return "it takes no calls"
	case errors.Is(err, usbmux.ErrBadDevice), lockdown.Dropped(err):
		return "it hung up"
	default:
		return err.Error()
	}
}
