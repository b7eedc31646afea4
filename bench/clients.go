package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// client is a program under test, with its own folder and its own pairing.
type client interface {
	prepare(ctx context.Context) error // pair, make what it needs
	backup(ctx context.Context) (measure, error)
	moveTo(ctx context.Context, p *phone) error // pair with another phone
	restore(ctx context.Context, source string) (measure, error)
}

func newClient(name string, b *bench, p *phone, dir string) (client, error) {
	sync := ""
	if b.sync {
		sync = dir
	}
	switch name {
	case "russet":
		return &russetClient{bin: filepath.Join(b.bin, "russet"), p: p, dir: dir, sync: sync}, nil
	case "idevicebackup2":
		return &idevice{p: p, dir: dir, sync: sync}, nil
	case "pymobiledevice3":
		return &pymobile{bin: filepath.Join(b.python, "pymobiledevice3"), p: p, dir: dir, sync: sync}, nil
	default:
		return nil, fmt.Errorf("unknown client %q", name)
	}
}

type russetClient struct {
	bin       string
	p         *phone
	dir, sync string
}

func (c *russetClient) env() []string {
	return []string{"USBMUXD_SOCKET_ADDRESS=UNIX:" + c.p.socket, "RUSSET_HOME=" + filepath.Join(c.dir, "home")}
}

func (c *russetClient) do(ctx context.Context, sync string, args ...string) (measure, error) {
	return timed(ctx, sync, c.env(), 0, c.bin, args...)
}

func (c *russetClient) prepare(ctx context.Context) error {
	if _, err := c.do(ctx, "", "store", "add", "bench", "folder:"+filepath.Join(c.dir, "store")); err != nil {
		return err
	}
	_, err := c.do(ctx, "", "pair", c.p.udid)
	return err
}

func (c *russetClient) backup(ctx context.Context) (measure, error) {
	return c.do(ctx, c.sync, "backup", c.p.udid)
}

func (c *russetClient) moveTo(ctx context.Context, p *phone) error {
	c.p = p
	_, err := c.do(ctx, "", "pair", p.udid)
	return err
}

func (c *russetClient) restore(ctx context.Context, source string) (measure, error) {
	return c.do(ctx, "", "restore", "latest", "--device", c.p.udid, "--yes")
}

// idevice is libimobiledevice's idevicebackup2 as Debian ships it.
type idevice struct {
	p         *phone
	dir, sync string
}

func (c *idevice) env() []string { return []string{"USBMUXD_SOCKET_ADDRESS=UNIX:" + c.p.socket} }

func (c *idevice) prepare(ctx context.Context) error {
	_, err := timed(ctx, "", c.env(), 0, "idevicepair", "-u", c.p.udid, "pair")
	return err
}

func (c *idevice) backup(ctx context.Context) (measure, error) {
	return timed(ctx, c.sync, c.env(), 0, "idevicebackup2", "-u", c.p.udid, "backup", c.dir)
}

func (c *idevice) moveTo(ctx context.Context, p *phone) error {
	c.p = p
	return c.prepare(ctx)
}

func (c *idevice) restore(ctx context.Context, source string) (measure, error) {
	return timed(ctx, "", c.env(), 0, "idevicebackup2", "-u", c.p.udid, "-s", source, "restore", "--system", "--settings", "--remove", c.dir)
}

type pymobile struct {
	bin       string
	p         *phone
	dir, sync string
}

func (c *pymobile) env() []string {
	return []string{"USBMUXD_SOCKET_ADDRESS=" + c.p.socket, "PYMOBILEDEVICE3_USBMUX=" + c.p.socket}
}

func (c *pymobile) do(ctx context.Context, sync string, args ...string) (measure, error) {
	return timed(ctx, sync, c.env(), 0, c.bin, append(args, "--udid", c.p.udid)...)
}

func (c *pymobile) prepare(ctx context.Context) error {
	_, err := c.do(ctx, "", "lockdown", "pair")
	return err
}

func (c *pymobile) backup(ctx context.Context) (measure, error) {
	return c.do(ctx, c.sync, "backup2", "backup", c.dir)
}

func (c *pymobile) moveTo(ctx context.Context, p *phone) error {
	c.p = p
	return c.prepare(ctx)
}

func (c *pymobile) restore(ctx context.Context, source string) (measure, error) {
	return c.do(ctx, "", "backup2", "restore", "--system", "--remove", "--source", source, c.dir)
}
