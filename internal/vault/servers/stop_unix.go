//go:build unix

package servers

import "syscall"

// stop makes a process stand still until goOn.
func stop(pid int) error { return syscall.Kill(pid, syscall.SIGSTOP) }

func goOn(pid int) error { return syscall.Kill(pid, syscall.SIGCONT) }
