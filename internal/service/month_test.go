package service_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// The month: four phones with habits, two stores, a service that is killed
// with SIGKILL a hundred times; every step, kill and delay follows from a seed.
// What must come of it is in monthoracle_test.go, which knows nothing of how
// the service decides. docs/month.md has what came of it.
var (
	wholeMonth = flag.Bool("month", os.Getenv("RUSSET_MONTH") != "", "run the whole month (some minutes) instead of three days of it")
	monthSeed  = flag.Uint64("month.seed", 1, "what follows from chance")
	monthKills = flag.Int("month.kills", 100, "how often the service is killed in the whole month")
	monthTable = flag.String("month.table", "", "write the days as a table to this file, and the log beside it")
)

// plan is a part of the month.
type plan struct {
	days  int
	kills int
	pace  time.Duration // the longest delay between the beginning of a run and a kill
}

func TestMonth(t *testing.T) {
	p := plan{days: 3, kills: 9, pace: 700 * time.Millisecond}
	if *wholeMonth {
		p = plan{days: 30, kills: *monthKills, pace: 700 * time.Millisecond}
	} else if testing.Short() {
		t.Skip("takes most of a minute")
	}
	w := newWorld(t, p, *monthSeed)
	began := time.Now()
	w.live()
	o := w.judge()
	o.table(w)
	took := time.Since(began).Round(time.Second)
	t.Logf("%d days in %s: %s", p.days, took, o.summary())
	if t.Failed() {
		t.Log(o.document(w, took))
		t.Log(w.log())
	}
	if *monthTable != "" {
		must(t, os.WriteFile(*monthTable, []byte(o.document(w, took)), 0o644))
		must(t, os.WriteFile(*monthTable+".log", []byte(w.log()), 0o644))
	}
}

// summary says in one line what was seen.
func (o *oracle) summary() string {
	return fmt.Sprintf("%d steps, %d kills (%d of them in a run), %d runs, %d versions, %d sheets, %d messages",
		o.steps, o.kills, o.midRun, o.runs, o.versions, o.sheets, len(o.told))
}

// document is what was seen, for docs/month.md.
func (o *oracle) document(w *world, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Seed %d, %s of real time: %s.\n\n", w.seed, took, o.summary())
	b.WriteString("| day | killed | " + strings.Join(o.columns, " | ") + " | told |\n")
	b.WriteString("|---|---|" + strings.Repeat("---|", len(o.columns)+1) + "\n")
	for _, row := range o.rows {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	return b.String()
}
