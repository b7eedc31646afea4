package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"russet"
)

// sendLimit is how long a channel may take for one message.
const sendLimit = 30 * time.Second

// Send tells a channel a message. It takes half a minute at most. Its error is
// a *russet.Error that names the next step and no secret: Password when the
// credentials were refused, NotConnected or Busy when a later try may help,
// Usage when the channel is set up wrongly.
func Send(ctx context.Context, ch Channel, c Credentials, m Message) error {
	if err := Check(ch, c); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	t := talk{ch: ch, secret: c}
	var err error
	switch ch.Type {
	case Email:
		err = t.mail(ctx, m)
	case Ntfy:
		err = t.ntfy(ctx, m)
	case Gotify:
		err = t.gotify(ctx, m)
	case Telegram:
		err = t.telegram(ctx, m)
	case Discord:
		err = t.discord(ctx, m)
	case Webhook:
		err = t.webhook(ctx, m)
	case HealthCheck:
		err = t.ping(ctx, m)
	case Desktop:
		err = t.desktop(ctx, m)
	}
	return t.explain(ctx, err)
}

// MayPass says that the same message may get through later: nobody answered, or
// it was us who stopped.
func MayPass(err error) bool {
	kind := russet.KindOf(err)
	return kind == russet.NotConnected || kind == russet.Busy || kind == russet.Stopped
}

// talk is one message to one channel.
type talk struct {
	ch     Channel
	secret Credentials
}

// trouble is why a message did not get through.
type trouble struct {
	kind       russet.Kind
	what, hint string
	err        error
}

func (t *trouble) Error() string { return t.what }
func (t *trouble) Unwrap() error { return t.err }

// explain makes an error for a person, without secrets.
func (t talk) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	e := &russet.Error{Kind: russet.Failed, Doing: fmt.Sprintf("tell the channel %q", t.ch.Name), What: err.Error()}
	tr, known := errors.AsType[*trouble](err)
	if known {
		e.Kind, e.What, e.Hint = tr.kind, tr.what, tr.hint
	}
	if setup, ok := errors.AsType[*russet.Error](err); ok {
		known, e.Kind, e.What, e.Hint = true, setup.Kind, setup.What, setup.Hint
	}
	switch cause := context.Cause(ctx); {
	case cause == nil || known && !errors.Is(err, cause):
	case errors.Is(cause, context.DeadlineExceeded):
		e.Kind, e.What, e.Err = russet.NotConnected, "no answer in time", cause
		e.Hint = "see whether the server is reachable from this computer: " + t.where()
	default:
		e.Kind, e.What, e.Hint, e.Err = russet.Stopped, "it was stopped", "", cause
	}
	// The causes stay away: they may quote an address or an answer in full.
	e.What, e.Hint = cut(t.hide(e.What), maxText), cut(t.hide(e.Hint), maxText)
	return e
}

// where is the part of the address that is no secret.
func (t talk) where() string { return t.ch.URL }

// quote makes what a server says fit for an error: without our secrets, on one
// line, and short. Cutting comes last, and what was cut before may end in the
// middle of a secret.
func (t talk) quote(text string, whole bool) string {
	text = t.hide(text)
	if !whole {
		text = text[:max(0, len(text)-maxToken)]
	}
	return cut(strings.Join(strings.Fields(cleanText(text)), " "), 200)
}

// hide takes the secrets out of a text, in the forms in which servers and
// libraries quote them.
func (t talk) hide(text string) string {
	for _, s := range t.secret.forms() {
		text = strings.ReplaceAll(text, s, "…")
	}
	return text
}
