package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"russet/internal/host"
)

// confirm says what is about to happen and asks whether it should. --yes
// answers; without a terminal a missing answer is an error.
func (a *app) confirm(ctx context.Context, what string) error {
	if a.yes {
		return nil
	}
	if !a.asks {
		return usage("answer with --yes", "%s This needs an answer, and there is no terminal to ask on.", what)
	}
	answer, err := a.question(ctx, what+" Go on? [y/N] ")
	if err != nil {
		return err
	}
	if a := strings.ToLower(answer); a != "y" && a != "yes" {
		return usage("", "nothing was done")
	}
	return nil
}

// question asks for one line.
func (a *app) question(ctx context.Context, prompt string) (string, error) {
	to, done := a.person()
	defer done()
	fmt.Fprint(to, plainLines(prompt))
	line, err := answer(ctx, func() (string, error) { return readLine(a.in) })
	if err != nil {
		fmt.Fprintln(to)
		return "", fmt.Errorf("read the answer: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// askPassword asks for a password without showing it.
func (a *app) askPassword(ctx context.Context, prompt, flag string) (string, error) {
	if !a.asks {
		return "", usage(fmt.Sprintf("name a file that holds it with %s (- reads standard input)", flag),
			"a password is needed, and there is no terminal to ask on")
	}
	to, done := a.person()
	defer done()
	fmt.Fprint(to, plainLines(prompt))
	state, err := term.GetState(int(a.in.Fd()))
	if err != nil {
		return "", fmt.Errorf("hide the password: %w", err)
	}
	password, err := answer(ctx, func() (string, error) {
		b, err := term.ReadPassword(int(a.in.Fd()))
		return string(b), err
	})
	fmt.Fprintln(to)
	if err != nil {
		return "", errors.Join(fmt.Errorf("read the password: %w", err), term.Restore(int(a.in.Fd()), state))
	}
	return password, nil
}

// newPassword asks twice for a password that nobody can recover.
func (a *app) newPassword(ctx context.Context, file, flag string) (string, error) {
	return a.newSecret(ctx, file, flag, "New backup password: ",
		"A backup password cannot be recovered. Without it encrypted backups stay closed for ever,\n"+
			"and only \"Reset All Settings\" on the phone removes it. Write it down.")
}

// newSecret reads a password from a file or asks for it twice, after saying
// what hangs on it.
func (a *app) newSecret(ctx context.Context, file, flag, prompt, what string) (string, error) {
	if file != "" {
		return a.passwordFrom(file)
	}
	if a.asks {
		to, done := a.person()
		fmt.Fprintln(to, what)
		done()
	}
	for {
		first, err := a.askPassword(ctx, prompt, flag)
		if err != nil {
			return "", err
		}
		if first == "" {
			return "", usage("", "an empty password protects nothing; nothing was done")
		}
		second, err := a.askPassword(ctx, "The same again: ", flag)
		if err != nil {
			return "", err
		}
		if first == second {
			return first, nil
		}
		fmt.Fprintln(a.err, "These differ. Once more.")
	}
}

// passwordFrom reads the first line of a file; - is standard input.
func (a *app) passwordFrom(file string) (string, error) {
	if file == "-" {
		line, err := readLine(a.in)
		if err != nil {
			return "", usage("the first line is the password", "there is no password on standard input")
		}
		return line, nil
	}
	return host.PasswordFromFile(file)
}

// answer waits for a person, but not longer than ctx.
func answer(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		line string
		err  error
	}
	got := make(chan result, 1)
	go func() {
		line, err := read()
		got <- result{line, err}
	}()
	select {
	case r := <-got:
		return r.line, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// person is where questions are written: the terminal itself, so that they
// are seen when standard error goes to a file.
func (a *app) person() (w io.Writer, done func()) {
	tty, err := os.OpenFile(ttyName, os.O_WRONLY, 0)
	if err != nil {
		return a.err, func() {}
	}
	return tty, func() { tty.Close() }
}

// maxLine bounds an answer.
const maxLine = 64 << 10

// readLine reads a line byte by byte, so that what follows it is left for the
// next question.
func readLine(r io.Reader) (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < maxLine {
		n, err := r.Read(b[:])
		if n == 1 && b[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b[:n]...)
		if errors.Is(err, io.EOF) && len(line) > 0 {
			return string(line), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("the line is longer than %d bytes", maxLine)
}
