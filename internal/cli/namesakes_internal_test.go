package cli

import (
	"strings"
	"testing"

	"russet"
)

// Two phones of one name are told apart in lists, and only those.
func TestNamesakes(t *testing.T) {
	var out strings.Builder
	a := &app{terminal: &terminal{out: &out}}
	a.printBackups([]russet.Backup{
		{ID: "1", Device: "00008140-000000000000AAAA", Name: "Carl"},
		{ID: "2", Device: "00008140-000000000000BBBB", Name: "carl"},
		{ID: "3", Device: "00008140-000000000000CCCC", Name: "Anna"},
		{ID: "4", Device: "00008140-000000000000CCCC", Name: "Anna"},
		{ID: "5", Device: "00008140-000000000000DDDD"},
		{ID: "6", Device: "00008140-000000000000EEEE"},
	})
	a.printRuns([]russet.Run{{Device: "00008140-000000000000AAAA", Name: "Carl"}, {Device: "00008140-000000000000BBBB", Name: "Carl"}})
	for _, want := range []string{"1   Carl (…AAAA)  ", "2   carl (…BBBB)  ", "3   Anna  ", "5   00008140-000000000000DDDD  ", "  Carl (…AAAA)  ", "  Carl (…BBBB)  "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
