//go:build !linux

package device

import (
	"net"
	"syscall"
	"time"
)

// setUserTimeout does nothing: only Linux has this setting in a form worth
// using; elsewhere the system's own limit, minutes long, holds.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }

// narrow does nothing: elsewhere the setting is refused before there is a
// connection.
func narrow(string, string, syscall.RawConn) error { return nil }
