package agent_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"russet/vphone/agent"
	"russet/vphone/disk"
)

const udid = "00008110-0001ABCD12345678"

// phone is the least phone an agent can run on.
type phone struct {
	t          testing.TB
	disk       disk.Disk
	cache      string
	faults     agent.Faults
	mu         sync.Mutex
	password   string
	locked     bool
	conditions map[string]bool
	reboots    int
	version    string
}

func newPhone(t testing.TB) *phone {
	p := &phone{t: t, disk: disk.NewMemory(), cache: t.TempDir(), version: "18.6"}
	p.faults.Update(func(c *agent.Config) {
		c.Rounds = [2]int{1000, 100}
		c.CountPaths = true
	})
	return p
}

func (p *phone) Identity() agent.Identity {
	return agent.Identity{
		UDID: udid, DeviceName: "Anna's iPhone", DeviceClass: "iPhone", ProductType: "iPhone17,1",
		ProductVersion: p.version, BuildVersion: "22G86", SerialNumber: "F00", PasscodeSet: true,
	}
}
func (p *phone) Disk() disk.Disk       { return p.disk }
func (p *phone) CacheDir() string      { return p.cache }
func (p *phone) Faults() *agent.Faults { return &p.faults }

func (p *phone) BackupPassword() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.password
}

func (p *phone) SetBackupPassword(pw string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.password = pw
	return nil
}

func (p *phone) AskPasscode(context.Context, string) error {
	if p.locked {
		return agent.ErrLocked
	}
	return nil
}

func (p *phone) Condition(name string) bool { return p.conditions[name] }
func (p *phone) PostNotification(string)    {}
func (p *phone) Reboot() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reboots++
}
func (p *phone) Logger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// put writes a file, at a time that counts as changed for the next backup.
func (p *phone) put(domain, path, content string, change func(*disk.Entry)) {
	p.t.Helper()
	e := &disk.Entry{
		Domain: domain, Path: path, Kind: disk.File, Mode: 0o100644, UID: 501, GID: 501, Class: 3,
		ModTime: time.Unix(1_700_000_000, 0), ChangeTime: time.Unix(1_700_000_001, 0), Birth: time.Unix(1_600_000_000, 0),
	}
	if change != nil {
		change(e)
	}
	var err error
	if e.Kind == disk.File {
		err = p.disk.Put(e, strings.NewReader(content))
	} else {
		err = p.disk.Put(e, nil)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// touch is a change that a backup sees.
func touch(e *disk.Entry) { e.ModTime = e.ModTime.Add(time.Hour) }

// furnish puts a small phone's worth of everything onto the disk.
func (p *phone) furnish(files int) {
	p.t.Helper()
	dir := func(e *disk.Entry) { e.Kind, e.Mode, e.Class = disk.Dir, 0o40755, 0 }
	p.put("HomeDomain", "", "", dir)
	p.put("HomeDomain", "Library", "", dir)
	p.put("HomeDomain", "Library/link", "", func(e *disk.Entry) {
		e.Kind, e.Mode, e.Class, e.Target = disk.Symlink, 0o120755, 0, "/var/mobile/Library"
	})
	p.put("HomeDomain", "Library/empty", "", nil)
	p.put("HomeDomain", "Library/secret.db", strings.Repeat("health", 1000), func(e *disk.Entry) { e.EncryptedOnly = true })
	p.put("CameraRollDomain", "Media/DCIM/IMG_0001.HEIC", strings.Repeat("photo", 20_000), func(e *disk.Entry) {
		e.XAttrs = map[string][]byte{"com.apple.assetsd.favorite": {0}}
	})
	p.put("AppDomain-org.example.app", "Documents/ünïcode 🎈.txt", "sixteen bytes ok", func(e *disk.Entry) { e.Class = 1 })
	for i := range files {
		p.put("AppDomainGroup-group.example", fmt.Sprintf("files/%05d.bin", i), strings.Repeat(fmt.Sprint(i), 100+i%500), nil)
	}
}

// session connects a host and a phone and runs one command. The error is the
// host's.
func session(p *phone, h *host, command map[string]any) (map[string]any, error) {
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- agent.Serve(context.Background(), far, p) }()
	c := &hostConn{host: h, Conn: near, r: bufio.NewReader(near), w: bufio.NewWriterSize(near, 1<<16)}
	response, err := c.run(command)
	err = errors.Join(err, near.Close())
	if served := <-done; err == nil && served != nil {
		err = served
	}
	return response, err
}

// backup runs a backup that must succeed.
func backup(t testing.TB, p *phone, h *host) {
	t.Helper()
	want(t, p, h, map[string]any{"MessageName": "Backup", "TargetIdentifier": udid}, 0)
}

// want runs a command that must end with a code.
func want(t testing.TB, p *phone, h *host, command map[string]any, code int64) map[string]any {
	t.Helper()
	response, err := session(p, h, command)
	if err != nil {
		t.Fatalf("%v: %v", command["MessageName"], err)
	}
	if response["ErrorCode"] != code {
		t.Fatalf("%v ended with %v, want %d", command["MessageName"], response, code)
	}
	return response
}
