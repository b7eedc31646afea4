package russet_test

import (
	"testing"

	"russet"
)

// The reason of a run is said once.
func TestWhy(t *testing.T) {
	for text, want := range map[string]string{
		`back up "Anna's \"phone\"": the connection to the phone was lost`: "the connection to the phone was lost",
		`back up "a" to the store "b": its disk has 3 bytes left`:          "its disk has 3 bytes left",
		`back up everything`: "back up everything",
		`back up "a" twice`:  `back up "a" twice`,
		"":                   "",
	} {
		if got := (russet.Run{Error: text}).Why(); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}
