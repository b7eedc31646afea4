package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"russet"
	"russet/internal/host"
)

// API is the version of what is spoken over the local socket. It is part of
// every path, and of every answer as a header: a command of another russet than
// the service finds out before it misunderstands.
const API = 1

const (
	apiHeader = "Russet-Api"

	pathHello   = "/v1/hello"
	pathStatus  = "/v1/status"
	pathDevices = "/v1/devices"
	pathPick    = "/v1/pick"
	pathBackup  = "/v1/backup"
	pathCancel  = "/v1/cancel"
	pathWake    = "/v1/wake"
	pathStop    = "/v1/stop"
)

const (
	maxRequest = 64 << 10 // bytes of one question
	// maxAnswer bounds one answer, or one line of one: a run may name a hundred
	// thousand files that could not be read.
	maxAnswer = 32 << 20
	maxID     = 64
)

// Hello is what the service says of itself.
type Hello struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
	Page    string `json:"page"` // the address of its page; "" if it has none
}

// pick asks which devices a person means, and is answered by picked.
type pick struct {
	Words []string `json:"words"`
}

type picked struct {
	Devices []russet.Device `json:"devices"`
	Left    []russet.Device `json:"left"` // there, but not trusting this computer
}

// order is a run that a person wants now.
type order struct {
	ID       string      `json:"id"` // chosen by who asks, to cancel it
	Device   russet.UDID `json:"device"`
	Store    string      `json:"store"`
	Full     bool        `json:"full"`
	Retry    int         `json:"retry"`
	Password string      `json:"password,omitempty"` // the backup password, for this run
}

// wakeUp makes the service look. Stores says that what is in them may have
// changed.
type wakeUp struct {
	Stores bool `json:"stores"`
}

type cancelOrder struct {
	ID string `json:"id"`
}

// line is one line of the answer to an order: steps, and the result at the end.
type line struct {
	Event  *russet.Event      `json:"event,omitempty"`
	Result *host.BackupResult `json:"result,omitempty"`
	Error  *wireError         `json:"error,omitempty"` // with the result
}

// wireError is an error on its way from the service to a command.
type wireError struct {
	Kind  russet.Kind `json:"kind"`
	Doing string      `json:"doing,omitempty"`
	What  string      `json:"what"`
	Hint  string      `json:"hint,omitempty"`
	Code  int         `json:"code,omitempty"` // the phone's own
}

func newWireError(e *russet.Error) *wireError {
	if e == nil {
		return nil
	}
	what := e.What
	if what == "" && e.Err != nil {
		what = e.Err.Error()
	}
	return &wireError{Kind: e.Kind, Doing: e.Doing, What: what, Hint: e.Hint, Code: e.Code}
}

// err is the error as it was on the other side.
func (w *wireError) err() error {
	if w == nil {
		return nil
	}
	kind := w.Kind
	if kind <= 0 || kind > 255 {
		kind = russet.Failed
	}
	return &russet.Error{Kind: kind, Doing: w.Doing, What: w.What, Hint: w.Hint, Code: w.Code}
}

// refuse answers with an error. The status of HTTP says only that it is one.
func refuse(w http.ResponseWriter, status int, e *russet.Error) {
	answer(w, status, line{Error: newWireError(e)})
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // who asked has gone
}

// askLimit is how long a question may take to arrive. Its answer may take as
// long as a backup does.
const askLimit = 5 * time.Second

// hear takes in the body of a question.
func hear(w http.ResponseWriter, r *http.Request) error {
	c := http.NewResponseController(w)
	if err := c.SetReadDeadline(time.Now().Add(askLimit)); err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	return c.SetReadDeadline(time.Time{})
}

// question reads a bounded JSON body.
func question(r *http.Request, v any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return err
	}
	if len(data) > maxRequest {
		return fmt.Errorf("a question of more than %d bytes", maxRequest)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("a question that is no JSON of ours: %w", err)
	}
	return nil
}

// check bounds what an order may say.
func (o order) check() error {
	switch {
	case o.ID == "" || len(o.ID) > maxID:
		return errors.New("an order without a name of its own")
	case !o.Device.Valid():
		return fmt.Errorf("%q is not a device's identifier", o.Device)
	case o.Retry < 0 || o.Retry > maxRetry:
		return fmt.Errorf("%d is no number of retries", o.Retry)
	}
	return nil
}

// maxRetry is more than anybody waits for.
const maxRetry = 10_000
