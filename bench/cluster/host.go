//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	storeName      = "vault"
	backupPassword = "a backup password" // of every second phone
)

// host is a computer that runs russet: a home of its own, a way of its own to
// the cluster, and perhaps a phone.
type host struct {
	name     string
	prefix   string // of the vault in the bucket
	dir      string
	russet   string
	cluster  *cluster
	balancer *balancer
	phone    *phone // nil for one that only reads
	password string // file with the vault's password

	mu      sync.Mutex
	working *os.Process // the backup that runs now
}

// ran is how one run of russet went.
type ran struct {
	status    int // exit status, -1 when killed
	out       string
	wall, cpu time.Duration
	rss       int64
}

func newHost(dir, name string, c *cluster, russet, password string, p *phone) (*host, error) {
	h := &host{name: name, prefix: "household", dir: filepath.Join(dir, name), russet: russet, cluster: c, phone: p, password: password}
	for _, sub := range []string{"person", "tmp"} {
		if err := os.MkdirAll(filepath.Join(h.dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	var nodes []string
	for _, nd := range c.nodes {
		nodes = append(nodes, nd.s3)
	}
	var err error
	h.balancer, err = newBalancer(nodes)
	return h, err
}

func (h *host) url() string {
	return fmt.Sprintf("vault:s3://%s/%s?endpoint=%s&region=%s&tls=off", bucket, h.prefix, h.balancer.addr, region)
}

// env is nothing of the person who runs this, and no helpers to start.
func (h *host) env() []string {
	env := []string{
		"RUSSET_HOME=" + filepath.Join(h.dir, "home"), "HOME=" + filepath.Join(h.dir, "person"), "TMPDIR=" + filepath.Join(h.dir, "tmp"),
		"RUSSET_VAULT_PASSWORD_FILE=" + h.password, "PATH=/nonexistent", "TZ=UTC",
		"AWS_ACCESS_KEY_ID=" + h.cluster.key, "AWS_SECRET_ACCESS_KEY=" + h.cluster.secret,
	}
	if h.phone != nil {
		env = append(env, "USBMUXD_SOCKET_ADDRESS=UNIX:"+h.phone.socket)
	}
	if h.phone == nil || h.phone.password != "" {
		env = append(env, "RUSSET_BACKUP_PASSWORD_FILE="+filepath.Join(h.dir, "backup-password"))
	}
	return env
}

// run runs russet to its end.
func (h *host) run(ctx context.Context, args ...string) (ran, error) {
	_, wait, err := h.begin(ctx, args...)
	if err != nil {
		return ran{}, err
	}
	return wait()
}

// backup runs one backup of this host's phone.
func (h *host) backup(ctx context.Context) (ran, error) {
	p, wait, err := h.begin(ctx, "backup", h.phone.UDID())
	if err != nil {
		return ran{}, err
	}
	h.setWorking(p)
	defer h.setWorking(nil)
	return wait()
}

func (h *host) setWorking(p *os.Process) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.working = p
}

// running tells whether a backup is under way.
func (h *host) running() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.working != nil
}

// killRun ends the backup under way as a power cut does.
func (h *host) killRun() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.working == nil {
		return errors.New("there is no run to kill: it was over too soon")
	}
	return h.working.Kill()
}

// begin starts russet; wait waits for its end.
func (h *host) begin(ctx context.Context, args ...string) (p *os.Process, wait func() (ran, error), err error) {
	out, err := os.CreateTemp(h.dir, "output-")
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, h.russet, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = h.env(), out, out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, out.Close())
	}
	return cmd.Process, func() (ran, error) {
		err := cmd.Wait()
		r := ran{wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), status: cmd.ProcessState.ExitCode()}
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			r.rss = u.Maxrss * 1024
		}
		if _, ok := errors.AsType[*exec.ExitError](err); ok {
			err = nil
		}
		said, readErr := os.ReadFile(out.Name())
		r.out = string(said)
		return r, errors.Join(err, readErr, out.Close())
	}, nil
}

// must runs russet, which must end well.
func (h *host) must(ctx context.Context, args ...string) (ran, error) {
	r, err := h.run(ctx, args...)
	if err == nil && r.status != 0 {
		err = fmt.Errorf("%s: russet %s: exit status %d\n%s", h.name, strings.Join(args, " "), r.status, r.out)
	}
	return r, err
}

// join makes the vault on this host: created by the first, joined by others.
func (h *host) join(ctx context.Context, create bool) error {
	if err := os.WriteFile(filepath.Join(h.dir, "backup-password"), []byte(backupPassword+"\n"), 0o600); err != nil {
		return err
	}
	flag := "--vault-password-file"
	if create {
		flag = "--new-password-file"
	}
	if _, err := h.must(ctx, "store", "add", storeName, h.url(), flag, h.password); err != nil {
		return err
	}
	if h.phone == nil {
		return nil
	}
	_, err := h.must(ctx, "pair", h.phone.UDID())
	return err
}

// listed is a backup as `russet backups --json` tells it.
type listed struct {
	ID     string `json:"id"`
	Device string `json:"device"`
	Size   int64  `json:"size"`
	Added  int64  `json:"added"`
	Files  int64  `json:"files"`
}

func (h *host) backups(ctx context.Context) ([]listed, error) {
	r, err := h.must(ctx, "backups", "--json")
	if err != nil {
		return nil, err
	}
	var list []listed
	if err := json.Unmarshal([]byte(r.out), &list); err != nil {
		return nil, fmt.Errorf("read what backups --json says: %w\n%s", err, r.out)
	}
	return list, nil
}
