package usbmux

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"russet/internal/plist"
)

// ReadPairRecord returns the pair record of a device as the daemon keeps it
// (lockdown.ParsePairRecord reads it). A device this computer is not paired with
// is fs.ErrNotExist. What it returns opens everything on the device: it must
// not be shown or logged.
func (c *Client) ReadPairRecord(ctx context.Context, udid string) ([]byte, error) {
	answer, err := c.call(ctx, "ReadPairRecord", plist.Dict{"PairRecordID": udid})
	if err != nil {
		return nil, err
	}
	data := answer.Data("PairRecordData")
	if data == nil {
		return nil, errors.New("usbmuxd ReadPairRecord: the answer has none")
	}
	return data, nil
}

// SavePairRecord stores a pair record and reads it back: daemons were seen to
// report success without having stored anything, and a pairing whose record is
// lost must be made again at the device. [ErrNotSaved] says so. A device that
// is not attached has no ID; only its UDID is needed.
func (c *Client) SavePairRecord(ctx context.Context, d *Device, record []byte) error {
	fields := plist.Dict{"PairRecordID": d.UDID, "PairRecordData": record}
	if d.ID != 0 {
		fields["DeviceID"] = d.ID
	}
	err := c.callCommand(ctx, "SavePairRecord", fields)
	if err != nil {
		return err
	}
	kept, err := c.ReadPairRecord(ctx, d.UDID)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSaved, err)
	}
	if !sameRecord(kept, record) {
		return fmt.Errorf("%w: it holds another one", ErrNotSaved)
	}
	return nil
}

// sameRecord compares what makes a session: a daemon may store a record in
// another encoding, or add keys of its own.
func sameRecord(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, err := plist.ParseDict(a)
	if err != nil {
		return false
	}
	y, err := plist.ParseDict(b)
	if err != nil {
		return false
	}
	return x.String("HostID") == y.String("HostID") && x.String("HostID") != "" &&
		bytes.Equal(x.Data("HostPrivateKey"), y.Data("HostPrivateKey"))
}

// DeletePairRecord makes the daemon forget a pairing. One it does not have is
// fs.ErrNotExist.
func (c *Client) DeletePairRecord(ctx context.Context, udid string) error {
	return c.callCommand(ctx, "DeletePairRecord", plist.Dict{"PairRecordID": udid})
}
