package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every command explains itself the same way.
func TestHelp(t *testing.T) {
	a := &app{terminal: &terminal{out: &bytes.Buffer{}, err: &bytes.Buffer{}}, getenv: func(string) string { return "" }}
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		name := c.CommandPath()
		if name == "russet help" || name == "russet completion" {
			return // cobra's own
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || c.Short[0] < 'a' || c.Short[0] > 'z' {
			t.Errorf("%s: its short text is %q", name, c.Short)
		}
		if c.Long == "" || (c.HasParent() && c.Example == "") {
			t.Errorf("%s lacks a long text or an example", name)
		}
		for line := range strings.Lines(c.Long) {
			if len([]rune(strings.TrimRight(line, "\n"))) > 92 {
				t.Errorf("%s: a line is too long: %q", name, line)
			}
		}
		if c.HasParent() && !c.HasSubCommands() && name != "russet version" && !strings.Contains(c.Long, "Exit status:") {
			t.Errorf("%s does not tell its exit statuses", name)
		}
		page := string(manPage(c))
		for _, section := range []string{".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"} {
			if !strings.Contains(page, section) {
				t.Errorf("the manual page of %s lacks %s", name, section)
			}
		}
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(a.root())
}

func TestRoff(t *testing.T) {
	if got, want := roff(".dot\n'quote\na\\b --flag"), `\&.dot`+"\n"+`\&'quote`+"\n"+`a\eb \-\-flag`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
