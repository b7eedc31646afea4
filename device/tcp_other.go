//go:build !linux

package device

import (
	"net"
	"time"
)

// setUserTimeout does nothing: only Linux has this setting in a form worth
// using; elsewhere the system's own limit, minutes long, holds.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }
