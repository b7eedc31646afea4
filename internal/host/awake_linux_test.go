package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAwakeSaysNothing: the program that holds sleep off does not speak to
// systemd in the service's name, and runs for as long as sleep is held off.
func TestAwakeSaysNothing(t *testing.T) {
	dir := t.TempDir()
	said := filepath.Join(dir, "said")
	script := "#!/bin/sh\necho \"$* NOTIFY=$NOTIFY_SOCKET HOME=$HOME\" > " + said + ".new\nmv " + said + ".new " + said + "\nexec cat\n"
	if err := os.WriteFile(filepath.Join(dir, "systemd-inhibit"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	letSleep := keepAwake(t.Context(), "backing up")
	var got []byte
	for range 3000 { // a busy computer takes its time
		var err error
		if got, err = os.ReadFile(said); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	letSleep()
	if text := string(got); !strings.Contains(text, "--why=backing up cat NOTIFY= HOME=/") {
		t.Errorf("it was run with %q", text)
	}
}
