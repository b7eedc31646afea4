//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The names in the object store.
const (
	bucket = "russet"
	region = "garage"
)

// cluster is a Garage object store: every object lies on three of its nodes,
// and two of the three must answer for a read or a write to count.
type cluster struct {
	bin        string
	nodes      []*node
	key        string // access key ID
	secret     string
	rpcSecret  string
	replicas   int
	durability bool
}

// node is one process of the cluster.
type node struct {
	dir, s3, rpc string
	id           string // public key@address
	cmd          *exec.Cmd
	ended        chan struct{} // closed when cmd has ended
}

// startCluster makes n nodes, joins them and makes the bucket.
func startCluster(ctx context.Context, bin, dir string, n int, durable bool) (*cluster, error) {
	c := &cluster{bin: bin, replicas: 3, durability: durable, rpcSecret: hexSecret(32), key: "GK" + hexSecret(12), secret: hexSecret(32)}
	for i := range n {
		nd := &node{dir: filepath.Join(dir, fmt.Sprintf("node%d", i))}
		if err := c.configure(nd); err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, nd)
	}
	for i := range n {
		if err := c.launch(ctx, c.nodes[i]); err != nil {
			return nil, errors.Join(err, c.stop())
		}
	}
	if err := c.join(ctx); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func hexSecret(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// freeAddress is a port of this machine that nobody listens on now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (c *cluster) configure(nd *node) error {
	var err error
	if nd.s3, err = freeAddress(); err != nil {
		return err
	}
	if nd.rpc, err = freeAddress(); err != nil {
		return err
	}
	if err := os.MkdirAll(nd.dir, 0o700); err != nil {
		return err
	}
	// Ciphertext does not shrink, so the store need not try.
	text := fmt.Sprintf(`metadata_dir = %q
data_dir = %q
db_engine = "lmdb"
replication_factor = %d
consistency_mode = "consistent"
compression_level = "none"
metadata_fsync = %v
data_fsync = %v
rpc_bind_addr = %q
rpc_public_addr = %q
rpc_secret = %q

[s3_api]
api_bind_addr = %q
s3_region = %q
`, filepath.Join(nd.dir, "meta"), filepath.Join(nd.dir, "data"), c.replicas, c.durability, c.durability, nd.rpc, nd.rpc, c.rpcSecret, nd.s3, region)
	return os.WriteFile(nd.config(), []byte(text), 0o600)
}

func (nd *node) config() string { return filepath.Join(nd.dir, "garage.toml") }

// start runs a node that was killed and waits until it is one of the cluster.
// One that was killed young has forgotten its peers, and they ask for it ever
// more rarely, so they are introduced.
func (c *cluster) start(ctx context.Context, i int) error {
	nd := c.nodes[i]
	if err := c.launch(ctx, nd); err != nil {
		return err
	}
	for _, other := range c.alive() {
		if other == nd {
			continue
		}
		if _, err := c.askNode(ctx, nd, "node", "connect", other.id); err != nil {
			return err
		}
	}
	return c.connected(ctx)
}

// launch runs a node and waits until it takes requests.
func (c *cluster) launch(ctx context.Context, nd *node) error {
	log, err := os.OpenFile(filepath.Join(nd.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	nd.cmd = exec.CommandContext(ctx, c.bin, "-c", nd.config(), "server")
	nd.cmd.Stdout, nd.cmd.Stderr = log, log
	nd.cmd.Env = append(os.Environ(), "RUST_LOG=garage=info,garage_api_s3=warn")
	if err := nd.cmd.Start(); err != nil {
		return err
	}
	nd.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // that it ended is all that is asked
		close(ended)
	}(nd.cmd, nd.ended)
	return c.waitFor(ctx, nd)
}

func (c *cluster) waitFor(ctx context.Context, nd *node) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		select {
		case <-nd.ended:
			return fmt.Errorf("node in %s ended at once; see its log", nd.dir)
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if conn, err := net.DialTimeout("tcp", nd.s3, time.Second); err == nil {
			return conn.Close()
		}
	}
	return fmt.Errorf("node in %s does not listen", nd.dir)
}

// kill ends a node as a power cut ends its process: nothing more is written.
func (c *cluster) kill(i int) error {
	err := c.nodes[i].cmd.Process.Kill()
	<-c.nodes[i].ended
	return err
}

// freeze stops a node's process without ending its connections; thaw goes on.
func (c *cluster) freeze(i int) error { return c.nodes[i].cmd.Process.Signal(syscall.SIGSTOP) }
func (c *cluster) thaw(i int) error   { return c.nodes[i].cmd.Process.Signal(syscall.SIGCONT) }

// stop ends all nodes.
func (c *cluster) stop() error {
	var errs []error
	for _, nd := range c.nodes {
		if nd.cmd == nil {
			continue
		}
		if err := nd.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
		<-nd.ended
	}
	return errors.Join(errs...)
}

