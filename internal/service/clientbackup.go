package service

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"russet"
	"russet/internal/host"
)

// BackUp lets the service back a device up, and waits. The end of ctx stops
// that run; what the service then says of it is still heard, within stopLimit.
func (c *Client) BackUp(ctx context.Context, r Request, progress func(russet.Event)) (host.BackupResult, error) {
	o := order{ID: rand.Text(), Device: r.Device, Store: r.Store, Full: r.Full, Retry: r.Retry, Password: r.Password}
	none := host.BackupResult{Notes: []string{}}
	after, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	defer context.AfterFunc(ctx, func() {
		defer time.AfterFunc(stopLimit, leave).Stop()
		if err := c.ask(after, http.MethodPost, pathCancel, cancelOrder{ID: o.ID}, &struct{}{}); err != nil {
			leave()
		}
		<-after.Done()
	})()
	res, err := c.send(after, http.MethodPost, pathBackup, o)
	if err != nil {
		return none, err
	}
	defer res.Body.Close()
	result, err := follow(res.Body, progress)
	if result == nil {
		return none, lost(after, err)
	}
	return *result, err
}

// follow reads the lines of a run to its result. Without one the error is that
// of the connection.
func follow(body io.Reader, progress func(russet.Event)) (*host.BackupResult, error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxAnswer)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("a line that is none of ours: %w", err)
		}
		if l.Event != nil && progress != nil {
			progress(*l.Event)
		}
		if l.Result != nil {
			return l.Result, l.Error.err()
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}
