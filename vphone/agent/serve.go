package agent

import (
	"context"
	"net"
)

// Serve speaks mobilebackup2 on one connection, whose TLS is already in place,
// until either side ends it. It closes the connection.
func Serve(ctx context.Context, conn net.Conn, p Phone) error {
	return conn.Close()
}
