package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"russet/vphone"
)

// A control connection carries one request and one answer, each a line of JSON.
type controlRequest struct {
	Args []string `json:"args"`
}

type controlAnswer struct {
	Output string `json:"output"`
	Error  string `json:"error,omitempty"`
}

// maxRequest bounds a line; nobody's command is longer.
const maxRequest = 64 << 10

// A controller does what vphone ctl asks.
type controller struct {
	mux  *vphone.Mux
	stop func()
	log  *slog.Logger // for what is done later
}

func (c *controller) serve(ctx context.Context, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go c.answer(ctx, conn)
	}
}

func (c *controller) answer(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxRequest)
	if !lines.Scan() {
		return
	}
	var req controlRequest
	var reply controlAnswer
	err := json.Unmarshal(lines.Bytes(), &req)
	if err == nil {
		reply.Output, err = c.do(ctx, req.Args)
	}
	if err != nil {
		reply.Error = err.Error()
	}
	// A client that has gone does not want the answer.
	_ = json.NewEncoder(conn).Encode(reply)
}

// do runs one command; a phone may be named before it.
func (c *controller) do(ctx context.Context, args []string) (string, error) {
	phones := c.mux.Phones()
	phone := phones[0]
	if name, ok := strings.CutPrefix(strings.Join(args[:min(1, len(args))], ""), "@"); ok {
		if phone = find(phones, name); phone == nil {
			return "", fmt.Errorf("no phone is called %q", name)
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return "", errors.New("a command is missing")
	}
	if args[0] == "later" {
		return "", c.later(ctx, phone, args[1:])
	}
	run, err := c.command(phone, args)
	if err != nil {
		return "", err
	}
	return run(ctx)
}

// command finds a command and checks the number of its arguments.
func (c *controller) command(phone *vphone.Phone, args []string) (func(context.Context) (string, error), error) {
	if args[0] == "quit" {
		return func(context.Context) (string, error) { c.stop(); return "", nil }, nil
	}
	for _, cmd := range controls() {
		if cmd.name != args[0] {
			continue
		}
		if n := len(args) - 1; n < cmd.least || n > cmd.most {
			return nil, fmt.Errorf("usage: %s %s", cmd.name, cmd.args)
		}
		return func(ctx context.Context) (string, error) { return cmd.run(ctx, phone, args[1:]) }, nil
	}
	return nil, fmt.Errorf("there is no command %q; see vphone ctl -h", args[0])
}

// later runs a command after a while; what it says and how it fails is logged.
func (c *controller) later(ctx context.Context, phone *vphone.Phone, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: later DURATION COMMAND [ARGUMENTS]")
	}
	wait, err := parseDuration(args[0])
	if err != nil {
		return err
	}
	run, err := c.command(phone, args[1:])
	if err != nil {
		return err
	}
	timer := time.AfterFunc(wait, func() {
		out, err := run(ctx)
		c.log.Info("later", "command", args[1], "output", out, "error", err)
	})
	context.AfterFunc(ctx, func() { timer.Stop() })
	return nil
}

// find takes a UDID or a name.
func find(phones []*vphone.Phone, name string) *vphone.Phone {
	for _, p := range phones {
		if id := p.Identity(); strings.EqualFold(id.UDID, name) || id.DeviceName == name {
			return p
		}
	}
	return nil
}
