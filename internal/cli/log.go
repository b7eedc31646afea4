package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// lineHandler is a slog.Handler for people: a time, a sentence, and what
// belongs to it. What strangers named is made safe to print.
type lineHandler struct {
	mu    *sync.Mutex
	w     io.Writer
	level slog.Level
	clock bool   // begin with the time
	attrs string // of WithAttrs
	group string
}

func newLineHandler(w io.Writer, level slog.Level, clock bool) *lineHandler {
	return &lineHandler{mu: &sync.Mutex{}, w: w, level: level, clock: clock}
}

// Enabled implements slog.Handler.
func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements slog.Handler.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if h.clock && !r.Time.IsZero() {
		b.WriteString(r.Time.Local().Format("2006-01-02 15:04:05 "))
	}
	if r.Level >= slog.LevelWarn {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(plain(r.Message))
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		appendAttr(&b, h.group, a)
		return true
	})
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, b.String())
	return err
}

// appendAttr writes " key=value", and nothing for an empty value.
func appendAttr(b *strings.Builder, group string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, inner := range v.Group() {
			appendAttr(b, group+a.Key+".", inner)
		}
		return
	}
	text := plain(v.String())
	if a.Key == "" || text == "" || (v.Kind() == slog.KindAny && v.Any() == nil) {
		return
	}
	if strings.ContainsAny(text, " \"=") {
		text = fmt.Sprintf("%q", text)
	}
	b.WriteString("  " + group + a.Key + "=" + text)
}

// WithAttrs implements slog.Handler.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	var b strings.Builder
	for _, a := range attrs {
		appendAttr(&b, h.group, a)
	}
	more.attrs += b.String()
	return &more
}

// WithGroup implements slog.Handler.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	more := *h
	more.group += name + "."
	return &more
}
