package reach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/internal/plist"
	"russet/mobilesync"
)

// probeLimit bounds how long one device may take to say who it is.
const probeLimit = 20 * time.Second

// The ways to a device, as russet.Device has them in Connection.
const (
	overCable   = "usb"
	overNetwork = "network"
)

// probe asks one device that usbmuxd names who it is, in a session if there is
// a pair record.
func (ds *Devices) probe(ctx context.Context, udid russet.UDID, connection string, way device.Dialer) Sighting {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	s := Sighting{way: way, Device: russet.Device{UDID: udid, Connection: connection, Battery: -1}}
	records, err := ds.pairRecords(ctx, udid)
	s.unread = len(records) == 0 && !errors.Is(err, fs.ErrNotExist)
	if len(records) > 0 {
		err = ds.probeWith(ctx, &s, records)
	}
	s.err = err
	if err != nil {
		ds.log.Debug("device without a session", "udid", udid, "error", err)
		s.Problem, s.Untrusted = problem(err), errors.Is(err, fs.ErrNotExist) || forgotten(err)
		if len(records) > 0 && connection == overNetwork {
			s.Problem, s.Untrusted = networkProblem(err), refused(err)
		}
		if info, err := device.Identify(ctx, way, ds.deviceOptions(connection)); err == nil {
			s.fill(info)
		}
	}
	s.Name = cmp.Or(s.Name, string(s.UDID))
	ds.saw(ctx, s, "")
	return s
}

// probeWith asks a device in a session with the first of the records that it
// takes. The error is the one that says most: a record that the device forgot
// says nothing of the others.
func (ds *Devices) probeWith(ctx context.Context, s *Sighting, records []*lockdown.PairRecord) (err error) {
	for _, record := range records {
		e := ds.probeInSession(ctx, s, record)
		if e == nil || s.Paired {
			return e
		}
		if err == nil || forgotten(err) {
			err = e
		}
		if !answered(e) {
			return err
		}
	}
	return err
}

// probeInSession fills in what only a device that trusts this computer tells.
// That it is the device meant is known only inside the session.
func (ds *Devices) probeInSession(ctx context.Context, s *Sighting, record *lockdown.PairRecord) error {
	dev, err := device.Connect(ctx, s.way, record, ds.deviceOptions(s.Connection))
	if err != nil {
		return err
	}
	defer ds.goodbye(dev)
	if got := russet.UDID(dev.Info().UDID); s.Connection == overNetwork && got != s.UDID {
		return fmt.Errorf("it is another device, %q: %w", got, lockdown.ErrImpostor)
	}
	s.fill(dev.Info())
	s.Paired, s.record = true, record
	s.fillPower(optional(ctx, dev, "com.apple.mobile.battery"))
	s.fillWireless(optional(ctx, dev, wirelessDomain))
	s.Encrypted, err = willEncrypt(ctx, dev)
	s.EncryptedUnknown = err != nil
	return err
}

// willEncrypt asks whether a backup password is set. A device that never had
// one has no such value.
func willEncrypt(ctx context.Context, dev *device.Device) (bool, error) {
	v, err := dev.Value(ctx, "com.apple.mobile.backup", "WillEncrypt")
	if errors.Is(err, lockdown.MissingValue) {
		return false, nil
	}
	on, _ := v.(bool)
	return on, err
}

// optional reads a domain that not every device has or tells of; then it is
// empty.
func optional(ctx context.Context, dev *device.Device, domain string) plist.Dict {
	values, err := dev.Values(ctx, domain)
	if err != nil {
		return plist.Dict{}
	}
	return values
}

func (s *Sighting) fill(info device.Info) {
	s.Name, s.Class, s.ProductType = info.Name, info.Class, info.ProductType
	s.Product = mobilesync.ProductName(info.ProductType)
	s.IOS, s.Build, s.Locked = info.ProductVersion, info.BuildVersion, info.Locked
}

// fillPower reads com.apple.mobile.battery. A device on the cable is on power
// even if it does not say so; which of two names a full battery goes by
// differs.
func (s *Sighting) fillPower(v plist.Dict) {
	s.Battery = -1
	if v.Has("BatteryCurrentCapacity") {
		s.Battery = int(min(max(v.Int("BatteryCurrentCapacity"), 0), 100))
	}
	switch {
	case v.Has("ExternalConnected"):
		s.Power = v.Bool("ExternalConnected")
	default:
		full := v.Bool("FullyCharged") || v.Bool("BatteryIsFullyCharged")
		s.Power = v.Bool("BatteryIsCharging") || full || s.Connection == overCable
	}
}

// fillWireless reads com.apple.mobile.wireless_lockdown. A device that is
// reached over the network has its Wi-Fi access on.
func (s *Sighting) fillWireless(v plist.Dict) {
	s.WiFi = v.Bool(wirelessKey) || s.Connection == overNetwork
	s.service = v.String("BonjourFullServiceName")
}

// deviceOptions are those of every conversation with a device. What a device
// says of its age before a session is believed on a cable only.
func (ds *Devices) deviceOptions(connection string) device.Options {
	return device.Options{Log: ds.log, Modern: connection == overNetwork}
}

// secondTry is how long after a failed session with a device that was seen just
// now another is tried.
const secondTry = time.Second

// Session opens a session with a device that was seen. One on the network that had
// a session with us a moment ago and hangs up now is asked once more. end must be
// called. The error is one for people.
func (ds *Devices) Session(ctx context.Context, s Sighting, doing string) (dev *device.Device, end func(), err error) {
	record, err := ds.pairRecord(ctx, s)
	if err != nil {
		return nil, nil, ds.deviceError(err, s.Device, doing)
	}
	dev, err = device.Connect(ctx, s.way, record, ds.deviceOptions(s.Connection))
	if err != nil && s.Connection == overNetwork && (lockdown.Dropped(err) || errors.Is(err, syscall.ECONNREFUSED)) {
		ds.log.Debug("the session is tried again", "udid", s.UDID, "error", err)
		select {
		case <-time.After(secondTry):
			dev, err = device.Connect(ctx, s.way, record, ds.deviceOptions(s.Connection))
		case <-ctx.Done():
		}
	}
	if err != nil {
		return nil, nil, ds.deviceError(err, s.Device, doing)
	}
	return dev, func() { ds.goodbye(dev) }, nil
}

// goodbye ends a session. A device that has gone by then is no error.
func (ds *Devices) goodbye(dev *device.Device) {
	if err := dev.Close(); err != nil {
		ds.log.Debug("the end of a session", "error", err)
	}
}
