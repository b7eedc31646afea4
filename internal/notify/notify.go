// Package notify tells people what happened: by e-mail, ntfy, a webhook, on
// the desktop, or by not pinging a health check.
package notify

import "time"

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

// Message is one thing to tell, in plain words.
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
}

// Channel is one way to reach people.
type Channel struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	// URL is where it goes: smtp://user@host:587, https://ntfy.sh/topic, the
	// address of a webhook. It holds no secret.
	URL      string   `json:"url"`
	To       []string `json:"to,omitempty"`   // addresses of an e-mail; the chat of a messenger
	From     string   `json:"from,omitempty"` // of an e-mail
	Events   []Kind   `json:"events,omitempty"`
	Template string   `json:"template,omitempty"` // of a webhook's body
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
