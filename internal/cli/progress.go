package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"russet"
	"russet/internal/service"
)

// everyMinute is how often progress is told where it cannot be drawn.
const everyMinute = time.Minute

// redraw is how often the line is drawn at most.
const redraw = 100 * time.Millisecond

// progress shows how runs go: a line that is drawn anew on a terminal, else a
// line per stage and per minute, or events as JSON.
type progress struct {
	mu    sync.Mutex
	term  *terminal
	json  io.Writer // nil unless events are wanted
	runs  []*runLine
	drawn time.Time
	line  bool // a line is on the screen
}

// runLine is what is known of one run.
type runLine struct {
	name    string
	last    russet.Event
	told    time.Time // when a plain line was last printed
	message string
	started time.Time // when the stage began
	from    float64   // the percentage at that moment
}

func (a *app) newProgress() *progress {
	p := &progress{term: a.terminal}
	if a.json {
		p.json = a.out
	}
	return p
}

// run begins to show a run; the function it returns takes its events.
func (p *progress) run(name string) func(russet.Event) {
	r := &runLine{name: name}
	p.mu.Lock()
	p.runs = append(p.runs, r)
	p.mu.Unlock()
	return func(e russet.Event) { p.event(r, e) }
}

type eventJSON struct {
	Type string `json:"type"`
	russet.Event
}

func (p *progress) event(r *runLine, e russet.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.json != nil {
		json.NewEncoder(p.json).Encode(eventJSON{Type: "event", Event: e}) //nolint:errcheck // the run matters more than its audience
		return
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	newStage := e.Stage != r.last.Stage
	if newStage {
		r.started, r.from = e.Time, max(e.Percent, 0)
	}
	if e.Message != "" && e.Message != r.message {
		p.clear()
		fmt.Fprintln(p.term.err, p.prefix(r)+plainLines(e.Message))
	}
	r.message = e.Message
	r.last = e
	if p.term.draws {
		p.draw(newStage)
		return
	}
	if (newStage && e.Message == "" && e.Stage != russet.Done) || (!newStage && e.Time.Sub(r.told) >= everyMinute) {
		fmt.Fprintln(p.term.err, p.prefix(r)+r.status())
	}
	if newStage || e.Time.Sub(r.told) >= everyMinute {
		r.told = e.Time
	}
}

// prefix names the device when there are several.
func (p *progress) prefix(r *runLine) string {
	if len(p.runs) < 2 {
		return ""
	}
	return plain(r.name) + ": "
}

// draw writes the line again, not too often.
func (p *progress) draw(now bool) {
	if !now && time.Since(p.drawn) < redraw {
		return
	}
	p.drawn = time.Now()
	var parts []string
	for _, r := range p.runs {
		if r.last.Stage != "" && r.last.Stage != russet.Done {
			parts = append(parts, p.prefix(r)+r.status())
		}
	}
	fmt.Fprintf(p.term.err, "\r%s\x1b[K", fit(strings.Join(parts, "  |  "), p.term.width()-1))
	p.line = true
}

// clear takes the line off the screen so that others can be printed.
func (p *progress) clear() {
	if p.line {
		fmt.Fprint(p.term.err, "\r\x1b[K")
		p.line = false
	}
}

// end is called when the runs are over.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// status is one run in one line.
func (r *runLine) status() string {
	e := r.last
	parts := []string{service.StageText(e.Stage)}
	if e.Passcode {
		parts = []string{"waiting for the passcode on the phone"}
	}
	if e.Percent >= 0 && (e.Stage == russet.Receiving || e.Stage == russet.Sending || e.Stage == russet.Checking) {
		parts = append(parts, fmt.Sprintf("%.0f %%", e.Percent))
	}
	moving := e.Stage == russet.Receiving || e.Stage == russet.Sending || e.Stage == russet.Preparing
	if e.Bytes > 0 && moving {
		parts = append(parts, size(e.Bytes))
	}
	if e.Files > 0 && moving {
		parts = append(parts, many(e.Files, "file"))
	}
	if e.Rate >= 1000 && moving {
		parts = append(parts, size(int64(e.Rate))+"/s")
	}
	if left, ok := r.left(); ok {
		parts = append(parts, "about "+span(left)+" left")
	}
	if e.Quiet >= 20 {
		parts = append(parts, fmt.Sprintf("quiet for %s, which is normal", span(time.Duration(e.Quiet*float64(time.Second)))))
	}
	return strings.Join(parts, "  ")
}

// left guesses how long the stage still takes from the part that is done. It
// says nothing before it can.
func (r *runLine) left() (time.Duration, bool) {
	e := r.last
	done := e.Percent - r.from
	took := e.Time.Sub(r.started)
	if (e.Stage != russet.Receiving && e.Stage != russet.Sending) || done < 2 || e.Percent >= 98 || took < 3*time.Second {
		return 0, false
	}
	return time.Duration(float64(took) * (100 - e.Percent) / done), true
}
