package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"russet"
)

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 9949: "9.9 kB", 9951: "10 kB", 999_499: "999 kB", 999_600: "1.0 MB",
		33_340_000_000: "33 GB", 5e15: "5000 TB", -1500: "-1.5 kB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestCounts(t *testing.T) {
	for n, want := range map[int]string{0: "0 files", 1: "1 file", 999: "999 files", 133_412: "133,412 files", -1_000_000: "-1,000,000 files"} {
		if got := many(n, "file"); got != want {
			t.Errorf("many(%d) = %q, want %q", n, got, want)
		}
	}
	if got := many(2, "entry"); got != "2 entries" {
		t.Errorf("got %q", got)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond: "0 s", 59 * time.Second: "59 s", 200 * time.Second: "3 min 20 s",
		3*time.Hour + 5*time.Minute: "3 h 5 min", 72 * time.Hour: "3 days",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{
		"50GB": 50e9, "1.5 TB": 1.5e12, "500000000": 5e8, "2GiB": 2 << 30, "3k": 3000, "none": 0, "7 b": 7,
	} {
		if got, err := parseSize(s); got != want || err != nil {
			t.Errorf("parseSize(%q) = %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "GB", "-5GB", "0", "NaN", "Inf", "1e30", "5XB", "5 GBs", "9999999999TB", "50", "999999"} {
		if got, err := parseSize(s); russet.KindOf(err) != russet.Usage {
			t.Errorf("parseSize(%q) = %d, %v", s, got, err)
		}
	}
}

// A slow line has few bytes a second, and their number may stand alone.
func TestParseRate(t *testing.T) {
	for s, want := range map[string]int64{"2MB/s": 2_000_000, "2MB": 2_000_000, "500000": 500_000, "64KiB/s": 64 << 10, "none": 0} {
		if got, err := parseRate(s); err != nil || got != want {
			t.Errorf("parseRate(%q) = %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "10", "fast", "0", "/s"} {
		if got, err := parseRate(s); russet.KindOf(err) != russet.Usage {
			t.Errorf("parseRate(%q) = %d, %v", s, got, err)
		}
	}
}

// What a phone calls itself must not reach the terminal as commands to it.
func TestPlain(t *testing.T) {
	for s, want := range map[string]string{
		"Anna’s iPhone 👩‍💻": "Anna’s iPhone 👩‍💻",
		"red\x1b[31m":       "red\ufffd[31m",
		"two\nlines\r":      "two\ufffdlines\ufffd",
		"turn\u202eed":      "turn\ufffded",
		"bad\xff":           "bad\ufffd",
	} {
		if got := plain(s); got != want {
			t.Errorf("plain(%q) = %q", s, got)
		}
	}
}

func TestTable(t *testing.T) {
	table := newTable("NAME", ">SIZE", "NOTE")
	table.row("Anna 👩‍💻", "5 B", "")
	table.row("日本", "120 B", "x")
	var out bytes.Buffer
	table.print(&out)
	want := "NAME      SIZE  NOTE\nAnna 👩‍💻    5 B\n日本     120 B  x\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// What stands after "every".
func TestEvery(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "never", time.Hour: "hour", 12 * time.Hour: "12 hours", 24 * time.Hour: "day", 30 * 24 * time.Hour: "30 days",
		7 * 24 * time.Hour: "week", 14 * 24 * time.Hour: "2 weeks", 90 * time.Minute: "1 h 30 min",
	} {
		if got := everyText(d); got != want {
			t.Errorf("every %s, not every %s", got, want)
		}
	}
}

// A name in quotes is shown as it is, unless it could rewrite the terminal.
func TestPlainLines(t *testing.T) {
	for _, name := range []string{"Anna 👩\u200d👧\u200d👦", "گوشی\u200cمن", "a ❤️"} {
		if got := plainLines(fmt.Sprintf("no %q\nhere", name)); got != "no \""+name+"\"\nhere" {
			t.Errorf("%s", got)
		}
	}
	if got := plainLines(fmt.Sprintf("%q", "\u202egnp\x1b[1m")); strings.ContainsAny(got, "\u202e\x1b") {
		t.Errorf("%q", got)
	}
}
