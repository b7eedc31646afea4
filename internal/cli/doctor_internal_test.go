package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"russet/internal/doctor"
)

// Every command that the doctor names can be typed: the commands and the flags
// are there.
func TestDoctorsCommands(t *testing.T) {
	a := &app{terminal: newTerminal(os.Getenv), getenv: os.Getenv}
	root := a.root()
	command := regexp.MustCompile(`russet((?: (?:--?)?[a-z][a-z-]*| \{[a-z]+\}| [A-Z]+| on| "[^"]*")+)`)
	n := 0
	for _, s := range doctor.Catalogue() {
		for _, c := range s.Cases {
			for _, m := range command.FindAllStringSubmatch(c.Next, -1) {
				words := strings.Fields(m[1])
				if words[0] == "in" || words[0] == "as" {
					continue // a sentence about russet
				}
				n++
				cmd, _, err := root.Find(words)
				if err != nil || !cmd.HasParent() {
					t.Errorf("%s: %q is no command: %v", c.Code, m[0], err)
					continue
				}
				for _, w := range words {
					flag, ok := strings.CutPrefix(w, "--")
					if ok && flag != "help" && cmd.Flags().Lookup(flag) == nil && cmd.InheritedFlags().Lookup(flag) == nil {
						t.Errorf("%s: %q has no flag --%s", c.Code, cmd.CommandPath(), flag)
					}
				}
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d commands were looked at", n)
	}
}
