// Package notify tells people what happened: by e-mail, ntfy, a webhook, on
// the desktop, or by not pinging a health check.
package notify

import (
	"slices"
	"time"
	"unicode/utf8"

	"russet/internal/secrets"
)

// Kind is what a message is about.
type Kind string

// What people are told.
const (
	Done       Kind = "done"
	Failed     Kind = "failed"
	Overdue    Kind = "overdue"    // no backup for too long
	Passcode   Kind = "passcode"   // the phone waits for its passcode, or soon will
	Space      Kind = "space"      // a store is short of room
	Allowance  Kind = "allowance"  // an allowance is nearly used
	Damage     Kind = "damage"     // a verification or a drill failed
	Pairing    Kind = "pairing"    // the phone was not met for so long that it may forget this computer
	Encryption Kind = "encryption" // backup encryption or its password changed on the device
	NewIOS     Kind = "new-ios"    // another iOS is on the phone
	Test       Kind = "test"
)

// Kinds lists all but Test, as people may choose among them.
func Kinds() []Kind {
	return []Kind{Done, Failed, Overdue, Passcode, Space, Allowance, Damage, Pairing, Encryption, NewIOS}
}

// Message is one thing to tell, in plain words. Its constructors are in
// texts.go; what strangers named is cleaned there (see [Clean]).
type Message struct {
	Kind   Kind      `json:"kind"`
	Time   time.Time `json:"time"`
	Device string    `json:"device"` // UDID; "" if it is about none
	Name   string    `json:"name"`   // of the device
	Store  string    `json:"store"`
	Title  string    `json:"title"` // "Anna's iPhone is ready to back up"
	Text   string    `json:"text"`  // one or two sentences
	Next   string    `json:"next"`  // the one next step: a sentence or a command; "" if none
	Code   int       `json:"code"`  // the phone's own; 0 if none
	Urgent bool      `json:"urgent"`
	// Channels are the only ones it goes to; empty: all that want its kind. A
	// second try names those that failed (see [Undelivered]).
	Channels []string `json:"-"`
}

// Body is the message without its title, as plain text.
func (m Message) Body() string {
	if m.Next == "" {
		return m.Text
	}
	return m.Text + "\n\n" + m.Next
}

// brief is the Body in n characters at most. Of what is too long the text is
// cut: what to do stays.
func (m Message) brief(n int) string {
	if body := m.Body(); m.Next == "" || utf8.RuneCountInString(body) <= n {
		return cut(body, n)
	}
	m.Next = cut(m.Next, n/2)
	m.Text = cut(m.Text, n-utf8.RuneCountInString(m.Next)-len("\n\n"))
	return m.Body()
}

// Channel is one way to reach people. It holds no secret: those are in
// [Credentials].
type Channel struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	// URL is where it goes: smtp://user@mail.example.org:587 or
	// smtps://user@mail.example.org; https://push.example.org of a Gotify
	// server. Where the whole address is a secret (see [Type.SecretAddress]) it
	// is only the beginning of it: https://ntfy.sh.
	URL    string   `json:"url"`
	To     []string `json:"to,omitempty"`     // addresses of an e-mail; the chat of a messenger
	From   string   `json:"from,omitempty"`   // of an e-mail
	Events []Kind   `json:"events,omitempty"` // empty: the usual ones of the type
	// Devices are the only ones it is told about; empty: all, and what is about
	// none.
	Devices  []string `json:"devices,omitempty"`
	Template string   `json:"template,omitempty"` // of a webhook's body
}

// Wants says whether a channel is told of a message.
func (ch Channel) Wants(m Message) bool {
	if len(m.Channels) > 0 && !slices.Contains(m.Channels, ch.Name) {
		return false
	}
	if m.Kind == Test {
		return true
	}
	if len(ch.Devices) > 0 && !slices.Contains(ch.Devices, m.Device) {
		return false
	}
	// A backup for which there was no room failed, too; a store that is nearly
	// full is no device's.
	failed := ch.Type == HealthCheck && m.Kind == Space && m.Device != "" && slices.Contains(ch.Kinds(), Failed)
	return failed || slices.Contains(ch.Kinds(), m.Kind)
}

// Kinds are those a channel is told of.
func (ch Channel) Kinds() []Kind {
	switch {
	case len(ch.Events) > 0:
		return ch.Events
	case ch.Type == HealthCheck:
		return []Kind{Done, Failed, Damage}
	default:
		return slices.DeleteFunc(Kinds(), func(k Kind) bool { return k == Done })
	}
}

// Credentials are what lets russet use a channel.
type Credentials struct {
	// Address is the whole address, where that is a secret: whoever knows the
	// topic of ntfy, the webhook of Discord or the ping URL of a health check
	// may use it.
	Address secrets.Secret
	// Token is the password of the mail server, the token of Gotify, of a bot
	// of Telegram, or of ntfy (also user:password); for a webhook what its
	// header Authorization says.
	Token secrets.Secret
}

// Type is how a channel is spoken to.
type Type string

// The channels.
const (
	Email       Type = "email"
	Ntfy        Type = "ntfy"
	Gotify      Type = "gotify"
	Telegram    Type = "telegram"
	Discord     Type = "discord"
	Webhook     Type = "webhook"
	Desktop     Type = "desktop"
	HealthCheck Type = "healthcheck"
)

// Types lists all of them.
func Types() []Type {
	return []Type{Email, Ntfy, Gotify, Telegram, Discord, Webhook, Desktop, HealthCheck}
}

// SecretAddress says that whoever knows the whole address of such a channel
// may use it.
func (t Type) SecretAddress() bool {
	return t == Ntfy || t == Discord || t == Webhook || t == HealthCheck
}

// Undelivered says which channels a message did not reach.
type Undelivered struct {
	Channels []string
	// Again are those of them that may do better later: the network was away,
	// or the server had trouble. Send the message again with them as
	// Message.Channels.
	Again []string
	Err   error // of all of them
}

// Error names each channel and its trouble.
func (u *Undelivered) Error() string { return u.Err.Error() }

// Unwrap returns the errors.
func (u *Undelivered) Unwrap() error { return u.Err }
