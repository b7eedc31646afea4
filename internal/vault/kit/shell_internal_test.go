package kit

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestShellReadsTheWords: however long words are, whatever is in them and
// wherever their lines are broken, a shell reads a command as it was meant.
func TestShellReadsTheWords(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		if os.Getenv("RUSSET_CLIENTS") == "require" {
			t.Fatal(err)
		}
		t.Skip("there is no shell")
	}
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("abcé苹 '\\\"$`*!~#;&|/-=")
	for round := range 200 {
		words, quoted := []string{}, []string{"printf", `'%s\n'`}
		for range 1 + r.IntN(4) {
			word := []rune{}
			for range r.IntN(1 + r.IntN(200)) {
				word = append(word, alphabet[r.IntN(len(alphabet))])
			}
			words = append(words, string(word))
			quoted = append(quoted, quote(string(word)))
		}
		width := 30 + r.IntN(70)
		lines := shellLines(quoted, width, round%2 == 0)
		for _, line := range lines {
			// What is all quotes and backslashes cannot be broken.
			if n := utf8.RuneCountInString(line); round%2 == 0 && n > width+20 {
				t.Errorf("a line of %d characters, wider than %d: %s", n, width, line)
			}
		}
		out, err := exec.CommandContext(t.Context(), shell, "-c", strings.Join(lines, "\n")).Output()
		if want := strings.Join(words, "\n") + "\n"; err != nil || string(out) != want {
			t.Fatalf("%v:\n%s\nis read as\n%s\nnot\n%s", err, strings.Join(lines, "\n"), out, want)
		}
	}
}
