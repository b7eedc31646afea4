package service

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"russet/internal/notify"
)

// glance is the Status of a moment ago: programs that ask every second must
// not keep the computer busy.
type glance struct {
	service *Service

	mu   sync.Mutex
	at   time.Time
	last Status
	err  error
}

// glanceAge is how old a Status may be for a page or a metric.
const glanceAge = 2 * time.Second

func (g *glance) status(ctx context.Context) (Status, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if age := time.Since(g.at); g.at.IsZero() || age > glanceAge || age < 0 {
		g.last, g.err = g.service.Status(context.WithoutCancel(ctx))
		g.at = time.Now()
	}
	return g.last, g.err
}

// ailments are the reasons why things are not well, each a sentence: somebody
// must do something, soon.
func ailments(st Status) []string {
	words := append([]string{}, st.Problems...)
	for _, d := range st.Devices {
		if d.Decision.Overdue {
			words = append(words, fmt.Sprintf("%q is overdue: %s", d.Called, d.Decision.Text))
		}
	}
	for _, s := range st.Stores {
		if s.Problem != "" {
			words = append(words, fmt.Sprintf("the store %q cannot be used: %s", s.Name, s.Problem))
		}
	}
	for _, a := range st.Alarms {
		if a.Kind == notify.Damage {
			words = append(words, a.Title+": "+a.Text)
		}
	}
	return words
}

// health answers 200 when nothing ails, else 503 and what does, a line each.
func (w *web) health(out http.ResponseWriter, r *http.Request) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	st, err := w.glance.status(r.Context())
	words := ailments(st)
	if err != nil {
		words = append(words, err.Error())
	}
	if len(words) == 0 {
		fmt.Fprintln(out, "well")
		return
	}
	out.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintln(out, strings.Join(words, "\n"))
}
