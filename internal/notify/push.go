package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"unicode/utf16"

	"russet"
)

// How much a messenger takes, in characters, with some to spare: Telegram takes
// 4096; ntfy makes a file of what is longer than 4096 bytes. Discord takes 2000
// of what is sent, escapes included.
const (
	maxTitle = 200
	maxBody  = 1000

	maxDiscordTitle = 500
	maxDiscordBody  = 1450
)

// postJSON sends an object.
func (t talk) postJSON(ctx context.Context, r request, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	r.contentType, r.body = "application/json", data
	return t.post(ctx, r)
}

// ntfy publishes as https://docs.ntfy.sh/publish/#publish-as-json says: a POST
// to the root of the server, the topic in the body.
func (t talk) ntfy(ctx context.Context, m Message) error {
	u, err := parseWeb(Ntfy, string(t.secret.Address))
	if err != nil {
		return err
	}
	root, topic := path.Split(strings.TrimRight(u.Path, "/"))
	u.Path, u.RawPath = root, ""
	r := request{url: u.String(), header: http.Header{}}
	if token := string(t.secret.Token); strings.Contains(token, ":") {
		r.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(token)))
	} else if token != "" {
		r.header.Set("Authorization", "Bearer "+token)
	}
	priority := 3 // the default; 4 is high
	if m.Urgent {
		priority = 4
	}
	return t.postJSON(ctx, r, struct {
		Topic    string   `json:"topic"`
		Title    string   `json:"title"`
		Message  string   `json:"message"`
		Priority int      `json:"priority"`
		Tags     []string `json:"tags"`
	}{topic, cut(m.Title, maxTitle), m.brief(maxBody), priority, []string{tag(m)}})
}

// tag is the picture beside a message, by the name that ntfy has for it.
func tag(m Message) string {
	switch m.Kind {
	case Done, Test:
		return "white_check_mark"
	case Passcode:
		return "iphone"
	default:
		return "warning"
	}
}

// gotify posts to /message as https://gotify.net/docs/pushmsg says.
func (t talk) gotify(ctx context.Context, m Message) error {
	u, err := parseWeb(Gotify, t.ch.URL)
	if err != nil {
		return err
	}
	priority := 5 // with a sound; from 8 on it stays on the screen
	if m.Urgent {
		priority = 8
	}
	r := request{url: u.JoinPath("message").String(), header: http.Header{"X-Gotify-Key": {string(t.secret.Token)}}}
	return t.postJSON(ctx, r, struct {
		Title    string `json:"title"`
		Message  string `json:"message"`
		Priority int    `json:"priority"`
	}{cut(m.Title, maxTitle), m.brief(maxBody), priority})
}

// telegram sends as https://core.telegram.org/bots/api#sendmessage says, as
// plain text: without a parse_mode no character of a name means anything.
func (t talk) telegram(ctx context.Context, m Message) error {
	u, err := parseWeb(Telegram, t.ch.URL)
	if err != nil {
		return err
	}
	r := request{url: u.JoinPath("bot"+string(t.secret.Token), "sendMessage").String(), answered: t.telegramAnswered}
	return t.postJSON(ctx, r, struct {
		Chat    string         `json:"chat_id"`
		Text    string         `json:"text"`
		Silent  bool           `json:"disable_notification"`
		Preview map[string]any `json:"link_preview_options"`
	}{t.ch.To[0], cut(m.Title, maxTitle) + "\n\n" + m.brief(maxBody), m.Kind == Done, map[string]any{"is_disabled": true}})
}

func (t talk) telegramAnswered(status int, answer []byte) *trouble {
	says := t.said(answer)
	var moved struct {
		Parameters struct {
			To int64 `json:"migrate_to_chat_id"`
		} `json:"parameters"`
	}
	switch {
	case status == http.StatusBadRequest && json.Unmarshal(answer, &moved) == nil && moved.Parameters.To != 0:
		return &trouble{
			kind: russet.Usage, what: fmt.Sprintf("the group %q became a supergroup, and has the number %d now", t.ch.To[0], moved.Parameters.To),
			hint: fmt.Sprintf("russet notify remove %s, and add it again with --to %d", t.ch.Name, moved.Parameters.To),
		}
	case status == http.StatusUnauthorized, status == http.StatusNotFound:
		// A token that never was is "Not Found", one that was revoked "Unauthorized".
		return &trouble{
			kind: russet.Password, what: "Telegram does not know the bot's token" + says,
			hint: "ask @BotFather for the token (/token), then: russet notify remove " + t.ch.Name + ", and add it again",
		}
	case status == http.StatusBadRequest && (strings.Contains(says, "chat not found") || strings.Contains(says, "rights")), status == http.StatusForbidden:
		return &trouble{
			kind: russet.Usage, what: fmt.Sprintf("the bot may not write to the chat %q%s", t.ch.To[0], says),
			hint: "write /start to the bot in Telegram, and unblock it if it is blocked: a bot cannot begin. Let it into a group or a channel (there as an administrator). The chat is a number, which @userinfobot tells, or @channel",
		}
	default:
		return nil
	}
}

