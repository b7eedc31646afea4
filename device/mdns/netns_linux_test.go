package mdns_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A node is a host with a network of its own: one thread in a network
// namespace.
type node struct {
	work chan func()
	tid  int
}

// do has f run in the network; sockets that f makes are there.
func (n *node) do(f func()) {
	done := make(chan struct{})
	n.work <- func() { defer close(done); f() }
	<-done
}

// command runs a program in the network.
func (n *node) command(t *testing.T, name string, args ...string) {
	t.Helper()
	n.do(func() {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Errorf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
}

// enter runs f on a thread of its own in the network.
func (n *node) enter(f func()) error {
	fd, err := unix.Open(n.path(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	entered := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with f
		err := unix.Setns(fd, unix.CLONE_NEWNET)
		entered <- errors.Join(err, unix.Close(fd))
		if err == nil {
			f()
		}
	}()
	return <-entered
}

func (n *node) path() string { return fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), n.tid) }

// host makes a node with no network but loopback. Where that is forbidden the
// test is skipped, unless RUSSET_CLIENTS=require.
func host(t *testing.T) *node {
	t.Helper()
	n := &node{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread()
		n.tid = unix.Gettid()
		err := unix.Unshare(unix.CLONE_NEWNET)
		ready <- err
		if err != nil {
			return
		}
		for f := range n.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		if os.Getenv("RUSSET_NAMESPACES") == "none" { // check has said so
			t.Skip(err)
		}
		missing(t, fmt.Sprintf("network namespaces are not allowed here: %v", err))
	}
	t.Cleanup(func() { close(n.work) })
	if _, err := exec.LookPath("ip"); err != nil {
		missing(t, "the program ip (package iproute2) is not installed")
	}
	n.command(t, "ip", "link", "set", "lo", "up")
	return n
}

// missing skips the test, or fails it where everything has to be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("RUSSET_CLIENTS") == "require" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// wire joins two nodes by a cable: interface "lan" of a and interface "wifi" of
// b, without addresses.
func wire(t *testing.T, a, b *node) {
	t.Helper()
	a.command(t, "ip", "link", "add", "lan", "type", "veth", "peer", "name", "wifi", "netns", b.path())
	for n, name := range map[*node]string{a: "lan", b: "wifi"} {
		n.command(t, "ip", "link", "set", name, "up")
	}
}

// address gives a node an address.
func (n *node) address(t *testing.T, iface, prefix string) {
	t.Helper()
	args := []string{"addr", "add", prefix, "dev", iface}
	if strings.Contains(prefix, ":") {
		args = append(args, "nodad")
	}
	n.command(t, "ip", args...)
}

// eventually waits until ok says so, and no longer than limit.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(start)
}
