package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"russet"
)

// ErrNotRunning is the error of Dial when no service runs for a home.
var ErrNotRunning = errors.New("no service runs here")

// Client speaks to the service that owns a home.
type Client struct {
	http  *http.Client
	hello Hello
}

// dialLimit bounds the way to a service on the same computer.
const dialLimit = 5 * time.Second

// Dial finds the service of a home. ErrNotRunning when there is none; another
// error when there is one that cannot be spoken to.
func Dial(ctx context.Context, home string) (*Client, error) {
	path, told := findSocket(home)
	// The administrator may ask the service of somebody whose home says where it is.
	if filepath.Base(path) != socketName && !(told && os.Getuid() == 0) {
		if err := ownDir(filepath.Dir(path), false); errors.Is(err, fs.ErrNotExist) {
			return nil, ErrNotRunning
		} else if err != nil {
			return nil, err
		}
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return dialLocal(ctx, path) }
	c := &Client{http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableCompression: true}}}
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	if err := c.ask(ctx, http.MethodGet, pathHello, nil, &c.hello); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Hello is what the service said of itself.
func (c *Client) Hello() Hello { return c.hello }

// dialLocal connects to the socket, and makes sure that it is ours: passwords
// go over it.
func dialLocal(ctx context.Context, path string) (net.Conn, error) {
	if info, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || (err == nil && info.Mode().Type()&^fs.ModeSymlink == 0) {
		return nil, ErrNotRunning
	}
	d := net.Dialer{Timeout: dialLimit}
	conn, err := d.DialContext(ctx, "unix", path)
	if isRefused(err) {
		return nil, ErrNotRunning // it was left by a service that died
	}
	if err != nil {
		return nil, unreachable(err)
	}
	uid, known, err := peer(conn)
	if err == nil && known && !mayTalk(uid) && os.Getuid() != 0 {
		err = fmt.Errorf("user %d listens there", uid)
	}
	if err != nil {
		conn.Close()
		return nil, unreachable(err)
	}
	return conn, nil
}

func unreachable(err error) error {
	return &russet.Error{
		Kind: russet.Failed, Doing: "ask the service", What: err.Error(),
		Hint: "is it russet's own folder, and yours? If the service hangs, stop it and start it again", Err: err,
	}
}

// Close lets go of the connection.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Status is what the service knows and is about to do.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var st Status
	return st, c.ask(ctx, http.MethodGet, pathStatus, nil, &st)
}

// Devices is Host.Devices as the service sees them.
func (c *Client) Devices(ctx context.Context) ([]russet.Device, error) {
	var a picked
	err := c.ask(ctx, http.MethodGet, pathDevices, nil, &a)
	if a.Devices == nil {
		a.Devices = []russet.Device{}
	}
	return a.Devices, err
}

// Connected is Host.Connected as the service sees them.
func (c *Client) Connected(ctx context.Context, words []string) (chosen, left []russet.Device, err error) {
	var a picked
	err = c.ask(ctx, http.MethodPost, pathPick, pick{Words: words}, &a)
	return a.Devices, a.Left, err
}

// Wake makes the service look at everything now; stores says that what is in
// them may have changed.
func (c *Client) Wake(ctx context.Context, stores bool) error {
	return c.ask(ctx, http.MethodPost, pathWake, wakeUp{Stores: stores}, &struct{}{})
}

// Stop asks the service to end, as Ctrl-C does.
func (c *Client) Stop(ctx context.Context) error {
	return c.ask(ctx, http.MethodPost, pathStop, struct{}{}, &struct{}{})
}

// ask asks one question that has one answer.
func (c *Client) ask(ctx context.Context, method, path string, q, a any) error {
	res, err := c.send(ctx, method, path, q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return lost(ctx, err)
	}
	if err := json.Unmarshal(data, a); err != nil {
		return unreachable(fmt.Errorf("its answer cannot be read: %w", err))
	}
	return nil
}

// send sends a question; an answer that is an error becomes one.
func (c *Client) send(ctx context.Context, method, path string, q any) (*http.Response, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://russet"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, lost(ctx, err)
	}
	if err := refused(res); err != nil {
		return nil, errors.Join(err, res.Body.Close())
	}
	return res, nil
}

// refused is the error that an answer is; nil if it is none.
func refused(res *http.Response) error {
	if api := res.Header.Get(apiHeader); api != strconv.Itoa(API) {
		return &russet.Error{
			Kind: russet.Unsupported, Doing: "ask the service", What: "the service that runs is of another russet than this command",
			Hint: "start the service again, so that both are the same",
		}
	}
	if res.StatusCode == http.StatusOK {
		return nil
	}
	var l line
	data, err := io.ReadAll(io.LimitReader(res.Body, maxRequest))
	if err == nil && json.Unmarshal(data, &l) == nil && l.Error != nil {
		return l.Error.err()
	}
	return unreachable(fmt.Errorf("it answers %s", res.Status))
}

// lost explains a conversation that broke off.
func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, ErrNotRunning) {
		return ErrNotRunning
	}
	if e, ok := errors.AsType[*russet.Error](err); ok {
		return e
	}
	return &russet.Error{
		Kind: russet.Interrupted, Doing: "ask the service", What: "it ended in the middle",
		Hint: "what was received is kept; try again: without a service the command works alone", Err: err,
	}
}
