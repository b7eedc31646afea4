package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A lan is a network of network namespaces: a switch, and computers and
// phones that are plugged into it. Nothing of it reaches the machine's own
// network.
type lan struct {
	t     *testing.T
	name  string
	links int
}

// newLAN makes a network, or skips the test where that is not allowed.
func newLAN(t *testing.T) *lan { t.Helper(); return newLANNamed(t, "lan") }

// newLANNamed makes one of several networks of a test.
func newLANNamed(t *testing.T, name string) *lan {
	t.Helper()
	need(t, "ip", "tc")
	l := &lan{t: t, name: fmt.Sprintf("russet-%d-%s%d", os.Getpid(), name, lans.Add(1))}
	if out, err := exec.Command("ip", "netns", "add", l.name).CombinedOutput(); err != nil {
		if os.Getenv("RUSSET_CLIENTS") == "require" && os.Getenv("RUSSET_NAMESPACES") != "none" {
			t.Fatalf("network namespaces are required (RUSSET_CLIENTS=require): %v\n%s", err, out)
		}
		t.Skipf("no network namespaces here: %v: %s", err, out)
	}
	t.Cleanup(func() { l.drop(l.name) })
	l.ip("-n", l.name, "link", "add", "br0", "type", "bridge")
	l.ip("-n", l.name, "link", "set", "br0", "up")
	return l
}

// lans counts networks, so that each has a name of its own.
var lans atomic.Int32

func (l *lan) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (l *lan) drop(ns string) {
	if out, err := exec.Command("ip", "netns", "del", ns).CombinedOutput(); err != nil {
		l.t.Logf("remove %s: %v: %s", ns, err, out)
	}
}

// A place is one computer, or the radio of one phone.
type place struct {
	lan  *lan
	ns   string
	link string // its interface
	port string // the other end, in the switch
}

// place plugs a new namespace into the switch.
func (l *lan) place(name string, addr netip.Prefix) *place {
	l.t.Helper()
	return l.placeBy(name, addr, func(p *place) {
		l.ip("link", "add", "name", p.link, "netns", p.ns, "type", "veth", "peer", "name", p.port, "netns", l.name)
	})
}

// placeBy is place with a cable of one's own: wire makes its ends, link in the
// place and port in the switch.
func (l *lan) placeBy(name string, addr netip.Prefix, wire func(*place)) *place {
	l.t.Helper()
	l.links++
	p := &place{lan: l, ns: l.name + "-" + name, link: "lan0", port: fmt.Sprintf("port%d", l.links)}
	l.ip("netns", "add", p.ns)
	l.t.Cleanup(func() { l.drop(p.ns) })
	wire(p)
	l.ip("-n", l.name, "link", "set", p.port, "master", "br0", "up")
	l.ip("-n", p.ns, "link", "set", "lo", "up")
	l.ip("-n", p.ns, "addr", "add", addr.String(), "dev", p.link)
	l.ip("-n", p.ns, "link", "set", p.link, "up")
	return p
}

// join plugs a place into a second network.
func (l *lan) join(p *place, link, addr string) {
	l.t.Helper()
	l.links++
	port := fmt.Sprintf("port%d", l.links)
	l.ip("link", "add", "name", link, "netns", p.ns, "type", "veth", "peer", "name", port, "netns", l.name)
	l.ip("-n", l.name, "link", "set", port, "master", "br0", "up")
	l.ip("-n", p.ns, "addr", "add", addr, "dev", link)
	l.ip("-n", p.ns, "link", "set", link, "up")
}

// radio switches the link of a place on or off, without a word to anybody.
func (p *place) radio(on bool) {
	p.lan.t.Helper()
	state := map[bool]string{true: "up", false: "down"}[on]
	p.lan.ip("-n", p.lan.name, "link", "set", p.port, state)
}

// command is a program that runs in a place.
func (p *place) command(env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.lan.t.Context(), "ip", append([]string{"netns", "exec", p.ns, name}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// run runs a program in a place to its end.
func (p *place) run(env []string, name string, args ...string) outcome {
	p.lan.t.Helper()
	var out bytes.Buffer
	cmd := p.command(env, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	o := outcome{text: out.String()}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		o.exit = exit.ExitCode()
	} else if err != nil {
		p.lan.t.Fatalf("%s: %v", name, err)
	}
	return o
}

// A daemon is a program that runs until the test ends.
type daemon struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	text bytes.Buffer
	done chan struct{}
}

func (d *daemon) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

func (d *daemon) says() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// start runs a program in a place beside the test.
func (p *place) start(env []string, name string, args ...string) *daemon {
	p.lan.t.Helper()
	d := &daemon{t: p.lan.t, cmd: p.command(env, name, args...), done: make(chan struct{})}
	var out io.Writer = d
	d.cmd.Stdout, d.cmd.Stderr = out, out
	if err := d.cmd.Start(); err != nil {
		p.lan.t.Fatalf("%s: %v", name, err)
	}
	go func() { _ = d.cmd.Wait(); close(d.done) }()
	p.lan.t.Cleanup(d.stop)
	return d
}

func (d *daemon) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(20 * time.Second):
		d.t.Errorf("%s did not end when it was asked to\n%s", d.cmd.Args, d.says())
		_ = d.cmd.Process.Kill()
		<-d.done
	}
	if d.t.Failed() {
		d.t.Logf("%s said:\n%s", d.cmd.Args, clip(d.says()))
	}
}

// await waits until a program has said something.
func (d *daemon) await(limit time.Duration, text string) {
	d.t.Helper()
	eventually(d.t, limit, fmt.Sprintf("%s to say %q", d.cmd.Args, text), func() bool { return strings.Contains(d.says(), text) })
}

// eventually waits for something that other processes bring about.
func eventually(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain for %s", limit, what)
		}
	}
}

// vphoneProgram is cmd/vphone, built once.
var vphoneProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "vphone-*")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "vphone")
	out, err := exec.Command("go", "build", "-o", name, "russet/cmd/vphone").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build vphone: %w\n%s", err, out)
	}
	return name, nil
})
