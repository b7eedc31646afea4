//go:build !linux

package vphone

import "net"

// stuff does nothing here: connections to a phone that sleeps are made, and
// nothing comes of them.
func stuff(*net.TCPListener) (undo func()) { return func() {} }
