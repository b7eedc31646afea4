// Package mobilebackup2 asks a device to back itself up, to restore itself, or
// to change its backup password.
//
// A [Client] is one conversation with the service com.apple.mobilebackup2. A
// command starts with one message of ours and ends with one of the device;
// between them the device is in charge and the host serves it files, see
// package devicelink.
//
// The commands Info, List, Unback and Extract are left out on purpose: since
// iOS 10 they look for a file that no longer exists (libimobiledevice #422,
// #1224, #1469, #1684).
package mobilebackup2

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"time"

	"russet/device/devicelink"
	"russet/internal/plist"
)

// Service is the name under which lockdownd starts the service. Hosts give it
// the escrow bag, so that it works while the screen is locked.
const Service = "com.apple.mobilebackup2"

// helloLimit bounds the answer to Hello, which needs no person.
const helloLimit = 2 * time.Minute

// Client is one conversation. One goroutine uses it; Traffic may be called
// from others.
type Client struct {
	link *devicelink.Conn
}

// NewClient greets the service at the other end of conn and agrees on a
// version. It owns conn, and closes it when it fails. A refusal at the very
// start is a *devicelink.HandshakeError.
func NewClient(ctx context.Context, conn net.Conn, log *slog.Logger) (*Client, error) {
	c := &Client{link: devicelink.NewConn(conn, log)}
	err := c.link.Handshake(ctx)
	if err == nil {
		err = c.hello(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) hello(ctx context.Context) error {
	err := c.link.Send(ctx, plist.Dict{
		"MessageName":               "Hello",
		"SupportedProtocolVersions": []any{2.0, 2.1},
	})
	if err != nil {
		return err
	}
	answer, err := c.link.Receive(ctx, helloLimit)
	if err != nil {
		return err
	}
	if err := response(answer); err != nil {
		return err
	}
	if v := answer.Float("ProtocolVersion"); v < 2 || v >= 3 {
		return &devicelink.ProtocolError{What: fmt.Sprintf("version %v of its backup protocol", v)}
	}
	return nil
}

// BackupRequest asks for a backup of the device.
type BackupRequest struct {
	Target string // the device's own UDID
}

// Backup asks the device to back itself up into svc.Files and serves it until
// it is done. That it says 0 is not yet a success: devices have said so
// without sending anything. The caller looks at Status.plist.
//
// There is no option for a full backup: no device is known to read
// ForceFullBackup. What works is that it finds no Status.plist.
func (c *Client) Backup(ctx context.Context, req BackupRequest, svc devicelink.Service) error {
	return c.run(ctx, svc, plist.Dict{
		"MessageName":      "Backup",
		"TargetIdentifier": req.Target,
	})
}

// RestoreRequest asks for a restore. Every switch is sent: what a device takes
// an absent one for differs from what hosts believe.
type RestoreRequest struct {
	Target string // the device's own UDID
	Source string // the UDID of the backup, which is the name of its folder

	SystemFiles       bool   // system domains and settings too
	PreserveSettings  bool   // keep the device's present settings
	RemoveNotRestored bool   // remove what the backup does not hold
	Reboot            bool   // restart at the end
	Password          string // of an encrypted backup
}

// Restore asks the device to restore itself from svc.Files. The device is told
// not to copy its own backup on the host first.
//
// A device that restarts drops the connection at once, sometimes with its
// answer on the way.
func (c *Client) Restore(ctx context.Context, req RestoreRequest, svc devicelink.Service) error {
	options := plist.Dict{
		"RestoreSystemFiles":      req.SystemFiles,
		"RestorePreserveSettings": req.PreserveSettings,
		"RemoveItemsNotRestored":  req.RemoveNotRestored,
		"RestoreShouldReboot":     req.Reboot,
		"RestoreDontCopyBackup":   true,
	}
	if req.Password != "" {
		options["Password"] = req.Password
	}
	return c.run(ctx, svc, plist.Dict{
		"MessageName":      "Restore",
		"TargetIdentifier": req.Target,
		"SourceIdentifier": req.Source,
		"Options":          options,
	})
}

// ChangePasswordRequest sets the backup password of a device: only New switches
// encryption on, both change it, only Old switches it off.
type ChangePasswordRequest struct {
	Target   string // the device's own UDID
	Old, New string
}

// ChangePassword changes the backup password. The device asks for its passcode
// on its screen and is waited for as long as at the start of a backup.
func (c *Client) ChangePassword(ctx context.Context, req ChangePasswordRequest) error {
	msg := plist.Dict{"MessageName": "ChangePassword", "TargetIdentifier": req.Target}
	if req.Old != "" {
		msg["OldPassword"] = req.Old
	}
	if req.New != "" {
		msg["NewPassword"] = req.New
	}
	// No folder is allowed, so that no name ever arrives at the nil fs.FS.
	nothing := devicelink.ReadOnly(nil, "", func() (int64, error) { return 0, errors.ErrUnsupported })
	return c.run(ctx, devicelink.Service{Files: nothing}, msg)
}

func (c *Client) run(ctx context.Context, svc devicelink.Service, msg plist.Dict) error {
	if err := c.link.Send(ctx, msg); err != nil {
		return err
	}
	answer, err := c.link.Serve(ctx, svc)
	if err != nil {
		return err
	}
	return response(answer)
}

// Traffic is what has passed so far; any goroutine may ask.
func (c *Client) Traffic() devicelink.Traffic { return c.link.Traffic() }

// Close says goodbye and closes the connection. Before the end of a command it
// is how that is cancelled: the protocol has no message for it, and the device
// cleans up by itself.
func (c *Client) Close() { c.link.Disconnect() }

// response reads the device's last word: nil for success, else an *Error.
func response(d plist.Dict) error {
	if name := d.String("MessageName"); name != "Response" {
		return &devicelink.ProtocolError{What: fmt.Sprintf("%q instead of an answer", name)}
	}
	code, ok := errorCode(d["ErrorCode"])
	switch {
	case !ok:
		return &devicelink.ProtocolError{What: "an answer without a code"}
	case code == 0:
		return nil
	}
	return &Error{Code: code, Text: d.String("ErrorDescription")}
}

// errorCode reads a code. Devices send an integer; a whole number of another
// type says the same, whoever encoded it.
func errorCode(v any) (Code, bool) {
	switch v := v.(type) {
	case int64:
		return Code(v), true
	case uint64:
		return Code(int64(v)), true
	case float64:
		return Code(int64(v)), v == math.Trunc(v) && math.Abs(v) <= 1<<53
	}
	return 0, false
}
