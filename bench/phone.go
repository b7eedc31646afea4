package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// phone is a running virtual iPhone.
type phone struct {
	cmd           *exec.Cmd
	bin, dir      string
	socket        string // path of the usbmuxd socket, a Unix one as real ones are
	control, udid string
}

// startPhone runs a virtual iPhone, made when it is first needed, with a
// usbmuxd that knows no pairing. The one called "blank" is made anew each time.
func startPhone(ctx context.Context, bin, dir, profile, backupPassword string) (*phone, error) {
	p := &phone{bin: bin, dir: dir, control: dir + ".control"}
	if profile == "blank" {
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		args := []string{"make", dir, "--profile", profile}
		if profile == "blank" {
			args = []string{"make", dir, "--profile", "blank", "--seed", "2"}
		}
		if _, err := timed(ctx, "", nil, 0, p.vphone(), args...); err != nil {
			return nil, err
		}
	}
	if err := p.serve(ctx); err != nil {
		return nil, err
	}
	set := []string{"password"}
	if backupPassword != "" {
		set = append(set, backupPassword)
	}
	_, err := p.ctl(ctx, set...)
	return p, err
}

func (p *phone) vphone() string { return filepath.Join(p.bin, "vphone") }

// serve starts the phone and reads where it is and what it is called.
func (p *phone) serve(ctx context.Context) error {
	p.cmd = exec.CommandContext(ctx, p.vphone(), "serve", p.dir, "--socket", p.dir+".socket", "--control", p.control)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && (p.socket == "" || p.udid == "") {
		if addr, ok := strings.CutPrefix(lines.Text(), "USBMUXD_SOCKET_ADDRESS=UNIX:"); ok {
			p.socket = addr
		} else {
			p.udid, _, _ = strings.Cut(lines.Text(), " ")
			return nil
		}
	}
	return errors.Join(errors.New("vphone did not start"), lines.Err())
}

func (p *phone) ctl(ctx context.Context, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, p.vphone(), append([]string{"ctl", p.control}, args...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("vphone ctl %s: %w", args[0], err)
	}
	return out, nil
}

// stop ends the phone and waits until it is gone.
func (p *phone) stop() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait() // it was told to end; how does not matter
}

// stats is the part of `vphone ctl CONTROL stats` that is needed here.
type stats struct {
	CPUSeconds float64
	Agent      struct {
		UploadFrom, UploadTo time.Time // of the last backup
	}
}

func (p *phone) stats(ctx context.Context) (stats, error) {
	out, err := p.ctl(ctx, "stats")
	if err != nil {
		return stats{}, err
	}
	var s stats
	return s, json.Unmarshal(out, &s)
}

// during runs f and adds what the phone says about it.
func (p *phone) during(ctx context.Context, f func() (measure, error)) (measure, error) {
	// What was written and removed before must not be paid for in here.
	if out, err := exec.CommandContext(ctx, "sync").CombinedOutput(); err != nil {
		return measure{}, fmt.Errorf("sync: %w: %s", err, out)
	}
	before, err := p.stats(ctx)
	if err != nil {
		return measure{}, err
	}
	m, err := f()
	if err != nil {
		return m, err
	}
	after, err := p.stats(ctx)
	if err != nil {
		return m, err
	}
	m.phoneCPU = time.Duration((after.CPUSeconds - before.CPUSeconds) * float64(time.Second))
	if a := after.Agent; a.UploadFrom.After(before.Agent.UploadFrom) && a.UploadTo.After(a.UploadFrom) {
		m.phase = a.UploadTo.Sub(a.UploadFrom)
	}
	return m, nil
}
