package cli

import (
	"fmt"
	"time"

	"russet/internal/host"
)

// counter shows how far work on this computer is: files and bytes of a known
// total (0 when it is not known). done takes the line away.
func (a *app) counter(what string, total int64) (show func(host.Moved), done func()) {
	if a.json {
		return func(host.Moved) {}, func() {}
	}
	start := time.Now()
	last := start
	line := false
	show = func(m host.Moved) {
		pause := everyMinute
		if a.draws {
			pause = redraw
		}
		if time.Since(last) < pause {
			return
		}
		last = time.Now()
		text := fmt.Sprintf("%s  %s  %s", what, size(m.Bytes), many(m.Files, "file"))
		if took := last.Sub(start); took > time.Second {
			text += fmt.Sprintf("  %s/s", size(int64(float64(m.Bytes)/took.Seconds())))
			if total > 0 && m.Bytes > total/50 && m.Bytes < total {
				left := time.Duration(float64(took) * float64(total-m.Bytes) / float64(m.Bytes))
				text += "  about " + span(left) + " left"
			}
		}
		if !a.draws {
			fmt.Fprintln(a.err, text)
			return
		}
		fmt.Fprintf(a.err, "\r%s\x1b[K", fit(text, a.width()-1))
		line = true
	}
	done = func() {
		if line {
			fmt.Fprint(a.err, "\r\x1b[K")
		}
	}
	return show, done
}
