package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"russet"
)

// play shows events on a terminal of a kind and returns what it got.
func play(draws bool, names []string, events ...russet.Event) string {
	var out bytes.Buffer
	p := &progress{term: &terminal{err: &out, draws: draws, width: func() int { return 60 }}}
	var shows []func(russet.Event)
	for _, name := range names {
		shows = append(shows, p.run(name))
	}
	for i, e := range events {
		shows[i%len(shows)](e)
	}
	p.end()
	return out.String()
}

func at(seconds float64, stage russet.Stage, percent float64) russet.Event {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return russet.Event{Time: start.Add(time.Duration(seconds * float64(time.Second))), Stage: stage, Percent: percent}
}

func TestPlainProgress(t *testing.T) {
	receiving := func(seconds, percent float64, bytes int64) russet.Event {
		e := at(seconds, russet.Receiving, percent)
		e.Bytes, e.Files, e.Rate = bytes, 3, 2e6
		return e
	}
	said := at(2, russet.Waiting, -1)
	said.Message = "unlock it"
	got := play(false, []string{"anna"}, at(0, russet.Connecting, -1), said, receiving(10, 10, 1e6),
		receiving(40, 20, 2e6), receiving(71, 30, 3e6), at(80, russet.Moving, 99), at(90, russet.Done, -1))
	want := "connecting\nunlock it\n" +
		"receiving  10 %  1.0 MB  3 files  2.0 MB/s\n" +
		"receiving  30 %  3.0 MB  3 files  2.0 MB/s  about 3 min 34 s left\n" +
		"putting files in place\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestSeveralPhonesAreNamed(t *testing.T) {
	got := play(false, []string{"anna", "bert"}, at(0, russet.Connecting, -1), at(0, russet.Connecting, -1))
	if got != "anna: connecting\nbert: connecting\n" {
		t.Errorf("got %q", got)
	}
}

func TestDrawnProgressStaysOnItsLine(t *testing.T) {
	e := at(0, russet.Receiving, 10)
	e.Passcode, e.Quiet = true, 95
	got := play(true, []string{"anna"}, e, at(1, russet.Moving, 99))
	if strings.Contains(got, "\n") || !strings.Contains(got, "waiting for the passcode") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("got %q", got)
	}
	for line := range strings.SplitSeq(got, "\r") {
		if len([]rune(strings.TrimSuffix(line, "\x1b[K"))) > 59 {
			t.Errorf("too long for the terminal: %q", line)
		}
	}
}

func TestColor(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		tty  bool
		want bool
	}{
		{nil, true, true},
		{nil, false, false},
		{map[string]string{"NO_COLOR": "1"}, true, false},
		{map[string]string{"CLICOLOR": "0"}, true, false},
		{map[string]string{"CLICOLOR_FORCE": "1"}, false, true},
		{map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, true, false},
	} {
		if got := wantsColor(func(name string) string { return test.env[name] }, test.tty); got != test.want {
			t.Errorf("%v on a terminal %v: %v", test.env, test.tty, got)
		}
	}
}
