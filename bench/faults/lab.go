//go:build linux && amd64

package main

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"russet/vphone/disk"
)

// variant is one kind of second run.
type variant struct {
	name      string
	vault     bool // the store is one, else a folder
	encrypted bool
	first     bool // there is no backup yet
	content   phoneContent
}

// lab is a computer with a store and a phone, in the state before the run that
// is broken, and what is known of them.
type lab struct {
	variant
	dir, russet string // russet is the program
	udid        string
	disk        disk.Disk

	previous  string    // digest of the backup before the run, "" when none
	ids       []string  // of the backups there were, of a vault
	others    string    // digest of all that must not be touched
	want      inventory // what is on the phone
	sends     map[string]int64
	messages  []string // of the unbroken run
	changes   []string
	bytes     int64 // the phone sends in it
	batchMost int64 // bytes of the largest 128 files
}

const password = "a backup password"

func (l *lab) live(name string) string { return filepath.Join(l.dir, "live", name) }

// env is the environment of russet: nothing of the person who runs this, and
// no helpers to start.
func (l *lab) env() []string {
	return []string{
		"RUSSET_HOME=" + l.live("home"), "USBMUXD_SOCKET_ADDRESS=UNIX:" + l.live("mux"), "HOME=" + l.live("person"),
		"RUSSET_BACKUP_PASSWORD_FILE=" + l.live("password"), "PATH=/nonexistent", "TZ=UTC", "TMPDIR=" + l.live("tmp"),
	}
}

// run runs russet to its end and returns its exit status, -1 when killed.
func (l *lab) run(ctx context.Context, args ...string) (int, string, error) {
	cmd := l.command(ctx, args...)
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out), nil
	}
	return 0, string(out), err
}

func (l *lab) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, l.russet, args...)
	cmd.Env = l.env()
	return cmd
}

func (l *lab) must(ctx context.Context, args ...string) error {
	status, out, err := l.run(ctx, args...)
	if err == nil && status != 0 {
		err = fmt.Errorf("russet %s: exit status %d: %s", strings.Join(args, " "), status, out)
	}
	return err
}

// traced runs russet with its changes on disk counted, and perhaps one broken.
func (l *lab) traced(t *tracer, args ...string) (int, string, error) {
	out, err := os.Create(l.live("output"))
	if err != nil {
		return 0, "", err
	}
	defer out.Close()
	t.roots = []string{l.live("store"), l.live("home")}
	ws, err := t.run(out, l.env(), l.russet, args...)
	if err != nil {
		return 0, "", err
	}
	said, err := os.ReadFile(l.live("output"))
	if ws.Signaled() && ws.Signal() == syscall.SIGKILL {
		return -1, string(said), err
	}
	return ws.ExitStatus(), string(said), err
}

// build makes everything up to the moment before the run that will be broken.
func (v variant) build(ctx context.Context, dir, russet string, key *rsa.PrivateKey) (*lab, error) {
	l := &lab{variant: v, dir: dir, russet: russet}
	for _, name := range []string{"person", "tmp", "outside"} {
		if err := os.MkdirAll(l.live(name), 0o700); err != nil {
			return nil, err
		}
	}
	pw := ""
	if v.encrypted {
		pw = password
	}
	var err error
	if l.disk, err = v.content.make(ctx); err != nil {
		return nil, err
	}
	phone, err := power(filepath.Join(dir, "live"), key, l.disk, pw)
	if err != nil {
		return nil, err
	}
	l.udid = phone.UDID()
	err = errors.Join(l.past(ctx), phone.stop())
	if err == nil {
		err = l.keep(ctx)
	}
	if err == nil {
		err = l.rehearse(ctx)
	}
	return l, err
}

// past is what happened before: pairing, two backups, one of them archived, a
// neighbour's backup, a stray file, and one more day.
func (l *lab) past(ctx context.Context) error {
	neighbour := filepath.Join(l.live("store"), "00008101-000A1B2C3D4E001E")
	steps := []func() error{
		func() error { return os.WriteFile(l.live("password"), []byte(password+"\n"), 0o600) },
		func() error { return os.WriteFile(l.live("outside/file"), []byte("outside\n"), 0o600) },
		func() error { return os.MkdirAll(neighbour+"/aa", 0o700) },
		func() error { return os.WriteFile(neighbour+"/aa/file", []byte("a neighbour's\n"), 0o600) },
		func() error { return os.WriteFile(l.live("store/notes.txt"), []byte("a stray file\n"), 0o600) },
		func() error { return l.must(ctx, "pair") },
		func() error { return l.addStores(ctx) },
	}
	if !l.first {
		steps = append(steps,
			func() error { return l.must(ctx, "backup") },
			func() error { return l.must(ctx, "archive", "latest", "--device", l.udid) },
			func() error { return l.content.live(l.disk, 1) },
			func() error { return l.must(ctx, "backup") },
			func() error { return l.content.live(l.disk, 2) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// keep remembers the state every attempt begins with.
func (l *lab) keep(ctx context.Context) error {
	current, ids, err := l.state(ctx)
	if err != nil {
		return err
	}
	l.ids = ids
	if l.previous, err = digest(current); err != nil {
		return err
	}
	if l.others, err = l.untouched(); err != nil {
		return err
	}
	return copyTree(filepath.Join(l.dir, "live"), filepath.Join(l.dir, "golden"))
}

// untouched is the digest of what no backup of this phone may change: archived
// backups, other phones' backups, stray files, and what is outside the store.
func (l *lab) untouched() (string, error) {
	in, err := digest(l.live("store"), ".russet", l.udid, "v")
	out, err2 := digest(l.live("outside"))
	return in + out, errors.Join(err, err2)
}

// reset goes back to that state. What no run may touch is left where it is:
// untouched looks at it after every run.
func (l *lab) reset() error {
	for _, name := range []string{"phone", "records", "home", "tmp", "mux", "second", "export", "store/.russet", "store/v", "store/" + l.udid} {
		if err := os.RemoveAll(l.live(name)); err != nil {
			return err
		}
		from := filepath.Join(l.dir, "golden", name)
		if !exists(from) {
			continue
		}
		if err := copyTree(from, l.live(name)); err != nil {
			return err
		}
	}
	return nil
}

func copyTree(from, to string) error {
	out, err := exec.Command("cp", "-a", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("copy: %w: %s", err, out)
	}
	return nil
}

// rehearse lets the run happen unbroken and notes all its points.
func (l *lab) rehearse(ctx context.Context) error {
	phone, err := l.powerOn()
	if err != nil {
		return err
	}
	t := &tracer{}
	status, out, err := l.traced(t, "backup")
	if err == nil && status != 0 {
		err = fmt.Errorf("the run nobody broke ends with %d: %s", status, out)
	}
	s := phone.spy.sent()
	l.sends, l.messages, l.changes, l.bytes = s.files, s.messages, t.changes, s.bytes
	if err = errors.Join(err, phone.stop()); err != nil {
		return err
	}
	current, _, err := l.state(ctx)
	if err != nil {
		return err
	}
	if l.want, err = takeInventory(current, password); err != nil {
		return err
	}
	l.batchMost = largest(l.sends, 128+1)
	return l.want.like(l.disk)
}

// powerOn resets everything and switches the phone on.
func (l *lab) powerOn() (*running, error) {
	if err := l.reset(); err != nil {
		return nil, err
	}
	return power(filepath.Join(l.dir, "live"), nil, l.disk, "")
}
