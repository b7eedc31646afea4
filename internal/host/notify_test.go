package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/secrets"
)

// inbox is a server that takes messages at every path but those of refused,
// with the status it has for them.
type inbox struct {
	url string

	mu      sync.Mutex
	refused map[string]int
	paths   []string
}

func openInbox(t *testing.T) *inbox {
	t.Helper()
	b := &inbox{refused: map[string]int{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		if status := b.refused[r.URL.Path]; status != 0 {
			w.WriteHeader(status)
			return
		}
		b.paths = append(b.paths, r.URL.Path)
	}))
	t.Cleanup(s.Close)
	b.url = s.URL
	return b
}

// had are the paths that took a message since the last call, sorted.
func (b *inbox) had() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.Sort(b.paths)
	all := strings.Join(b.paths, " ")
	b.paths = nil
	return all
}

func addChannel(t *testing.T, h *host.Host, ch notify.Channel, typed string, token secrets.Secret) {
	t.Helper()
	var c notify.Credentials
	var err error
	ch.URL, c.Address, err = notify.Split(ch.Type, typed)
	must(t, err)
	c.Token = token
	must(t, h.AddChannel(t.Context(), ch, c))
}

// Secrets are sealed, and nothing in the home holds them in clear.
func TestChannelSecrets(t *testing.T) {
	dir := t.TempDir()
	h, b := hostIn(t, dir, host.VaultAnswers{}), openInbox(t)
	addChannel(t, h, notify.Channel{Name: "phone", Type: notify.Ntfy}, b.url+"/canary-topic", "tk_canary")
	addChannel(t, h, notify.Channel{Name: "box", Type: notify.Gotify}, b.url+"/gotify", "Acanary")
	addChannel(t, h, notify.Channel{Name: "bot", Type: notify.Telegram, To: []string{"7"}}, b.url, "1:canary")
	addChannel(t, h, notify.Channel{Name: "room", Type: notify.Discord}, b.url+"/api/webhooks/1/canary", "")
	addChannel(t, h, notify.Channel{Name: "hook", Type: notify.Webhook}, b.url+"/hook?canary", "Bearer canary")
	addChannel(t, h, notify.Channel{Name: "check", Type: notify.HealthCheck}, b.url+"/canary-uuid", "")
	addChannel(t, h, notify.Channel{Name: "mail", Type: notify.Email, To: []string{"a@b.example"}}, "smtp://anna@127.0.0.1:1", "canary")
	must(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if bytes.Contains(data, []byte("canary")) {
			t.Errorf("%s holds a secret in clear", name)
		}
		return err
	}))
	told, err := hostIn(t, dir, host.VaultAnswers{}).TestChannels(t.Context(), "") // another process
	must(t, err)
	for _, c := range told {
		if (c.Err != nil) != (c.Channel.Name == "mail") || strings.Contains(fmt.Sprint(c.Err), "canary") {
			t.Errorf("%s: %v", c.Channel.Name, c.Err)
		}
	}
	if had := b.had(); had != "/ /api/webhooks/1/canary /bot1:canary/sendMessage /canary-uuid/log /gotify/message /hook" {
		t.Errorf("it had %s", had)
	}
	for _, c := range told {
		must(t, h.RemoveChannel(t.Context(), c.Channel.Name))
	}
	left, err := filepath.Glob(filepath.Join(dir, "secrets", "*.sealed"))
	if err != nil || len(left) != 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}

// A message goes to those who want it; a second try leaves those alone that had
// it.
func TestNotify(t *testing.T) {
	h, b := hostIn(t, t.TempDir(), host.VaultAnswers{}), openInbox(t)
	message := notify.ForFailed(notify.Subject{Time: time.Now(), Device: "A", Name: "a"}, errors.New("x"), time.Time{})
	must(t, h.Notify(t.Context(), message)) // no channels: nothing to do
	for _, name := range []string{"good", "busy", "wrong"} {
		addChannel(t, h, notify.Channel{Name: name, Type: notify.Webhook}, b.url+"/"+name, "")
	}
	addChannel(t, h, notify.Channel{Name: "other", Type: notify.Webhook, Devices: []string{"B"}}, b.url+"/other", "")
	addChannel(t, h, notify.Channel{Name: "dones", Type: notify.Webhook, Events: []notify.Kind{notify.Done}}, b.url+"/dones", "")
	b.refused["/busy"], b.refused["/wrong"] = http.StatusServiceUnavailable, http.StatusUnauthorized

	u, ok := errors.AsType[*notify.Undelivered](h.Notify(t.Context(), message))
	if !ok || !slices.Equal(u.Channels, []string{"busy", "wrong"}) || !slices.Equal(u.Again, []string{"busy"}) || russet.KindOf(u) == 0 {
		t.Fatalf("%+v", u)
	}
	if had := b.had(); had != "/good" {
		t.Errorf("it had %s", had)
	}
	delete(b.refused, "/busy")
	message.Channels = u.Again
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if u, ok := errors.AsType[*notify.Undelivered](h.Notify(stopped, message)); !ok || !slices.Equal(u.Again, []string{"busy"}) {
		t.Errorf("who stops in the middle does not know that it is to be told again: %+v", u)
	}
	must(t, h.Notify(t.Context(), message))
	if had := b.had(); had != "/busy" {
		t.Errorf("the second time it had %s", had)
	}
	must(t, h.Notify(t.Context(), notify.ForDone(notify.Subject{Device: "B"}, russet.Run{})))
	if had := b.had(); had != "/dones" {
		t.Errorf("of a backup that was done it had %s", had)
	}
}

