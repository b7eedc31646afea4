package notify_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"russet"
	"russet/internal/notify"
	"russet/internal/secrets"
)

// startGotify starts a Gotify server, and makes an application in it.
func startGotify(t *testing.T) (ask func(method, path, body string, answer any), ch notify.Channel, token secrets.Secret) {
	t.Helper()
	port := freePort(t)
	cmd := exec.Command(program(t, "gotify"))
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOTIFY_SERVER_LISTENADDR=127.0.0.1", "GOTIFY_SERVER_PORT="+port, "GOTIFY_DEFAULTUSER_PASS=canary", "GOTIFY_PASSSTRENGTH=4")
	start(t, cmd, answers("127.0.0.1:"+port))
	url := "http://127.0.0.1:" + port
	ask = func(method, path, body string, answer any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, bytes.NewBufferString(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("admin", "canary")
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s", method, path, resp.Status)
		}
		if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
			t.Fatal(err)
		}
	}
	var made struct {
		Token string `json:"token"`
	}
	ask(http.MethodPost, "/application", `{"name": "russet"}`, &made)
	return ask, notify.Channel{Name: "it", Type: notify.Gotify, URL: url}, secrets.Secret(made.Token)
}

func TestGotify(t *testing.T) {
	ask, ch, token := startGotify(t)
	urgent, calm := notify.ForPasscode(subject(evilName), true), notify.ForNewIOS(subject("家の iPad 👩‍👧‍👦"), "26.4", "27.1", "0123456789", subject("x").Time)
	for _, m := range []notify.Message{calm, urgent} {
		if err := notify.Send(t.Context(), ch, notify.Credentials{Token: token}, m); err != nil {
			t.Fatal(err)
		}
	}
	var had struct {
		Messages []struct {
			Title, Message string
			Priority       int
		} `json:"messages"`
	}
	ask(http.MethodGet, "/message", "", &had)
	if len(had.Messages) != 2 {
		t.Fatalf("%+v", had)
	}
	for i, m := range []notify.Message{urgent, calm} { // the newest comes first
		if g := had.Messages[i]; g.Title != m.Title || g.Message != m.Body() || (g.Priority >= 8) != m.Urgent {
			t.Errorf("it has %+v", g)
		}
	}
	err := notify.Send(t.Context(), ch, notify.Credentials{Token: "Acanary-of-a-token"}, calm)
	e, ok := err.(*russet.Error)
	if !ok || e.Kind != russet.Password || e.Hint == "" {
		t.Fatalf("%#v", err)
	}
	noCanary(t, e)
}
