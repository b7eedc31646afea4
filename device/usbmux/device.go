package usbmux

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"

	"russet/internal/plist"
)

// The ways a device can be connected, in Apple's words.
const (
	USB     = "USB"
	Network = "Network"
)

// Device is one connection of a device to the computer usbmuxd runs on.
type Device struct {
	// ID is the daemon's number for this connection. It changes whenever the
	// device is plugged in, so it is nothing to store.
	ID         uint64
	UDID       string // 40 hexadecimal digits, or 25 characters with a dash
	Connection string // [USB] or [Network]
	// Addr is the address of a device on the network, if the daemon tells it.
	// usbmuxd reaches such devices by itself; DialPort works on both kinds.
	Addr netip.Addr

	client *Client
}

// DialPort connects to a TCP port of the device. [ErrRefused] means that
// nothing listens there, [ErrBadDevice] that the device has gone.
func (d *Device) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	return d.client.connect(ctx, d.ID, port)
}

// PairRecord reads what this computer and the device agreed upon when they were
// paired; see [Client.ReadPairRecord].
func (d *Device) PairRecord(ctx context.Context) ([]byte, error) {
	return d.client.ReadPairRecord(ctx, d.UDID)
}

// device reads one Attached message.
func (c *Client) device(msg plist.Dict) (*Device, bool) {
	props := msg.Dict("Properties")
	dev := &Device{
		ID:         msg.Uint("DeviceID"),
		UDID:       dashed(props.String("SerialNumber")),
		Connection: props.String("ConnectionType"),
		Addr:       parseSockaddr(props.Data("NetworkAddress")),
		client:     c,
	}
	if dev.Connection == "" {
		dev.Connection = USB // daemons of old did not say
	}
	return dev, dev.ID != 0 && dev.UDID != ""
}

// Address families in a sockaddr.
const (
	familyIPv4      = 2
	familyIPv6BSD   = 30
	familyIPv6Linux = 10
)

// parseSockaddr reads a socket address in the two forms daemons send: that of
// BSD, length and family in a byte each, which Apple and clients before 2023
// use, and that of Linux, the family in two bytes. What is neither gives the
// zero Addr.
func parseSockaddr(b []byte) netip.Addr {
	if len(b) < 16 {
		return netip.Addr{}
	}
	family := int(b[1]) // BSD
	if family == 0 {
		family = int(b[0]) // Linux, little-endian
	}
	switch family {
	case familyIPv4:
		return netip.AddrFrom4([4]byte(b[4:8]))
	case familyIPv6BSD, familyIPv6Linux:
		return parseIPv6(b)
	default:
		return netip.Addr{}
	}
}

// parseIPv6 reads the address at 8 and the interface's number at 24.
func parseIPv6(b []byte) netip.Addr {
	if len(b) < 28 {
		return netip.Addr{}
	}
	addr := netip.AddrFrom16([16]byte(b[8:24]))
	if n := binary.LittleEndian.Uint32(b[24:28]); n != 0 && addr.IsLinkLocalUnicast() {
		if i, err := net.InterfaceByIndex(int(n)); err == nil {
			return addr.WithZone(i.Name)
		}
	}
	return addr
}
