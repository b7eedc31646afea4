package main

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
)

// password is the backup password of encrypted phones.
const password = "correct-horse"

// seed makes every phone and its days the same whenever they are made.
const seed = 5

// deviceKey is one RSA key for all phones: making one takes a while.
var deviceKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return vphone.NewKey() })

// lab is a virtual iPhone on a usbmuxd of its own, in this process.
type lab struct {
	dir    string
	phone  *vphone.Phone
	socket string
	stop   context.CancelFunc
}

// newLab makes a phone; one without a profile is blank, to restore to.
func (b *bench) newLab(ctx context.Context, name string, o content.Options, backupPassword string) (*lab, error) {
	key, err := deviceKey()
	if err != nil {
		return nil, err
	}
	l := &lab{dir: filepath.Join(b.fast, name)}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, err
	}
	if o.Profile != "" {
		o.Seed = seed
		if err := content.Make(ctx, filepath.Join(l.dir, "disk"), o); err != nil {
			return nil, err
		}
	}
	udid := vphone.NewIdentity(seed).UDID
	if o.Profile == "" {
		udid = vphone.NewIdentity(seed + 1).UDID
	}
	l.phone, err = vphone.New(vphone.Options{
		Dir: l.dir, Seed: seed, Identity: vphone.Identity{UDID: udid}, Key: key, BackupPassword: backupPassword,
	})
	if err != nil {
		return nil, err
	}
	// Keys are derived in no time: what deriving costs is the same for all.
	l.phone.Faults().Update(func(c *agent.Config) { c.Rounds = [2]int{20_000, 100} })
	return l, l.serve(ctx)
}

func (l *lab) serve(ctx context.Context) error {
	mux, err := vphone.NewMux("", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	mux.Add(l.phone)
	l.socket = filepath.Join(l.dir, "usbmuxd")
	listener, err := net.Listen("unix", l.socket)
	if err != nil {
		return err
	}
	ctx, l.stop = context.WithCancel(ctx)
	go mux.Serve(ctx, listener)
	return nil
}

// close unplugs the phone and forgets it.
func (l *lab) close() error {
	l.stop()
	return errors.Join(l.phone.Close(), os.RemoveAll(l.dir))
}

func (l *lab) udid() string { return l.phone.UDID() }

func (l *lab) env() []string { return []string{"USBMUXD_SOCKET_ADDRESS=UNIX:" + l.socket} }

// live lets the phone's owner live a day.
func (l *lab) live(ctx context.Context, day int, activity content.Activity, keepPages bool) (content.Report, error) {
	var r content.Report
	err := content.Churn(ctx, l.phone.Disk(), content.ChurnOptions{Seed: seed, Day: day, Activity: activity, KeepPages: keepPages, Report: &r})
	return r, err
}

// idevice is idevicebackup2 with one folder.
type idevice struct {
	lab *lab
	dir string
}

func newIdevice(ctx context.Context, l *lab, dir string) (*idevice, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	_, _, err := do(ctx, command{name: "idevicepair", args: []string{"-u", l.udid(), "pair"}, env: l.env()})
	return &idevice{lab: l, dir: dir}, err
}

func (c *idevice) backup(ctx context.Context, sync bool) (measure, error) {
	cmd := command{name: "idevicebackup2", args: []string{"-u", c.lab.udid(), "backup", c.dir}, env: c.lab.env()}
	if sync {
		cmd.sync = c.dir
	}
	m, _, err := do(ctx, cmd)
	return m, err
}

// restore puts the folder of another phone on this one.
func (c *idevice) restore(ctx context.Context, source, dir, backupPassword string) (measure, error) {
	args := []string{"-u", c.lab.udid(), "-s", source, "restore", "--system", "--settings", "--remove"}
	if backupPassword != "" {
		args = append(args, "--password", backupPassword)
	}
	m, _, err := do(ctx, command{name: "idevicebackup2", args: append(args, dir), env: c.lab.env()})
	return m, err
}

// folder is the MobileSync folder itself.
func (c *idevice) folder() string { return filepath.Join(c.dir, c.lab.udid()) }

// dayName says which day of which kind it is.
func dayName(day int, activity content.Activity) string {
	return fmt.Sprintf("day %d, %s", day, activity)
}
