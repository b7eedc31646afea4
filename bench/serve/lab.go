package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lab is a home, phones, and what runs.
type lab struct {
	o       options
	dir     string
	env     []string
	inside  []string // what is put before russet's words: its network namespace
	running []*exec.Cmd
}

func newLab(o options, name string) (*lab, error) {
	l := &lab{o: o, dir: filepath.Join(o.work, name)}
	if err := os.Mkdir(l.dir, 0o700); err != nil {
		return nil, err
	}
	l.env = append(os.Environ(),
		"RUSSET_HOME="+filepath.Join(l.dir, "home"), "USBMUXD_SOCKET_ADDRESS=UNIX:"+l.socket(), "RUSSET_BACKUP_PASSWORD_FILE="+l.password())
	return l, os.WriteFile(l.password(), []byte("hunter2\n"), 0o600)
}

func (l *lab) socket() string   { return filepath.Join(l.dir, "mux") }
func (l *lab) control() string  { return filepath.Join(l.dir, "ctl") }
func (l *lab) password() string { return filepath.Join(l.dir, "password") }

// close ends what runs, the last first.
func (l *lab) close() {
	for i := len(l.running) - 1; i >= 0; i-- {
		l.running[i].Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may be gone
		l.running[i].Wait()                          //nolint:errcheck // however it ended
	}
	os.RemoveAll(l.dir)
}

// make makes phones of different content; every second one encrypts its backups
// if that is wanted.
func (l *lab) make(ctx context.Context, n int, encrypted bool, flags ...string) (folders []string, err error) {
	for i := range n {
		folder := filepath.Join(l.dir, fmt.Sprintf("phone%d", i+1))
		args := append([]string{"make", folder, "--name", fmt.Sprintf("phone %d", i+1), "--seed", strconv.Itoa(i + 1)}, flags...)
		if encrypted && i%2 == 1 {
			args = append(args, "--password", "hunter2")
		}
		if out, err := exec.CommandContext(ctx, filepath.Join(l.o.bin, "vphone"), args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("make a phone: %w\n%s", err, out)
		}
		folders = append(folders, folder)
	}
	return folders, nil
}

// start runs a program until the lab is closed, and waits until it has printed
// a word. Its log goes to a file.
func (l *lab) start(ctx context.Context, word string, command ...string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = l.env
	log, err := os.Create(filepath.Join(l.dir, fmt.Sprintf("log%d", len(l.running))))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l.running = append(l.running, cmd)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), word) {
			go func() {
				for lines.Scan() {
				}
			}()
			return cmd, nil
		}
	}
	said, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("%s ended before it said %q\n%s", filepath.Base(command[0]), word, said)
}

// russet runs a command to its end.
func (l *lab) russet(ctx context.Context, args ...string) (string, error) {
	words := append(append([]string{}, l.inside...), filepath.Join(l.o.bin, "russet"))
	words = append(words, args...)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = l.env
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("russet %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out), err
}

// serve starts the service; its memory and time are read by its process.
func (l *lab) serve(ctx context.Context, flags ...string) (*exec.Cmd, error) {
	words := append(append([]string{}, l.inside...), filepath.Join(l.o.bin, "russet"), "serve", "--listen", "127.0.0.1:0")
	return l.start(ctx, "backs up by itself", append(words, flags...)...)
}

// reading is what the system says of a process.
type reading struct {
	cpu       time.Duration // since it began
	rss, peak int64         // bytes
}

// clockTick is the unit of times in /proc: USER_HZ, 100 on every Linux.
const clockTick = 10 * time.Millisecond

func read(pid int) (reading, error) {
	var r reading
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return r, err
	}
	_, rest, ok := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return r, errors.New("/proc has another form")
	}
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return r, err
		}
		r.cpu += time.Duration(n) * clockTick
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return r, err
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			r.rss = kib << 10
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			r.peak = kib << 10
		}
	}
	return r, nil
}

func mib(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
