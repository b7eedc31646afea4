package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"russet/vphone"
)

const ctlHelp = `Usage: vphone ctl SOCKET [@PHONE] COMMAND [ARGUMENTS]

Does to a running phone what its owner would do. SOCKET is what vphone serve was
given as --control. PHONE is a UDID or a name; without it the first phone is meant.

Commands:
`

// printHelp writes the commands and the faults.
func printHelp(out io.Writer) {
	fmt.Fprint(out, ctlHelp)
	for _, c := range controls() {
		fmt.Fprintf(out, "  %s\n        %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	fmt.Fprint(out, "  later DURATION COMMAND [ARGUMENTS]\n        do it after a while\n  quit\n        end vphone serve\n\nFaults:\n")
	for _, line := range vphone.FaultHelp() {
		fmt.Fprintf(out, "  %s\n", line)
	}
}

func runCtl(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
		printHelp(out)
		return nil
	}
	if len(args) < 2 {
		return fmt.Errorf("%w of ctl: a socket and a command; see vphone ctl -h", errUsage)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", args[0])
	if err != nil {
		return fmt.Errorf("no vphone serve answers: %w", err)
	}
	defer conn.Close()
	// An interrupt ends the wait for an answer, too.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := json.NewEncoder(conn).Encode(controlRequest{Args: args[1:]}); err != nil {
		return err
	}
	var answer controlAnswer
	if err := json.NewDecoder(conn).Decode(&answer); err != nil {
		return fmt.Errorf("answer of vphone serve: %w", err)
	}
	if answer.Output != "" {
		fmt.Fprintln(out, answer.Output)
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return nil
}
