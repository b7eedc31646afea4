package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// report writes one table per phone and target: medians, and the ratio of each
// client's wall time to idevicebackup2's in the same round.
func report(results []result, o options) string {
	var b strings.Builder
	note := "A final sync of the target's file system is inside every wall time."
	if !o.sync {
		note = "No sync is inside the wall times; russet syncs by itself all the same."
	}
	fmt.Fprintf(&b, "Medians of %d rounds, clients taking turns. %s CPU and memory are the client's process; \"phone\" is the virtual iPhone's CPU meanwhile.\n", o.rounds, note)
	var last string
	for _, r := range results {
		if head := r.profile + " on " + r.target; head != last {
			last = head
			fmt.Fprintf(&b, "\n**%s**\n\n| | client | wall | ratio | upload phase | user + sys | memory | phone |\n|---|---|---|---|---|---|---|---|\n", head)
		}
		base := find(results, r, "idevicebackup2")
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %.0f MiB | %s |\n", r.row, r.client,
			secs(median(r.runs, func(m measure) time.Duration { return m.wall })), ratio(r, base),
			secs(median(r.runs, func(m measure) time.Duration { return m.phase })),
			secs(median(r.runs, func(m measure) time.Duration { return m.user + m.sys })),
			float64(median(r.runs, func(m measure) int64 { return m.rss }))/(1<<20),
			secs(median(r.runs, func(m measure) time.Duration { return m.phoneCPU })))
	}
	return b.String()
}

func find(results []result, like result, client string) *result {
	i := slices.IndexFunc(results, func(r result) bool {
		return r.profile == like.profile && r.target == like.target && r.row == like.row && r.client == client
	})
	if i < 0 {
		return nil
	}
	return &results[i]
}

// ratio is the median of the wall ratios, round by round: the machine's drift
// falls on both sides of each.
func ratio(r result, base *result) string {
	if base == nil {
		return ""
	}
	n := min(len(r.runs), len(base.runs))
	ratios := make([]float64, 0, n)
	for i := range n {
		ratios = append(ratios, float64(r.runs[i].wall)/float64(base.runs[i].wall))
	}
	slices.Sort(ratios)
	return fmt.Sprintf("%.2f", ratios[n/2])
}

func median[T int64 | time.Duration](runs []measure, of func(measure) T) T {
	vs := make([]T, 0, len(runs))
	for _, m := range runs {
		vs = append(vs, of(m))
	}
	slices.Sort(vs)
	return vs[len(vs)/2]
}

func secs(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// replaceBetween puts text between two marker lines of a file.
func replaceBetween(file, from, to, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(old), from)
	_, foot, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		return fmt.Errorf("%s lacks the markers %s and %s", file, from, to)
	}
	return os.WriteFile(file, []byte(head+from+"\n"+text+to+foot), 0o644)
}
