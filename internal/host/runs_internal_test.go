package host

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/home"
)

// The end of a history tells the same as all of it, whatever lies in it.
func TestLastRun(t *testing.T) {
	const device = russet.UDID("00008140-000650DDEC43D17F")
	h := Open(Options{Home: home.Place{Dir: t.TempDir()}})
	defer h.Close()
	same := func(what string) {
		t.Helper()
		all, err := h.Runs(device)
		if err != nil {
			t.Fatal(err)
		}
		last, err := h.LastRun(device)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case len(all) == 0 && last != nil:
			t.Errorf("%s: %+v out of nothing", what, last)
		case len(all) > 0 && (last == nil || last.ID != all[len(all)-1].ID || len(last.Unread) != len(all[len(all)-1].Unread)):
			t.Errorf("%s: %+v is not the last of %d", what, last, len(all))
		}
	}
	add := func(text string) {
		t.Helper()
		f, err := os.OpenFile(h.runsFile(device), os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			_, err = f.WriteString(text)
		}
		if err = firstOf(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	same("nothing")
	for i := range 400 {
		run := russet.Run{ID: fmt.Sprint(i), Device: device, End: time.Unix(int64(i), 0)}
		if i == 300 { // longer than what is read first
			for range 3000 {
				run.Unread = append(run.Unread, russet.Problem{Path: strings.Repeat("p", 40), What: "unreadable"})
			}
		}
		if err := h.addRun(run); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 || i > 298 && i < 302 {
			same(fmt.Sprint(i))
		}
	}
	add(`{"id":"torn","dev`)
	same("torn by a power cut")
	add("\n" + strings.Repeat("x", 2*runsTail) + "\n\n")
	same("spoiled")
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
