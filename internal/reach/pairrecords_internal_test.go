package reach

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"russet"
)

// TestOddRecordsAreToldOnce: a keyring that is locked for a week does not fill
// the log, and is told of again once it was open.
func TestOddRecordsAreToldOnce(t *testing.T) {
	var log bytes.Buffer
	ds := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	one, two := russet.UDID("00008140-000650DDEC43D17F"), russet.UDID("00008140-001EB3E7B90CCDCF")
	locked := func() error { return errors.New("the keyring is locked") }
	for _, step := range []struct {
		udid russet.UDID
		odd  error
		want int
	}{
		{one, locked(), 1},
		{one, locked(), 1},
		{two, locked(), 2},
		{one, locked(), 2},
		{one, errors.New("it is damaged"), 3},
		{one, nil, 3},
		{one, locked(), 4},
	} {
		ds.tellOdd(step.udid, step.odd)
		if got := strings.Count(log.String(), "cannot be used"); got != step.want {
			t.Fatalf("%v of %s: told %d times, want %d\n%s", step.odd, step.udid, got, step.want, log.String())
		}
	}
}
