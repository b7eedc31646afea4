//go:build linux

package main

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"russet/mobilesync"
	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// phone is a virtual iPhone on a usbmuxd of its own.
type phone struct {
	*vphone.Phone
	seed     uint64
	password string
	socket   string
	stop     func() error
}

// makePhone furnishes a phone and plugs it in. rounds of key derivation are
// few: nothing here depends on their number.
func makePhone(ctx context.Context, dir string, key *rsa.PrivateKey, o content.Options, password string) (*phone, error) {
	if err := content.Make(ctx, filepath.Join(dir, "disk"), o); err != nil {
		return nil, err
	}
	p, err := vphone.New(vphone.Options{Dir: dir, Seed: o.Seed, Key: key, BackupPassword: password})
	if err != nil {
		return nil, err
	}
	p.Faults().Update(func(c *agent.Config) { c.Rounds = [2]int{10, 10} })
	ph := &phone{Phone: p, seed: o.Seed, password: password, socket: filepath.Join(dir, "mux")}
	mux, err := vphone.NewMux(filepath.Join(dir, "records"), nil)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	mux.Add(p)
	l, err := net.Listen("unix", ph.socket)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- mux.Serve(ctx, l) }()
	ph.stop = func() error {
		cancel()
		err := <-served
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return errors.Join(err, p.Close())
	}
	return ph, nil
}

// live lets a day go by.
func (p *phone) live(ctx context.Context, day int, a content.Activity) error {
	return content.Churn(ctx, p.Disk(), content.ChurnOptions{Seed: p.seed, Day: day, Activity: a, KeepPages: true})
}

// film puts a file on the phone that is as large as a film, over that of the
// day before.
func (p *phone) film(day int, size int64) error {
	e := &disk.Entry{
		Domain: "CameraRollDomain", Path: "Media/DCIM/100APPLE/IMG_9000.MOV", Kind: disk.File, Mode: 0o100644, Class: 3,
		Inode: uint64(1<<24 + day), ModTime: content.Day(day), ChangeTime: content.Day(day), Birth: content.Day(0),
	}
	return p.Disk().Put(e, disk.NewPatternReader(disk.Pattern{Seed: p.seed<<20 + uint64(day), Size: size}))
}

// inventory is what a phone or a backup holds: the SHA-256 of every file, and
// what kind of thing everything else is.
type inventory map[string]string

// holds lists what is on the phone now, as far as its backups bring it.
func (p *phone) holds() (inventory, error) {
	inv := inventory{}
	err := p.Disk().Walk(func(e *disk.Entry) error {
		if e.EncryptedOnly && p.password == "" {
			return nil
		}
		name := e.Domain + "/" + e.Path
		switch e.Kind {
		case disk.Dir:
			inv[name] = "folder"
		case disk.Symlink:
			inv[name] = "link to " + e.Target
		default:
			r, err := p.Disk().Open(e.Domain, e.Path)
			if err != nil {
				return err
			}
			defer r.Close()
			if inv[name], err = sum(r); err != nil {
				return err
			}
		}
		return nil
	})
	return inv, err
}

func sum(r io.Reader) (string, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return fmt.Sprintf("%d bytes %x", n, h.Sum(nil)), err
}

// readBackup lists what an exported backup holds, decrypted. It is read with
// the open library, not with the vault's code.
func readBackup(ctx context.Context, dir, password string) (inventory, error) {
	b, err := mobilesync.Open(ctx, os.DirFS(dir), mobilesync.Options{Password: password})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if !b.Status().Finished() {
		return nil, fmt.Errorf("the backup in %s is not finished", dir)
	}
	inv := inventory{}
	for r, err := range b.Records(ctx) {
		if err != nil {
			return nil, err
		}
		name := r.Domain + "/" + r.Path
		switch r.Kind {
		case mobilesync.Dir:
			inv[name] = "folder"
		case mobilesync.Symlink:
			inv[name] = "link to " + r.Target
		default:
			c, err := b.Content(&r)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			inv[name], err = sum(c)
			if err = errors.Join(err, c.Close()); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return inv, nil
}

// differ names the first difference of two inventories.
func differ(got, want inventory) error {
	for name, w := range want {
		if g := got[name]; g != w {
			return fmt.Errorf("%s is %q instead of %q", name, g, w)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d entries instead of %d", len(got), len(want))
	}
	return nil
}
