package vphone

import (
	"net"
	"syscall"
	"time"
)

// stuff makes the system leave new connections unanswered, as it would if the
// phone were not there: it fills the queue of those that nobody accepts. That
// is undone by what it returns. Where it does not succeed, connections are made
// and nothing comes of them.
func stuff(l *net.TCPListener) (undo func()) {
	backlog := func(n int) bool {
		raw, err := l.SyscallConn()
		if err != nil {
			return false
		}
		var listenErr error
		err = raw.Control(func(fd uintptr) { listenErr = syscall.Listen(int(fd), n) })
		return err == nil && listenErr == nil
	}
	if !backlog(0) {
		return func() {}
	}
	// One that waits is more than none.
	filler, err := net.DialTimeout("tcp", l.Addr().String(), 100*time.Millisecond)
	return func() {
		backlog(syscall.SOMAXCONN)
		if err == nil {
			filler.Close()
		}
	}
}
