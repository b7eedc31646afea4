package doctor

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/doctor.md anew")

const document = "../../docs/doctor.md"

// docs/doctor.md lists what the doctor can find, as it says it.
func TestDocument(t *testing.T) {
	want := page()
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what the catalogue says; go test ./internal/doctor -run TestDocument -update writes it", document)
	}
}

func page() string {
	var b strings.Builder
	b.WriteString(`# What the doctor can find

"russet doctor" looks at everything a backup needs and says what is wrong, with the next step; "russet doctor DEVICE" speaks of one phone alone. It changes nothing and makes
no phone ask anything. One cause hides what only follows from it: where usbmuxd is missing, nobody is told that no phone is on the cable.

With --json every finding has a "code", which never changes its meaning, beside "what" (the sentence), "hint" (the next step), "good", "kind" (the exit status it stands for, 0
when it is good or only worth a word), and "device" (UDID) or "store" when it is about one. The exit status of the command is that of the gravest finding; how the last runs
ended counts only when nothing is wrong now.

The words in braces stand for what is known when it is said. This page is written from the program (internal/doctor).
`)
	for _, s := range Catalogue() {
		fmt.Fprintf(&b, "\n## %s\n\n| code | status | what it says | the next step |\n|---|---|---|---|\n", s.Title)
		for _, c := range s.Cases {
			status := "ok"
			switch {
			case c.Kind != 0:
				status = fmt.Sprint(int(c.Kind))
			case !c.Good:
				status = "–"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Code, status, cell(c.What), cell(c.Next))
		}
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
