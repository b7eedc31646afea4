//go:build darwin || windows

package notify

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
)

// show runs a program of the system that shows a message. Its arguments and
// variables hold what strangers named, so it must be one that takes neither for
// a command.
func show(ctx context.Context, cmd *exec.Cmd) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err == nil || ctx.Err() != nil {
		return err
	}
	if errors.Is(err, exec.ErrNotFound) {
		return noDesktop("the program that shows messages is not on this computer: "+cmd.Args[0], err)
	}
	return noDesktop("the message could not be shown: "+cut(Clean(strings.TrimSpace(out.String()+" "+err.Error())), 200), err)
}
