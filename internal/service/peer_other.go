//go:build !linux && !darwin && !freebsd

package service

import "net"

// peer: this system does not tell.
func peer(net.Conn) (uid int, known bool, err error) { return 0, false, nil }