func TestChannelMistakes(t *testing.T) {
	h := hostIn(t, t.TempDir(), host.VaultAnswers{})
	addChannel(t, h, notify.Channel{Name: "me", Type: notify.Desktop}, "", "")
	for _, ch := range []notify.Channel{
		{Name: "me", Type: notify.Desktop},
		{Name: "a b", Type: notify.Desktop},
		{Name: "", Type: notify.Desktop},
		{Name: "x", Type: "pigeon"},
		{Name: "x", Type: notify.Desktop, URL: "https://x"},
		{Name: "x", Type: notify.Desktop, Events: []notify.Kind{"rain"}},
		{Name: "x", Type: notify.Desktop, To: []string{"a"}},
		{Name: "x", Type: notify.Desktop, Template: "x"},
		{Name: "x", Type: notify.Email, URL: "smtp://mail.example.org"},
		{Name: "x", Type: notify.Email, URL: "smtp://anna:word@mail.example.org", To: []string{"a@b.example"}},
		{Name: "x", Type: notify.Email, URL: "smtp://anna@mail.example.org", To: []string{"a@b.example"}},
		{Name: "x", Type: notify.Email, URL: "smtp://mail.example.org:465", To: []string{"a@b.example"}},
		{Name: "x", Type: notify.Email, URL: "smtp://mail.example.org", To: []string{"a@b.example\r\nBcc: c@d.example"}},
		{Name: "x", Type: notify.Gotify, URL: "https://x.example.org"},
		{Name: "x", Type: notify.Telegram, URL: "https://api.telegram.org"},
	} {
		err := h.AddChannel(t.Context(), ch, notify.Credentials{})
		if e, ok := errors.AsType[*russet.Error](err); !ok || e.Kind != russet.Usage || e.Hint == "" {
			t.Errorf("%+v: %v", ch, err)
		}
	}
	for _, typed := range []string{"", "ntfy.sh/x", "http://ntfy.sh/canary", "http://93.184.216.34/canary", "https://anna:canary@ntfy.sh/x", "ftp://x/canary", "https://ntfy.sh/x#canary"} {
		_, _, err := notify.Split(notify.Ntfy, typed)
		if e, ok := errors.AsType[*russet.Error](err); !ok || e.Kind != russet.Usage || strings.Contains(e.Error()+e.Hint, "canary") {
			t.Errorf("%q: %v", typed, err)
		}
	}
	for _, near := range []string{"http://nas/x", "http://192.168.1.2/x", "http://[fd00::1]/x", "http://ntfy.fritz.box/x", "http://100.101.102.103:8080/x", "http://localhost:1/x"} {
		if _, _, err := notify.Split(notify.Ntfy, near); err != nil {
			t.Errorf("%q: %v", near, err)
		}
	}
	for _, typed := range []string{"https://ntfy.sh", "https://ntfy.sh/", "https://ntfy.sh/a b", "https://ntfy.sh/x/json?poll=1"} {
		shown, address, err := notify.Split(notify.Ntfy, typed)
		must(t, err)
		err = h.AddChannel(t.Context(), notify.Channel{Name: "x", Type: notify.Ntfy, URL: shown}, notify.Credentials{Address: address})
		if russet.KindOf(err) != russet.Usage {
			t.Errorf("%q: %v", typed, err)
		}
	}
	if err := h.RemoveChannel(t.Context(), "nobody"); russet.KindOf(err) != russet.Usage {
		t.Error(err)
	}
	if _, err := h.TestChannels(t.Context(), "nobody"); russet.KindOf(err) != russet.Usage {
		t.Error(err)
	}
	channels, err := h.Channels()
	if err != nil || len(channels) != 1 {
		t.Errorf("%v %v", channels, err)
	}
}
