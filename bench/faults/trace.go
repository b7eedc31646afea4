//go:build linux && amd64

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// tracer runs a program and stops it before every system call that changes a
// watched folder: whatever the program, it is the one a user gets, and the
// calls are its real ones. A filter of the kernel (seccomp) picks the calls, so
// that everything else runs at full speed.
type tracer struct {
	roots []string // watched folders
	at    int      // the change to break, from 1; 0 only counts
	what  breakage

	pid     int
	calls   map[uint64]call
	full    bool
	reached bool
	changes []string // what was about to change: the call and its folder
}

// breakage is what happens at a change.
type breakage int

const (
	killed   breakage = iota // SIGKILL before it
	fullDisk                 // ENOSPC there and for all that needs room after it
	fullOnce                 // ENOSPC there, then there is room again
)

// The stages of a stop, from linux/ptrace.h, linux/seccomp.h, linux/audit.h.
const (
	traceClone, traceSeccomp, exitKill = 0x8, 0x80, 0x100000
	eventSeccomp                       = 7
	wAll, wNoThread                    = 0x40000000, 0x20000000
	prSetSeccomp, prSetNoNewPrivs      = 22, 38
	seccompFilter                      = 2
	retTrace, retAllow                 = 0x7ff00000, 0x7fff0000
	atFDCWD                            = -100
)

// shimArg makes this program install the filter and become the rest of its
// arguments.
const shimArg = "become-traced"

// becomeTraced is the child's side of start.
func becomeTraced(args []string) error {
	runtime.LockOSThread()
	filter := []syscall.SockFilter{{Code: 0x20}} // load the number of the call
	for nr := range calls() {
		filter = append(filter,
			syscall.SockFilter{Code: 0x15, Jf: 1, K: uint32(nr)}, // is it this one?
			syscall.SockFilter{Code: 0x06, K: retTrace})
	}
	filter = append(filter, syscall.SockFilter{Code: 0x06, K: retAllow})
	prog := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		return fmt.Errorf("give up privileges: %w", e)
	}
	// Until it is traced, calls in the filter fail: nothing comes between.
	if _, _, e := syscall.RawSyscall(syscall.SYS_PTRACE, syscall.PTRACE_TRACEME, 0, 0); e != 0 {
		return fmt.Errorf("be traced: %w", e)
	}
	if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, prSetSeccomp, seccompFilter, uintptr(unsafe.Pointer(&prog))); e != 0 {
		return fmt.Errorf("install the filter: %w", e)
	}
	return syscall.Exec(args[0], args, os.Environ())
}

// run runs a command to its end, however that comes.
func (t *tracer) run(out *os.File, env []string, name string, args ...string) (syscall.WaitStatus, error) {
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	argv := append([]string{self, shimArg, name}, args...)
	pid, err := syscall.ForkExec(self, argv, &syscall.ProcAttr{
		Env: env, Files: []uintptr{0, out.Fd(), out.Fd()},
		// Its threads are waited for by their group: this thread may have started
		// other programs, which are not ours to wait for.
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, err
	}
	t.pid, t.calls = pid, calls()
	var ws syscall.WaitStatus
	if _, err := wait(pid, &ws); err != nil {
		return 0, err
	}
	if !ws.Stopped() {
		return 0, fmt.Errorf("the program to be traced did not start: status %#x", ws)
	}
	if err := syscall.PtraceSetOptions(pid, traceClone|traceSeccomp|exitKill); err != nil {
		return 0, err
	}
	return t.follow(pid)
}

func wait(pid int, ws *syscall.WaitStatus) (int, error) {
	for {
		got, err := syscall.Wait4(pid, ws, wAll|wNoThread, nil)
		if !errors.Is(err, syscall.EINTR) {
			return got, err
		}
	}
}

// follow lets all threads go on until the process has ended.
func (t *tracer) follow(tid int) (syscall.WaitStatus, error) {
	known := map[int]bool{t.pid: true}
	signal := 0
	for {
		// A thread that is gone by now was killed with its process.
		if err := syscall.PtraceCont(tid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return 0, err
		}
		var ws syscall.WaitStatus
		var err error
		for {
			if tid, err = wait(-t.pid, &ws); err != nil {
				return 0, err
			}
			if ws.Stopped() {
				break
			}
			if tid == t.pid {
				return ws, nil
			}
		}
		signal = 0
		switch sig := ws.StopSignal(); {
		case sig == syscall.SIGTRAP && ws.TrapCause() == eventSeccomp:
			if err := t.stop(tid); err != nil && !errors.Is(err, syscall.ESRCH) {
				return 0, err
			}
		case sig == syscall.SIGTRAP:
		case sig == syscall.SIGSTOP && !known[tid]: // how a new thread begins
		default:
			signal = int(sig)
		}
		known[tid] = true
	}
}

// stop looks at a call that is about to happen, and breaks it if it is the one.
func (t *tracer) stop(tid int) error {
	var regs syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(tid, &regs); err != nil {
		return err
	}
	c := t.calls[regs.Orig_rax]
	args := [6]uint64{regs.Rdi, regs.Rsi, regs.Rdx, regs.R10, regs.R8, regs.R9}
	if c.name == "create" && !creates(regs.Orig_rax, args) {
		return nil
	}
	target, err := t.target(tid, c, args)
	if err != nil || target == "" {
		return err
	}
	t.changes = append(t.changes, c.name+" "+target)
	if len(t.changes) == t.at {
		t.reached = true
		if t.what == killed {
			return syscall.Kill(t.pid, syscall.SIGKILL)
		}
		t.full = true
	}
	if !t.full || !c.room || (c.name != "write" && exists(target)) {
		return nil
	}
	if t.what == fullOnce {
		t.full = false
	} else if len(t.changes) == t.at && regs.Rdx > 1 && regs.Orig_rax == syscall.SYS_WRITE {
		regs.Rdx /= 2 // the last bytes that found room
		return syscall.PtraceSetRegs(tid, &regs)
	}
	enospc := -int64(syscall.ENOSPC)
	regs.Orig_rax, regs.Rax = ^uint64(0), uint64(enospc) // no call, this answer
	return syscall.PtraceSetRegs(tid, &regs)
}

// target is what a call would change, or "" when that is not watched.
func (t *tracer) target(tid int, c call, args [6]uint64) (string, error) {
	base := ""
	if fd := c.fd; fd >= 0 && int32(args[fd]) != atFDCWD {
		var err error
		if base, err = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(args[fd]))); err != nil {
			return "", nil //nolint:nilerr // a descriptor that is not open: the call fails by itself
		}
	}
	if c.path > 0 || c.fd < 0 {
		name, err := readString(tid, uintptr(args[c.path]))
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(base, name)
		}
		base = name
	}
	for _, root := range t.roots {
		if base == root || strings.HasPrefix(base, root+"/") {
			return base, nil
		}
	}
	return "", nil
}

// readString reads a string of the traced program's memory.
func readString(tid int, at uintptr) (string, error) {
	var s []byte
	var chunk [64]byte
	for len(s) < 4096 {
		n, err := syscall.PtracePeekData(tid, at+uintptr(len(s)), chunk[:])
		if end := bytes.IndexByte(chunk[:n], 0); end >= 0 {
			return string(append(s, chunk[:end]...)), nil
		}
		if err != nil {
			return "", err
		}
		s = append(s, chunk[:n]...)
	}
	return "", syscall.ENAMETOOLONG
}
