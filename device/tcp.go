package device

import (
	"net"
	"time"
)

// A radio hole of ten seconds was seen to pass on its own, and the transfer to
// go on. A link is given up after two minutes without any sign of life from the
// other TCP; the device itself may be silent far longer.
const (
	keepAliveIdle     = 30 * time.Second
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 6
	linkTimeout       = keepAliveIdle + keepAliveCount*keepAliveInterval
)

// patient sets the keep-alive of a connection to a device or to a usbmuxd that
// is reached over TCP.
func patient(conn *net.TCPConn) error {
	err := conn.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount,
	})
	if err != nil {
		return err
	}
	return setUserTimeout(conn, linkTimeout)
}
