package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminal is where a command reads and writes. Results go to out, everything
// else to err; questions go to the person, if there is one.
type terminal struct {
	in       *os.File
	out, err io.Writer
	asks     bool // a person sits there and can answer
	draws    bool // err is a terminal that can redraw its line
	color    bool // err may be coloured
	width    func() int
}

// newTerminal looks at the process's own streams.
func newTerminal(getenv func(string) string) *terminal {
	dumb := getenv("TERM") == "dumb"
	errTTY := term.IsTerminal(int(os.Stderr.Fd()))
	t := &terminal{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		asks:  term.IsTerminal(int(os.Stdin.Fd())),
		draws: errTTY && !dumb,
		color: wantsColor(getenv, errTTY && !dumb),
		width: errWidth,
	}
	return t
}

// wantsColor follows https://no-color.org and https://bixense.com/clicolors.
func wantsColor(getenv func(string) string, tty bool) bool {
	switch {
	case getenv("NO_COLOR") != "":
		return false
	case getenv("CLICOLOR_FORCE") != "" && getenv("CLICOLOR_FORCE") != "0":
		return true
	default:
		return tty && getenv("CLICOLOR") != "0"
	}
}

// errWidth is how many columns the terminal has, 80 when it does not say.
func errWidth() int {
	w, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil || w < 20 {
		return 80
	}
	return w
}

// The few styles in use.
const (
	bold   = "1"
	red    = "31"
	yellow = "33"
)

// paint colours s when colours are wanted.
func (t *terminal) paint(style, s string) string {
	if !t.color {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[0m"
}
