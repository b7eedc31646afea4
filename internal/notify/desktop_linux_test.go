package notify_test

import (
	"encoding/json"
	"html"
	"os/exec"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/notify"
)

// shown are the messages dunst has shown, the newest first.
func shown(t *testing.T) []map[string]struct{ Data any } {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "dunstctl", "close-all").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var history struct {
		Data [][]map[string]struct{ Data any }
	}
	for range 100 { // closing takes a moment
		out, err := exec.CommandContext(t.Context(), "dunstctl", "history").Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &history); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if len(history.Data) > 0 && len(history.Data[0]) > 0 {
			return history.Data[0]
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// A person sees the words as they are, whether dunst knows markup or not.
func TestDesktop(t *testing.T) {
	for name, settings := range map[string]string{"usual": "", "markup": "markup = full", "no markup": "markup = no"} {
		t.Run(name, func(t *testing.T) {
			startDunst(t, settings)
			me := notify.Channel{Name: "me", Type: notify.Desktop}
			m := notify.ForPasscode(subject(evilName), false)
			m.Text = "<b>" + m.Name + "</b> & more"
			if err := notify.Send(within(t, 20*time.Second), me, notify.Credentials{}, m); err != nil {
				t.Fatal(err)
			}
			all := shown(t)
			if len(all) != 1 {
				t.Fatalf("it shows %v", all)
			}
			// "message" is what it draws, in the markup of Pango: its own <b> around
			// the title, and entities.
			drawn, _ := all[0]["message"].Data.(string)
			drawn = html.UnescapeString(strings.NewReplacer("<b>", "", "</b>", "").Replace(drawn))
			drawn = strings.NewReplacer("‹", "<", "›", ">").Replace(drawn)
			if want := m.Title + "\n" + m.Body(); drawn != want {
				t.Errorf("it shows %q, not %q", drawn, want)
			}
			if all[0]["appname"].Data != "russet" {
				t.Errorf("it comes from %v", all[0]["appname"])
			}
		})
	}
}

// Without a session, or with one that shows no messages, the person is told so.
func TestNoDesktop(t *testing.T) {
	me, m := notify.Channel{Name: "me", Type: notify.Desktop}, notify.ForTest(time.Now(), "me")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	for _, address := range []string{"", "unix:path=/nowhere/bus", "canary:"} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		err := notify.Send(within(t, 20*time.Second), me, notify.Credentials{}, m)
		if e, ok := err.(*russet.Error); !ok || e.Kind != russet.Unsupported || e.Hint == "" {
			t.Errorf("%q: %#v", address, err)
		}
	}
	startBus(t)
	err := notify.Send(within(t, 20*time.Second), me, notify.Credentials{}, m)
	if e, ok := err.(*russet.Error); !ok || e.Kind != russet.Unsupported || e.Hint == "" {
		t.Errorf("%#v", err)
	}
}
