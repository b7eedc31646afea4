package notify_test

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"russet"
	"russet/internal/notify"
	"russet/internal/secrets"
)

// got is a request a server had.
type got struct {
	method, path, query, body string
	header                    http.Header
}

// listen starts a server that answers everything the same way, and tells what
// it was sent.
func listen(t *testing.T, status int, answer string) (address string, requests chan got) {
	t.Helper()
	requests = make(chan got, 8)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- got{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header}
		if status/100 == 3 {
			w.Header().Set("Location", answer)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

// channel makes a channel of each type that speaks HTTP, to one server.
func channel(t *testing.T, typ notify.Type, server, path string, token secrets.Secret) (notify.Channel, notify.Credentials) {
	t.Helper()
	shown, address, err := notify.Split(typ, server+path)
	if err != nil {
		t.Fatal(err)
	}
	ch := notify.Channel{Name: "it", Type: typ, URL: shown}
	if typ == notify.Telegram {
		ch.To = []string{"4711"}
	}
	return ch, notify.Credentials{Address: address, Token: token}
}

const (
	secretPath  = "/api/webhooks/1234567890/canary-in-the-path"
	secretToken = secrets.Secret("123456:canary-of-a-token")
)

// web is every type that speaks HTTP, with a path and a token of its own.
var web = []struct {
	typ   notify.Type
	path  string
	token secrets.Secret
}{
	{notify.Ntfy, "/canary-of-a-topic", secretToken},
	{notify.Gotify, "/push", secretToken},
	{notify.Telegram, "", secretToken},
	{notify.Discord, secretPath, ""},
	{notify.Webhook, secretPath + "?key=canary-in-the-query", "Bearer canary-of-a-token"},
	{notify.HealthCheck, secretPath, ""},
}

// Each service gets what its own documents ask for (see the comments in
// push.go).
func TestForms(t *testing.T) {
	m := notify.ForPasscode(subject("Anna's `iPhone` @everyone"), false)
	want := map[notify.Type]struct{ path, query, body, header, value string }{
		notify.Ntfy:        {"/", "", `{"topic":"canary-of-a-topic","title":"Anna's ` + "`iPhone`" + ` @everyone is ready to back up","message":"The phone is here, and a backup of it is due.\n\nUnlock it, and type the passcode if it asks. If you do not, russet asks another time.","priority":4,"tags":["iphone"]}`, "Authorization", "Basic MTIzNDU2OmNhbmFyeS1vZi1hLXRva2Vu"},
		notify.Gotify:      {"/push/message", "", `{"title":"Anna's ` + "`iPhone`" + ` @everyone is ready to back up","message":"The phone is here, and a backup of it is due.\n\nUnlock it, and type the passcode if it asks. If you do not, russet asks another time.","priority":8}`, "X-Gotify-Key", string(secretToken)},
		notify.Telegram:    {"/bot123456:canary-of-a-token/sendMessage", "", `{"chat_id":"4711","text":"Anna's ` + "`iPhone`" + ` @everyone is ready to back up\n\nThe phone is here, and a backup of it is due.\n\nUnlock it, and type the passcode if it asks. If you do not, russet asks another time.","disable_notification":false,"link_preview_options":{"is_disabled":true}}`, "", ""},
		notify.Discord:     {secretPath, "wait=true", `{"content":"**Anna's \\` + "`iPhone\\\\`" + ` \\@everyone is ready to back up**\nThe phone is here, and a backup of it is due.\n\nUnlock it, and type the passcode if it asks. If you do not, russet asks another time.","username":"russet","allowed_mentions":{"parse":[]},"flags":4}`, "", ""},
		notify.Webhook:     {secretPath, "key=canary-in-the-query", `{"kind":"passcode","time":"2026-11-26T21:04:00+01:00","device":"00008110-000A1B2C3D4E801E","name":"Anna's ` + "`iPhone`" + ` @everyone","store":"home","title":"Anna's ` + "`iPhone`" + ` @everyone is ready to back up","text":"The phone is here, and a backup of it is due.","next":"Unlock it, and type the passcode if it asks. If you do not, russet asks another time.","code":0,"urgent":true}`, "Authorization", "Bearer canary-of-a-token"},
		notify.HealthCheck: {secretPath + "/log", "", "Anna's `iPhone` @everyone is ready to back up\n\nThe phone is here, and a backup of it is due.\n\nUnlock it, and type the passcode if it asks. If you do not, russet asks another time.\n", "", ""},
	}
	for _, c := range web {
		server, requests := listen(t, 200, "ok")
		ch, secret := channel(t, c.typ, server, c.path, c.token)
		if err := notify.Send(t.Context(), ch, secret, m); err != nil {
			t.Errorf("%s: %v", c.typ, err)
			continue
		}
		r, w := <-requests, want[c.typ]
		if r.method != http.MethodPost || r.path != w.path || r.query != w.query || r.body != w.body {
			t.Errorf("%s:\ngot  %s %s?%s\n%s\nwant %s?%s\n%s", c.typ, r.method, r.path, r.query, r.body, w.path, w.query, w.body)
		}
		if w.header != "" && r.header.Get(w.header) != w.value {
			t.Errorf("%s: %s is %q", c.typ, w.header, r.header.Get(w.header))
		}
		if typ := r.header.Get("Content-Type"); json.Valid([]byte(r.body)) != strings.HasPrefix(typ, "application/json") {
			t.Errorf("%s: Content-Type %q", c.typ, typ)
		}
	}
}

// What a server answers becomes a kind of error, a next step, and no secret.
func TestRefusals(t *testing.T) {
	answers := []struct {
		status int
		answer string
		kind   russet.Kind
		says   string
	}{
		{401, `{"code":40101,"error":"unauthorized SECRET"}`, russet.Password, "the server refuses the token or password: unauthorized …"},
		{403, `{"error":"Forbidden","errorCode":403,"errorDescription":"you are not allowed: SECRET"}`, russet.Password, "you are not allowed: …"},
		{404, "<html>SECRET</html>", russet.Usage, "does not know that address"},
		{410, "", russet.Usage, "does not know that address"},
		{413, "too large SECRET", russet.Usage, "answers 413: too large …"},
		{429, `{"message":"You are being rate limited.","retry_after":3.1}`, russet.Busy, "You are being rate limited."},
		{500, strings.Repeat("SECRET ", 10_000), russet.NotConnected, "answers 500"},
		{503, "", russet.NotConnected, "answers 503"},
		{302, "http://elsewhere.example.org/SECRET", russet.Usage, "http://elsewhere.example.org,"},
	}
	for _, c := range web {
		for _, a := range answers {
			own := cmp.Or(string(c.token), strings.Trim(c.path, "/"))
			server, requests := listen(t, a.status, strings.ReplaceAll(a.answer, "SECRET", own))
			ch, secret := channel(t, c.typ, server, c.path, c.token)
			err := notify.Send(t.Context(), ch, secret, notify.ForTest(time.Now(), "it"))
			e, ok := err.(*russet.Error)
			if !ok || e.Hint == "" || e.Doing != `tell the channel "it"` {
				t.Errorf("%s, %d: %#v", c.typ, a.status, err)
				continue
			}
			if c.typ == notify.Telegram && (a.status == 401 || a.status == 404 || a.status == 403) {
				continue // TestTelegram
			}
			if e.Kind != a.kind || !strings.Contains(e.What, a.says) {
				t.Errorf("%s, %d: kind %d, %s", c.typ, a.status, e.Kind, e.What)
			}
			noCanary(t, e)
			if len(requests) != 1 {
				t.Errorf("%s, %d: %d requests", c.typ, a.status, len(requests))
			}
		}
	}
}

func noCanary(t *testing.T, e *russet.Error) {
	t.Helper()
	for _, text := range []string{e.Error(), e.Hint} {
		if strings.Contains(text, "canary") || strings.Contains(text, "Y2FuYXJ5") { // base64 of it
			t.Errorf("a secret is told: %s", text)
		}
	}
	if e.Err != nil && strings.Contains(e.Err.Error(), "canary") {
		t.Errorf("a secret is in the cause: %v", e.Err)
	}
}

func TestTelegram(t *testing.T) {
	for _, c := range []struct {
		status int
		answer string
		kind   russet.Kind
		hint   string
	}{
		{401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`, russet.Password, "@BotFather"},
		{404, `{"ok":false,"error_code":404,"description":"Not Found"}`, russet.Password, "@BotFather"},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`, russet.Usage, "/start"},
		{403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, russet.Usage, "/start"},
		{429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 5","parameters":{"retry_after":5}}`, russet.Busy, "wait"},
		{400, `{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send text messages to the chat"}`, russet.Usage, "administrator"},
		{
			400, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001234567890}}`,
			russet.Usage, "--to -1001234567890",
		},
	} {
		server, _ := listen(t, c.status, c.answer)
		ch, secret := channel(t, notify.Telegram, server, "", secretToken)
		err := notify.Send(t.Context(), ch, secret, notify.ForTest(time.Now(), "it"))
		e, ok := err.(*russet.Error)
		if !ok || e.Kind != c.kind || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s: %#v", c.answer, err)
			continue
		}
		noCanary(t, e)
	}
}

// A server that cannot be reached, one without TLS, one nobody vouches for, one
// that never answers.
func TestUnreachable(t *testing.T) {
	unknown := httptest.NewTLSServer(http.NotFoundHandler())
	defer unknown.Close()
	plainText, _ := listen(t, 200, "")
	for _, c := range []struct {
		server string
		kind   russet.Kind
	}{
		{"http://127.0.0.1:1", russet.NotConnected},
		{"https://nowhere.invalid", russet.NotConnected},
		{unknown.URL, russet.Unsupported},
		{strings.Replace(plainText, "http://", "https://", 1), russet.NotConnected},
	} {
		for _, w := range web {
			ch, secret := channel(t, w.typ, c.server, w.path, w.token)
			err := notify.Send(t.Context(), ch, secret, notify.ForTest(time.Now(), "it"))
			e, ok := err.(*russet.Error)
			if !ok || e.Kind != c.kind || e.Hint == "" {
				t.Errorf("%s at %s: %#v", w.typ, c.server, err)
				continue
			}
			noCanary(t, e)
		}
	}
}

func TestPings(t *testing.T) {
	for kind, path := range map[notify.Kind]string{notify.Done: "/uuid-of-a-check", notify.Failed: "/uuid-of-a-check/fail", notify.Damage: "/uuid-of-a-check/fail", notify.Space: "/uuid-of-a-check/fail", notify.Test: "/uuid-of-a-check/log"} {
		server, requests := listen(t, 200, "OK")
		ch, secret := channel(t, notify.HealthCheck, server, "/uuid-of-a-check", "")
		if err := notify.Send(t.Context(), ch, secret, notify.Message{Kind: kind, Title: "t"}); err != nil {
			t.Fatal(err)
		}
		if r := <-requests; r.path != path {
			t.Errorf("%s pings %s", kind, r.path)
		}
	}
}

// A health check hears of every backup that failed, also for want of room.
func TestPingsNoRoom(t *testing.T) {
	check, mail := notify.Channel{Type: notify.HealthCheck}, notify.Channel{Type: notify.Email, Events: []notify.Kind{notify.Failed}}
	run, store := notify.Message{Kind: notify.Space, Device: "x"}, notify.Message{Kind: notify.Space}
	if !check.Wants(run) || check.Wants(store) || mail.Wants(run) {
		t.Errorf("a run without room: %t; a store: %t; e-mail: %t", check.Wants(run), check.Wants(store), mail.Wants(run))
	}
}

// healthchecks.io answers 200 to a ping that it does not count.
func TestPingsThatDoNotCount(t *testing.T) {
	for _, c := range []struct {
		status int
		answer string
		kind   russet.Kind
		hint   string
	}{
		{200, "OK", 0, ""},
		{201, "Created", 0, ""},
		{200, "OK (not found)", russet.Usage, "copy the address anew"},
		{200, "OK (rate limited)", russet.Busy, "a few pings in a minute"},
		{409, "ambiguous slug", russet.Usage, "a slug of its own"},
	} {
		server, _ := listen(t, c.status, c.answer)
		ch, secret := channel(t, notify.HealthCheck, server, secretPath, "")
		err := notify.Send(t.Context(), ch, secret, notify.ForTest(time.Now(), "it"))
		if c.kind == 0 {
			if err != nil {
				t.Errorf("%s: %v", c.answer, err)
			}
			continue
		}
		e, ok := err.(*russet.Error)
		if !ok || e.Kind != c.kind || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s: %#v", c.answer, err)
			continue
		}
		noCanary(t, e)
	}
}

// A server that takes no more says how long to wait.
func TestWaits(t *testing.T) {
	for asked, want := range map[string]string{"": "wait an hour;", "35": "wait 35 seconds;", "600": "wait 10 minutes;", "1e9": "wait an hour;", "-3": "wait an hour;"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", asked)
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		defer s.Close()
		ch, secret := channel(t, notify.Discord, s.URL, secretPath, "")
		e, ok := notify.Send(t.Context(), ch, secret, notify.ForTest(time.Now(), "it")).(*russet.Error)
		if !ok || e.Kind != russet.Busy || !strings.HasPrefix(e.Hint, want) {
			t.Errorf("after %q: %+v", asked, e)
		}
	}
}

// What is too long for a messenger loses its middle, not the next step; and
// Discord counts the backslashes.
func TestLong(t *testing.T) {
	const next = "Russet_verify 0123"
	for _, c := range []struct {
		typ        notify.Type
		path       string
		token      secrets.Secret
		field      string
		limit      int // in units of UTF-16
		bytes      int
		word, tail string
	}{
		{notify.Ntfy, "/topic", "", "message", 4096, 4096, "😀", "…\n\n" + next},
		{notify.Gotify, "", secretToken, "message", 4096, 1 << 20, "漢", "…\n\n" + next},
		{notify.Telegram, "", secretToken, "text", 4096, 1 << 20, "😀", "…\n\n" + next},
		{notify.Discord, secretPath, "", "content", 2000, 1 << 20, "long words ", "…\n\nRusset\\_verify 0123"},
		{notify.Discord, secretPath, "", "content", 2000, 1 << 20, "*", "…"},
		{notify.Discord, secretPath, "", "content", 2000, 1 << 20, "😀", "…"},
	} {
		server, requests := listen(t, 200, "{}")
		ch, secret := channel(t, c.typ, server, c.path, c.token)
		m := notify.ForFailed(subject(strings.Repeat(c.word, 100)), &russet.Error{What: strings.Repeat(c.word, 2000), Hint: next}, time.Time{})
		if err := notify.Send(t.Context(), ch, secret, m); err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte((<-requests).body), &fields); err != nil {
			t.Fatal(err)
		}
		text, _ := fields[c.field].(string)
		if n := len(utf16.Encode([]rune(text))); n > c.limit || len(text) > c.bytes || n < 900 || !strings.HasSuffix(text, c.tail) {
			t.Errorf("%s, %q: %d units, %d bytes, ending in %q", c.typ, c.word, n, len(text), text[max(0, len(text)-60):])
		}
	}
}

func TestTemplates(t *testing.T) {
	m := notify.ForFailed(subject(`"}, {"x": "`), &russet.Error{What: "w", Hint: "h", Code: 7}, time.Time{})
	for template, want := range map[string]string{
		`{"text": {{json .Title}}, "code": {{.Code}}}`: `{"text": "\"}, {\"x\": \" could not be backed up", "code": 7}`,
		`{{upper .Store}}: {{.Body}}`:                  "HOME: W. (The phone's own code: 7.)\n\nH",
	} {
		server, requests := listen(t, 204, "")
		ch, secret := channel(t, notify.Webhook, server, "/x", "")
		ch.Template = template
		if err := notify.Send(t.Context(), ch, secret, m); err != nil {
			t.Fatal(err)
		}
		if r := <-requests; r.body != want {
			t.Errorf("%s: %s", template, r.body)
		}
	}
	for _, bad := range []string{"{{", "{{.Nothing}}", "{{range 100000}}aaaaaaaaaa{{end}}", "{{template \"x\"}}", `{"text": "{{.Title}}"}`, `{"a": {{json .Title}}, "b": "{{.Body}}"}`} {
		ch, secret := channel(t, notify.Webhook, "http://127.0.0.1:1", "/x", "")
		ch.Template = bad
		if err := notify.Check(ch, secret); russet.KindOf(err) != russet.Usage {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// FuzzAnswer: whatever a server answers, no secret is told and the error is of
// bounded length.
func FuzzAnswer(f *testing.F) {
	f.Add(401, `{"error":"canary-of-a-topic"}`)
	f.Add(302, "https://user:pw@[::1]/canary-of-a-topic\x00")
	f.Add(500, "<html>")
	f.Add(429, `{"message":[1],"description":{}}`)
	var status int
	var answer string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{strings.Map(func(r rune) rune {
			if r < ' ' {
				return -1
			}
			return r
		}, answer)}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	f.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/canary-of-a-topic")
	if err != nil {
		f.Fatal(err)
	}
	ch := notify.Channel{Name: "it", Type: notify.Ntfy, URL: notify.Shown(u)}
	secret := notify.Credentials{Address: secrets.Secret(u.String()), Token: "123456:canary-of-a-token"}
	f.Fuzz(func(t *testing.T, n int, text string) {
		status, answer = 200+min(max(n, -n, 0), 399), text
		err := notify.Send(t.Context(), ch, secret, notify.ForTest(time.Unix(0, 0), "it"))
		if err == nil {
			if status/100 != 2 {
				t.Fatalf("%d is no error", status)
			}
			return
		}
		e, ok := err.(*russet.Error)
		if !ok || e.Kind == russet.Failed || len(e.Error()) > 6000 {
			t.Fatalf("%d: %#v", status, err)
		}
		for _, secret := range []string{"canary-of-a-topic", "canary-of-a-token"} {
			if strings.Contains(e.Error(), secret) || strings.Contains(e.Hint, secret) {
				t.Fatalf("a secret is told: %v", e)
			}
		}
	})
}
