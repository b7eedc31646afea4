package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// past is a deadline that has gone by.
var past = time.Unix(1, 0)

// Do runs exchange, which blocks in the use of a connection, and makes it stop
// when ctx ends or, unless limit is 0, when limit has passed. setDeadline is
// the SetDeadline, SetReadDeadline or SetWriteDeadline of that connection; it
// is cleared again before Do returns.
//
// The error is ctx's cause when ctx ended, and one that wraps
// os.ErrDeadlineExceeded and names the limit when that passed.
func Do(ctx context.Context, limit time.Duration, setDeadline func(time.Time) error, exchange func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var deadline time.Time
	if limit > 0 {
		deadline = time.Now().Add(limit)
	}
	switch err := setDeadline(deadline); {
	case errors.Is(err, io.ErrClosedPipe):
		return io.EOF // the word of net.Pipe for an other end that has closed
	case err != nil:
		return err
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = setDeadline(past) // fails only on a closed connection, which does not block
		close(interrupted)
	})
	err := exchange()
	if !stop() {
		<-interrupted // else its deadline could hit the next exchange
	}
	_ = setDeadline(time.Time{}) // the next exchange sets its own
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case limit > 0 && errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer within %v: %w", limit, err)
	default:
		return err
	}
}