// discord posts as https://discord.com/developers/docs/resources/webhook says
// of "Execute Webhook". Nobody is pinged by a name such as "@everyone", and no
// link is opened.
func (t talk) discord(ctx context.Context, m Message) error {
	u, err := parseWeb(Discord, string(t.secret.Address))
	if err != nil {
		return err
	}
	q := u.Query()
	q.Set("wait", "true") // else a message that is not kept is no error
	u.RawQuery = q.Encode()
	const suppressEmbeds = 1 << 2
	return t.postJSON(ctx, request{url: u.String()}, struct {
		Content  string         `json:"content"`
		Name     string         `json:"username"`
		Mentions map[string]any `json:"allowed_mentions"`
		Flags    int            `json:"flags"`
	}{"**" + markless(cut(m.Title, maxTitle), maxDiscordTitle) + "**\n" + markless(m.brief(maxBody), maxDiscordBody), "russet", map[string]any{"parse": []string{}}, suppressEmbeds})
}

// markless makes text that Discord shows as it is, of n units of UTF-16 at most.
func markless(s string, n int) string {
	var b strings.Builder
	for _, r := range s {
		word := string(r)
		if strings.ContainsRune("\\*_~`|>[]()#<@:", r) {
			word = "\\" + word
		}
		if n -= len(utf16.Encode([]rune(word))); n < 1 { // one is for the …
			b.WriteRune('…')
			break
		}
		b.WriteString(word)
	}
	return b.String()
}

// ping tells a health check, in the way of https://healthchecks.io/docs/http_api/:
// the address itself for a backup that is done, with /fail after it for one that
// failed or is damaged, and /log for a test, which changes nothing. It is not
// told of anything else: that it is not pinged is the alarm.
func (t talk) ping(ctx context.Context, m Message) error {
	u, err := parseWeb(HealthCheck, string(t.secret.Address))
	if err != nil {
		return err
	}
	switch m.Kind {
	case Done:
	case Failed, Damage, Space: // no room for a backup (see Channel.Wants)
		u = u.JoinPath("fail")
	default:
		u = u.JoinPath("log")
	}
	return t.post(ctx, request{
		url: u.String(), contentType: "text/plain; charset=utf-8", body: []byte(m.Title + "\n\n" + m.Body() + "\n"), answered: t.pingAnswered,
	})
}

// pingAnswered reads what healthchecks.io says. It answers 200 also to pings
// that it does not count, and says so in parentheses.
func (t talk) pingAnswered(status int, answer []byte) *trouble {
	switch text := string(answer); {
	case status == http.StatusOK && strings.HasPrefix(text, "OK (not found)"):
		return t.unknown(t.said(answer))
	case status == http.StatusOK && strings.HasPrefix(text, "OK (rate limited)"):
		return &trouble{kind: russet.Busy, what: "the server did not count the ping" + t.said(answer), hint: "a check takes a few pings in a minute: wait one, and give each phone a check of its own"}
	case status == http.StatusConflict:
		return &trouble{
			kind: russet.Usage, what: "several checks have that slug" + t.said(answer),
			hint: "give the check a slug of its own, or use its address with the UUID, then: russet notify remove " + t.ch.Name + ", and add it again",
		}
	default:
		return nil
	}
}

// webhook posts the message as JSON, or what the template makes of it.
func (t talk) webhook(ctx context.Context, m Message) error {
	u, err := parseWeb(Webhook, string(t.secret.Address))
	if err != nil {
		return err
	}
	r := request{url: u.String(), header: http.Header{}}
	if t.secret.Token != "" {
		r.header.Set("Authorization", string(t.secret.Token))
	}
	if t.ch.Template == "" {
		return t.postJSON(ctx, r, m)
	}
	if r.body, err = render(t.ch.Template, m); err != nil {
		return err
	}
	r.contentType = "text/plain; charset=utf-8"
	if json.Valid(r.body) {
		r.contentType = "application/json"
	}
	return t.post(ctx, r)
}
