package conformance

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// lab is a usbmuxd with one virtual iPhone on it, and a home for each client.
type lab struct {
	phone *vphone.Phone
	addr  string // host:port, understood by every client
	home  string
}

// fewRounds makes key derivation cheap; TestRealRounds does it as phones do.
var fewRounds = [2]int{20_000, 100}

// newLab makes the tiny phone of a seed; a blank one has nothing on it.
func newLab(t *testing.T, seed uint64, blank bool) *lab {
	t.Helper()
	key, err := deviceKey()
	if err != nil {
		t.Fatal(err)
	}
	flash := disk.NewMemory()
	if !blank {
		if err := content.MakeOn(t.Context(), flash, content.Options{Profile: "tiny", Seed: 1}); err != nil {
			t.Fatal(err)
		}
	}
	phone, err := vphone.New(vphone.Options{Seed: seed, Disk: flash, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = phone.Close() })
	phone.Faults().Update(func(c *agent.Config) { c.Rounds = fewRounds })
	mux, err := vphone.NewMux("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	mux.Add(phone)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go mux.Serve(t.Context(), l)
	return &lab{phone: phone, addr: l.Addr().String(), home: t.TempDir()}
}

func (l *lab) udid() string { return l.phone.UDID() }

// live lets the phone's owner live a day.
func (l *lab) live(t *testing.T, day int) {
	t.Helper()
	if err := content.Churn(t.Context(), l.phone.Disk(), content.ChurnOptions{Seed: 1, Day: day, Activity: content.LightDay}); err != nil {
		t.Fatal(err)
	}
}

// outcome is what a program printed and how it ended.
type outcome struct {
	exit int
	text string
}

// run runs a program against the lab to its end.
func (l *lab) run(t *testing.T, name string, args ...string) outcome {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(),
		"USBMUXD_SOCKET_ADDRESS="+l.addr, "PYMOBILEDEVICE3_USBMUX="+l.addr,
		"HOME="+l.home, "XDG_CONFIG_HOME="+filepath.Join(l.home, ".config"),
		"RUSSET_HOME="+filepath.Join(l.home, "russet"), "NO_COLOR=1", "TERM=dumb", "COLUMNS=200")
	if name == os.Args[0] {
		cmd.Env = append(cmd.Env, asRusset+"=1")
	}
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	o := outcome{text: out.String()}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		o.exit = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return o
}

// russet runs our own command line as a process.
func (l *lab) russet(t *testing.T, args ...string) outcome {
	t.Helper()
	o := l.run(t, os.Args[0], args...)
	return o
}

// must fails the test unless the program ended as expected and said so.
func must(t *testing.T, what string, o outcome, exit int, says ...string) {
	t.Helper()
	if o.exit != exit {
		t.Fatalf("%s: exit status %d, want %d\n%s", what, o.exit, exit, clip(o.text))
	}
	for _, s := range says {
		if !strings.Contains(o.text, s) {
			t.Fatalf("%s: no %q in\n%s", what, s, clip(o.text))
		}
	}
}

func clip(s string) string {
	if len(s) > 3000 {
		return s[:1000] + "\n…\n" + s[len(s)-2000:]
	}
	return s
}

// same fails the test unless two phones hold the same.
func same(t *testing.T, a, b *lab, o content.CompareOptions) {
	t.Helper()
	differences, err := content.Compare(a.phone.Disk(), b.phone.Disk(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences[:min(len(differences), 10)] {
		t.Errorf("the restored phone differs: %s", d)
	}
	if len(differences) > 10 {
		t.Errorf("… and %d more differences", len(differences)-10)
	}
}
