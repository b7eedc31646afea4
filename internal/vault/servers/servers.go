// Package servers starts real servers for the tests of the vault: versitygw for
// S3, OpenSSH and rclone for SFTP, rclone for WebDAV. conformance/install-servers
// installs them. One that is missing skips the test, unless RUSSET_CLIENTS is
// "require": then it fails.
//
// Each stands behind a door of ours, so that it can be killed at a chosen byte
// of an upload and come back at the same address.
package servers

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"russet/internal/secrets"
	"russet/internal/vault/backend"
)

// startTime is how long a server may take to answer, on a busy machine.
const startTime = 60 * time.Second

// Server is a server that runs until the test ends.
type Server struct {
	Location    backend.Location    // an empty place for a vault; for S3 an empty bucket
	Credentials backend.Credentials // that open it
	Data        string              // the folder on this computer in which the server keeps that place

	t       testing.TB
	command func(port string) *exec.Cmd
	door    *door

	mu      sync.Mutex
	process *exec.Cmd
	gone    chan struct{} // closed when the process has ended
	output  output
}

// output is what the processes of a server say. Children that outlive one of them
// still write while the next has begun.
type output struct {
	mu   sync.Mutex
	said []byte
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said = append(o.said, p...)
	return len(p), nil
}

// tail is the end of it.
func (o *output) tail() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.said[max(0, len(o.said)-8000):])
}

// run starts the server for the first time, behind a door, and gives the
// address of the door.
func (s *Server) run(t testing.TB, command func(port string) *exec.Cmd) (host string, port int) {
	t.Helper()
	s.t, s.command = t, command
	s.door = openDoor(t)
	t.Cleanup(func() {
		s.Kill()
		s.door.close()
		if t.Failed() {
			t.Logf("the server said:\n%s", s.output.tail())
		}
	})
	s.Start()
	a, _ := s.door.listener.Addr().(*net.TCPAddr)
	return "127.0.0.1", a.Port
}

// Start starts the server again after Kill, at the same address.
func (s *Server) Start() {
	s.t.Helper()
	port := freePort(s.t)
	cmd := s.command(port)
	s.mu.Lock()
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	// A child that outlives the server must not keep us waiting.
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Start()
	s.process, s.gone = cmd, make(chan struct{})
	gone := s.gone
	s.mu.Unlock()
	if err != nil {
		s.t.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		_ = cmd.Wait()
		close(gone)
	}()
	address := net.JoinHostPort("127.0.0.1", port)
	for deadline := time.Now().Add(startTime); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		select {
		case <-gone:
			s.t.Fatalf("%s ended at once:\n%s", cmd.Path, s.output.tail())
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not answer", cmd.Path)
		}
	}
	s.door.lead(address)
}

// Kill ends the server as a power cut would, and its connections.
func (s *Server) Kill() {
	s.mu.Lock()
	process, gone := s.process, s.gone
	s.mu.Unlock()
	if process == nil || process.Process == nil {
		return
	}
	_ = process.Process.Kill()
	s.door.lead("")
	<-gone
}

// Hang stops the server without ending it, with the processes that serve its
// connections: connections are taken, and nothing is ever answered. WakeUp ends
// that, and Kill does.
func (s *Server) Hang() { s.signal(stop) }

// WakeUp ends a Hang: what was asked meanwhile is answered.
func (s *Server) WakeUp() { s.signal(goOn) }

// Slow limits what each connection brings from the server, in bytes per second.
func (s *Server) Slow(rate int64) { s.door.slow(rate) }

// HangConnections stops the processes that serve connections, and no others: who
// connects anew is served.
func (s *Server) HangConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, child := range below(s.process.Process.Pid) {
		must(s.t, stop(child))
	}
}

// HangAfter stops the server as soon as n more bytes have gone to it. The
// channel is closed when it stands still.
func (s *Server) HangAfter(n int64) <-chan struct{} {
	still := make(chan struct{})
	s.door.after(n, false, func() {
		s.Hang()
		close(still)
	})
	return still
}

func (s *Server) signal(send func(pid int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.t, send(s.process.Process.Pid))
	for _, child := range below(s.process.Process.Pid) {
		_ = send(child) // it may have ended
	}
}

// below lists the processes that descend from one, where the system tells.
func below(pid int) []int {
	var all []int
	for from := []int{pid}; len(from) > 0; from = from[1:] {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", from[0]))
		for _, task := range tasks {
			data, _ := os.ReadFile(task)
			for _, field := range strings.Fields(string(data)) {
				if child, err := strconv.Atoi(field); err == nil {
					all, from = append(all, child), append(from, child)
				}
			}
		}
	}
	return all
}

// KillAfter kills the server as soon as n more bytes have gone to it. The
// channel is closed when it is dead.
func (s *Server) KillAfter(n int64) <-chan struct{} {
	dead := make(chan struct{})
	s.door.after(n, true, func() {
		s.Kill()
		close(dead)
	})
	return dead
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// program finds a program that conformance/install-servers installs.
func program(t testing.TB, name string) string {
	t.Helper()
	for _, file := range []string{filepath.Join(moduleRoot(t), ".cache", "bin", name), filepath.Join("/usr/sbin", name)} {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	file, err := exec.LookPath(name)
	if err == nil {
		return file
	}
	if os.Getenv("RUSSET_CLIENTS") == "require" {
		t.Fatalf("%s is required (RUSSET_CLIENTS=require) and not installed: run ./conformance/install-servers", name)
	}
	t.Skipf("%s is not installed: ./conformance/install-servers does it", name)
	return ""
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above this test")
		}
		dir = parent
	}
}

func secret() secrets.Secret { return secrets.Secret(rand.Text()) }
