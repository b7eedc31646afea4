package reach

import (
	"context"
	"errors"
	"fmt"
	"time"

	"russet"
	"russet/device"
	"russet/device/lockdown"
)

// wirelessLimit bounds a change of the Wi-Fi access. On the cable it was seen
// to take 56 ms; on the network a phone that switches it off is gone at once,
// and says nothing more.
const wirelessLimit = 15 * time.Second

const (
	wirelessDomain = "com.apple.mobile.wireless_lockdown"
	wirelessKey    = "EnableWifiConnections"
)

// SetWiFi switches a device's Wi-Fi access on or off: whether computers that it
// trusts find it on the network. verified says that the device confirmed it.
// One that is on the network and switches it off cannot: it leaves at once, and
// only a cable brings it back.
func (ds *Devices) SetWiFi(ctx context.Context, word string, on bool) (d russet.Device, verified bool, err error) {
	doing := map[bool]string{true: "switch Wi-Fi access on", false: "switch Wi-Fi access off"}[on]
	s, err := ds.Pick(ctx, word)
	if err != nil {
		return russet.Device{}, false, err
	}
	if !s.Paired {
		return s.Device, false, ds.Unusable(s, doing)
	}
	ctx, cancel := context.WithTimeout(ctx, wirelessLimit)
	defer cancel()
	dev, end, err := ds.Session(ctx, s, doing)
	if err != nil {
		return s.Device, false, err
	}
	defer end()
	is, err := setWireless(ctx, dev, on)
	leaves := s.Connection == overNetwork && !on
	switch {
	case err != nil && leaves && !errors.As(err, new(*lockdown.Error)):
		ds.log.Debug("the phone left the network", "error", err)
	case errors.Is(err, lockdown.SetProhibited), errors.Is(err, lockdown.MCProtected):
		return s.Device, false, &russet.Error{
			Kind: russet.Unsupported, Doing: doing, What: fmt.Sprintf("%q does not let computers change it", s.Name),
			Hint: "whoever manages the phone can", Err: err,
		}
	case err != nil:
		return s.Device, false, ds.deviceError(err, s.Device, doing)
	case is != on:
		return s.Device, false, &russet.Error{
			Kind: russet.Failed, Doing: doing, What: fmt.Sprintf("%q took the change and did not keep it", s.Name),
			Hint: "unlock it, plug it in again and repeat the command",
		}
	default:
		verified = true
	}
	s.WiFi = on
	ds.saw(ctx, s, "")
	return s.Device, verified, nil
}

// setWireless sets the switch and reads it back.
func setWireless(ctx context.Context, dev *device.Device, on bool) (is bool, err error) {
	if err := dev.SetValue(ctx, wirelessDomain, wirelessKey, on); err != nil {
		return false, err
	}
	v, err := dev.Value(ctx, wirelessDomain, wirelessKey)
	if errors.Is(err, lockdown.MissingValue) {
		return false, nil
	}
	is, _ = v.(bool)
	return is, err
}