// ask runs a command of Garage's own on the first node that answers.
func (c *cluster) ask(ctx context.Context, args ...string) (string, error) {
	var errs []error
	for _, nd := range c.alive() {
		out, err := c.askNode(ctx, nd, args...)
		if err == nil {
			return out, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

func (c *cluster) askNode(ctx context.Context, nd *node, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, c.bin, append([]string{"-c", nd.config()}, args...)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("garage %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// join makes one cluster of the nodes, each a zone of its own, and a bucket.
func (c *cluster) join(ctx context.Context) error {
	for _, nd := range c.nodes {
		out, err := exec.CommandContext(ctx, c.bin, "-c", nd.config(), "node", "id", "-q").Output()
		if err != nil {
			return fmt.Errorf("ask %s for its name: %w", nd.dir, err)
		}
		nd.id = strings.TrimSpace(string(out))
	}
	var steps [][]string
	for _, nd := range c.nodes[1:] {
		steps = append(steps, []string{"node", "connect", nd.id})
	}
	for i, nd := range c.nodes {
		name, _, _ := strings.Cut(nd.id, "@")
		steps = append(steps, []string{"layout", "assign", name, "-z", "zone" + strconv.Itoa(i), "-c", "100G"})
	}
	for _, step := range steps {
		if _, err := c.ask(ctx, step...); err != nil {
			return err
		}
	}
	if err := c.connected(ctx); err != nil {
		return err
	}
	steps = [][]string{
		{"layout", "apply", "--version", "1"},
		{"key", "import", "--yes", "-n", "hosts", c.key, c.secret},
		{"bucket", "create", bucket},
		{"bucket", "allow", "--read", "--write", "--owner", bucket, "--key", c.key},
	}
	for _, step := range steps {
		if _, err := c.ask(ctx, step...); err != nil {
			return err
		}
	}
	return nil
}

// alive are the nodes that run.
func (c *cluster) alive() []*node {
	var alive []*node
	for _, nd := range c.nodes {
		select {
		case <-nd.ended:
		default:
			alive = append(alive, nd)
		}
	}
	return alive
}

// connected waits until all nodes that run have found each other: a node that
// has come back serves its own clients before it does.
func (c *cluster) connected(ctx context.Context) error {
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		missing, err := c.missing(ctx)
		if err != nil || missing == "" {
			return err
		}
		if time.Now().After(end) {
			return errors.New(missing)
		}
	}
}

func (c *cluster) missing(ctx context.Context) (string, error) {
	for _, nd := range c.alive() {
		out, err := c.askNode(ctx, nd, "status")
		if err != nil {
			return "", err
		}
		healthy, _, _ := strings.Cut(out, "FAILED NODES")
		for _, other := range c.alive() {
			if !strings.Contains(healthy, other.id[:16]) {
				return fmt.Sprintf("%s does not see %s", nd.dir, other.dir), nil
			}
		}
	}
	return "", nil
}

// settle lets the nodes send each other what they missed, as an operator does
// before the next node is taken down, and returns how many blocks lie on fewer
// nodes than they should.
func (c *cluster) settle(ctx context.Context) (lacking int, err error) {
	// By itself a node looks for what it missed only two minutes after it has
	// learnt of it.
	for _, step := range [][]string{
		{"worker", "set", "-a", "resync-tranquility", "0"},
		{"repair", "-a", "--yes", "tables"},
		{"repair", "-a", "--yes", "clear-resync-queue"},
		{"repair", "-a", "--yes", "blocks"},
	} {
		if _, err := c.ask(ctx, step...); err != nil {
			return 0, err
		}
		if err := c.idle(ctx); err != nil {
			return 0, err
		}
	}
	return c.lacking()
}

// lacking counts the blocks that lie on fewer nodes than they should, in the
// nodes' own folders: each block is a file named by its digest.
func (c *cluster) lacking() (int, error) {
	copies := map[string]int{}
	for _, nd := range c.nodes {
		err := filepath.WalkDir(filepath.Join(nd.dir, "data"), func(_ string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && len(e.Name()) == 64 {
				copies[e.Name()]++
			}
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	n := 0
	for _, have := range copies {
		if have < c.replicas {
			n++
		}
	}
	return n, nil
}

// idle waits until no node's worker has something to do at once. What was
// asked for a moment ago may not have begun, so two looks must agree.
func (c *cluster) idle(ctx context.Context) error {
	quiet := 0
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(2 * time.Second) {
		busy := 0
		for _, nd := range c.alive() {
			out, err := c.askNode(ctx, nd, "worker", "list")
			if err != nil {
				return err
			}
			busy += strings.Count(out, "Busy") + strings.Count(out, "Throttled")
		}
		quiet++
		if busy > 0 {
			quiet = 0
		}
		if quiet == 2 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d workers of the cluster are still busy", busy)
		}
	}
}

// version is what Garage says it is.
func (c *cluster) version(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, c.bin, "--version").Output()
	return strings.TrimSpace(string(out)), err
}
