package schedule

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

func TestParseHours(t *testing.T) {
	for text, want := range map[string]string{
		"22:00-06:00": "22:00-06:00", "22-6": "22:00-06:00", " 9:30 – 17 ": "09:30-17:00",
		"0-24:00": "!", "22:00-24:00": "22:00-00:00", "any": "", "none": "", "": "", "ANY": "",
		"22:00": "!", "25-6": "!", "24:01-6": "!", "6-6": "!", "a-b": "!", "22:5-6": "!", "-1-6": "!",
		"22:60-6": "!", "1-2-3": "!", "22:000-6": "!", "+2-6": "!", "022-6": "!",
	} {
		h, err := ParseHours(text)
		if got := h.String(); want == "!" && err == nil || want != "!" && (err != nil || got != want) {
			t.Errorf("%q is read as %q, %v; want %q", text, got, err, want)
		}
	}
}

func FuzzParseHours(f *testing.F) {
	for _, text := range []string{"22:00-06:00", "any", "22-6", "9:30–17:00", "24:00-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHours(text)
		if err != nil {
			return
		}
		if h.From < 0 || h.From >= minutesOfDay || h.To < 0 || h.To >= minutesOfDay {
			t.Fatalf("%q is read as %+v", text, h)
		}
		if again, err := ParseHours(h.String()); err != nil || again != h {
			t.Fatalf("%q is read as %v, which is read as %v, %v", text, h, again, err)
		}
	})
}

// Around the days on which clocks change, Next and End agree with looking at
// every minute.
func TestHoursAcrossClockChanges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, day := range []struct {
		zone        string
		year, month int
		day         int
	}{
		{"Europe/Berlin", 2026, 3, 28},
		{"Europe/Berlin", 2026, 10, 24},
		{"America/New_York", 2026, 3, 7},
		{"Australia/Lord_Howe", 2026, 4, 4},
		{"Australia/Lord_Howe", 2026, 10, 3},
		{"Asia/Kathmandu", 2026, 5, 5},
		{"America/Santiago", 2026, 9, 5}, // the hour after midnight is left out
	} {
		zone, err := time.LoadLocation(day.zone)
		if err != nil {
			t.Fatal(err)
		}
		midnight := time.Date(day.year, time.Month(day.month), day.day, 0, 0, 0, 0, zone)
		for range 300 {
			h := Hours{Minute(r.IntN(96) * 15), Minute(r.IntN(96) * 15)}
			if r.IntN(2) == 0 { // within the hours that are left out or come twice
				h = Hours{Minute(60 + r.IntN(150)), Minute(60 + r.IntN(150))}
			}
			at := midnight.Add(time.Duration(r.IntN(48*3600)) * time.Second)
			if got, want := h.Next(at), byMinute(h, at, true); !got.Equal(want) {
				t.Errorf("%s in %v: next %v, want %v", h, at, got, want)
			}
			if h.Any() {
				continue
			}
			if got, want := h.End(at), byMinute(h, at, false); !got.Equal(want) {
				t.Errorf("%s in %v: end %v, want %v", h, at, got, want)
			}
		}
	}
}

// byMinute finds the first moment from t on that lies in h, or does not.
func byMinute(h Hours, t time.Time, in bool) time.Time {
	if h.Contains(t) == in {
		return t
	}
	for t = t.Truncate(time.Minute); h.Contains(t) != in; {
		t = t.Add(time.Minute)
	}
	return t
}

func TestOpens(t *testing.T) {
	p := Default()
	p.Window = Hours{From: 6 * 60, To: 8 * 60} // and quiet until 7
	night := time.Date(2026, 11, 26, 3, 0, 0, 0, zone)
	if got := p.Opens(night, false); got.Hour() != 6 {
		t.Errorf("a phone that never asks begins at %v", got)
	}
	if got := p.Opens(night, true); got.Hour() != 7 || p.NeverAsks() {
		t.Errorf("a phone that asks begins at %v", got)
	}
	p.Window = Hours{From: 23 * 60, To: 6 * 60}
	if got := p.Opens(night, true); !got.IsZero() || !p.NeverAsks() {
		t.Errorf("quiet at all hours of the window, and it begins at %v", got)
	}
	p.Quiet = Hours{}
	if p.NeverAsks() || p.QuietAt(night) {
		t.Error("no quiet hours are all hours")
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]string{
		"1d": "1d", "24h": "1d", "36h": "1d12h", "2w": "14d", "90m": "1h30m", "1d12h30m": "1d12h30m", "45s": "45s", "0s": "0s", "0h": "0s",
		"": "!", " ": "!", "1": "!", "d": "!", "1x": "!", "-1d": "!", "1h1d": "!", "1d1d": "!", "1.5h": "!",
		"99999999999999999999d": "!", "200000d": "!", "1d ": "1d",
	} {
		s, err := ParseSpan(text)
		if got := s.String(); want == "!" && err == nil || want != "!" && (err != nil || got != want) {
			t.Errorf("%q is read as %q, %v; want %q", text, got, err, want)
		}
	}
}

// What was chosen is written and read again, and lies over what is wider.
func TestSettings(t *testing.T) {
	no, stores, every, quiet := false, []string{"nas", "s3"}, Span(7*24*time.Hour), Hours{}
	s := Settings{Power: &no, Stores: &stores, Every: &every, Quiet: &quiet}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"stores":["nas","s3"],"every":"7d","quiet":"","power":false}`; string(data) != want {
		t.Errorf("written as %s", data)
	}
	var read Settings
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Power, want.Stores, want.Every, want.Quiet = false, stores, 7*24*time.Hour, Hours{}
	want.Overdue = 14 * 24 * time.Hour // a weekly backup is not overdue after a week
	p := read.Over(Default())
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v", p)
	}
	if got := (Settings{}).Over(p); !reflect.DeepEqual(got, p) || !(Settings{}).IsZero() || s.IsZero() {
		t.Errorf("nothing chosen changes something: %+v", got)
	}
	if data, err = json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	if want := `{"automatic":true,"stores":["nas","s3"],"window":"","quiet":"","locked":true,"power":false,"battery":20,"ways":"","asks":3,"every":"7d","overdue":"14d"}`; string(data) != want {
		t.Errorf("written as %s", data)
	}
	var again Policy
	if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("read again as %+v, %v", again, err)
	}
}
