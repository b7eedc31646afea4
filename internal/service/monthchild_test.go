package service_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/service"
)

const (
	childHome   = "RUSSET_MONTH_HOME"
	childSocket = "RUSSET_MONTH_SOCKET"
	childWord   = "@month " // begins the lines that are meant for the parent
	toldFile    = "told.jsonl"
)

// delivery is a message that was delivered, and when.
type delivery struct {
	At      time.Time
	Message notify.Message
}

// TestMonthChild is the service of the month, in a process of its own. It does
// nothing in a usual run.
func TestMonthChild(t *testing.T) {
	dir := os.Getenv(childHome)
	if dir == "" {
		t.Skip("it is a part of TestMonth")
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	c := &clock{}
	log, err := os.OpenFile(filepath.Join(dir, "log.jsonl"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	must(t, err)
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Time(a.Key, c.now().In(zone))
		}
		return a
	}}))
	told, err := os.OpenFile(filepath.Join(dir, toldFile), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	must(t, err)
	var mu sync.Mutex
	tell := func(_ context.Context, m notify.Message) error {
		line, err := json.Marshal(delivery{c.now(), m})
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		_, err = told.Write(append(line, '\n'))
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	next := func() bool {
		if !in.Scan() {
			return false
		}
		var at time.Time
		must(t, at.UnmarshalText(in.Bytes()))
		c.set(at)
		return true
	}
	if !next() {
		return
	}
	h := host.Open(host.Options{Home: home.Place{Dir: dir, Data: dir, Moved: true}, Mux: "UNIX:" + os.Getenv(childSocket), Now: c.now})
	s := service.New(service.Options{Host: h, Now: c.now, Location: zone, Notify: tell, AtOnce: 2, Log: logger})
	h.Follow(t.Context())
	release, err := s.Take(context.Background())
	must(t, err)
	for more := true; more; more = next() {
		for range 6 {
			s.Step(t.Context())
			busy := s.Busy()
			s.Wait()
			if !busy {
				break
			}
		}
		st, err := s.Status(t.Context())
		must(t, err)
		for _, d := range st.Devices {
			logger.Info("stands", "name", d.Name, "text", d.Decision.Text)
		}
		fmt.Println(childWord + "done")
	}
	release()
	must(t, h.Close())
}

// child is the process of the service.
type child struct {
	cmd     *exec.Cmd
	in      interface{ Write([]byte) (int, error) }
	answers chan struct{} // a value for each step that was done; closed at its end
	output  strings.Builder
	ended   chan error
}

// spawn starts the service.
func (w *world) spawn() *child {
	c := &child{answers: make(chan struct{}, 1), ended: make(chan error, 1)}
	program, err := os.Executable()
	must(w, err)
	c.cmd = exec.Command(program, "-test.run=^TestMonthChild$", "-test.count=1", "-test.timeout=0")
	c.cmd.Env = append(os.Environ(), childHome+"="+w.home, childSocket+"="+w.socket)
	c.cmd.Stderr = &c.output
	c.in, err = c.cmd.StdinPipe()
	must(w, err)
	out, err := c.cmd.StdoutPipe()
	must(w, err)
	must(w, c.cmd.Start())
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), childWord) {
				c.answers <- struct{}{}
			} else {
				fmt.Fprintln(&c.output, lines.Text())
			}
		}
		c.ended <- c.cmd.Wait()
		close(c.answers)
	}()
	return c
}

// kill ends the service with SIGKILL.
func (c *child) kill() {
	c.cmd.Process.Kill() //nolint:errcheck // it may have ended
	for range c.answers {
	}
}

// begin lets the service make one step.
func (c *child) begin(at time.Time) error {
	text, err := at.MarshalText()
	if err != nil {
		return err
	}
	_, err = c.in.Write(append(text, '\n'))
	return err
}
