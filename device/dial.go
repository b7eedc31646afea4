package device

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"russet/device/lockdown"
)

const (
	// dialLimit bounds the opening of one connection to the device.
	dialLimit = 30 * time.Second
	// closeLimit bounds the farewell to a device that may be gone.
	closeLimit = 2 * time.Second
	// readBuffer is what one system call may bring in: more than a Unix socket
	// holds. TLS by itself reads a record of 16 KiB in two small pieces, which
	// on one core takes twice the time (BenchmarkDial: 0.6–0.9 against 1.5 GB/s).
	readBuffer = 256 << 10
)

// ServiceOptions are for [Device.Dial]; the zero value will do.
type ServiceOptions struct {
	// Escrow sends the escrow bag of the pair record along, which opens the data
	// of a device whose screen is locked. Backup and restore need it.
	Escrow bool
}

// Dial starts a service and connects to it, encrypted when the device asks for
// that. The connection is independent of the session: it honours deadlines,
// reads ahead, and lives until it is closed.
//
// A refusal is a [lockdown.Error].
func (dev *Device) Dial(ctx context.Context, service string, opts ServiceOptions) (net.Conn, error) {
	var escrowBag []byte
	if opts.Escrow {
		// A record without one came from another computer; an unlocked device
		// may start the service all the same.
		escrowBag = dev.record.EscrowBag
	}
	var started lockdown.Service
	err := dev.request(ctx, func(c *lockdown.Client) (err error) {
		started, err = c.StartService(ctx, service, escrowBag)
		return err
	})
	if err != nil {
		return nil, err
	}
	conn, err := dialPort(ctx, dev.dialer, started.Port)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", service, err)
	}
	var buffered net.Conn = bufferedConn{conn, bufio.NewReaderSize(conn, readBuffer)}
	if !started.TLS {
		return buffered, nil
	}
	secure, err := lockdown.Handshake(ctx, buffered, dev.record, dev.opts.legacy(dev.info))
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("connect to %s: %w", service, err)
	}
	return secure, nil
}

// dialPort opens a connection that notices a dead link, but no sooner than a
// slow device deserves.
func dialPort(ctx context.Context, d Dialer, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	conn, err := d.DialPort(ctx, port)
	if err != nil {
		return nil, err
	}
	if tcp, ok := tcpOf(conn); ok {
		if err := patient(tcp); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("set up the connection: %w", err)
		}
	}
	return conn, nil
}

// bufferedConn reads ahead in large pieces.
type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c bufferedConn) Read(p []byte) (int, error) { return c.r.Read(p) }
