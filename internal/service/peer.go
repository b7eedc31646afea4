package service

import (
	"net"
	"syscall"
)

// peer is whose process is at the other end of a local socket.
func peer(conn net.Conn) (uid int, known bool, err error) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return 0, false, nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	var askErr error
	if err := raw.Control(func(fd uintptr) { uid, known, askErr = peerOf(int(fd)) }); err != nil {
		return 0, false, err
	}
	return uid, known && askErr == nil, askErr
}
