//go:build linux && amd64

package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// marks are the lines between which a table stands.
func (o options) marks() (begin, end string) {
	if o.vault {
		return "<!-- vault table -->\n", "<!-- /vault table -->\n"
	}
	return "<!-- table -->\n", "<!-- /table -->\n"
}

// publish writes the table, and fails if anything was lost.
func (o options) publish(rows []*row, took time.Duration) error {
	var text strings.Builder
	tried, wrong := 0, 0
	for _, r := range rows {
		tried += r.tried
		wrong += len(r.failures)
	}
	fmt.Fprintf(&text, "Run %s: %d points in %.0f minutes, %d wrong.\n\n", time.Now().UTC().Format(time.DateOnly), tried, took.Minutes(), wrong)
	fmt.Fprintln(&text, "| run | broken by | points | tried | previous | new | exit statuses | worst bytes again | seconds | wrong |")
	fmt.Fprintln(&text, "|---|---|--:|--:|--:|--:|---|--:|--:|--:|")
	for _, r := range rows {
		fmt.Fprintf(&text, "| %s | %s | %d | %d | %d | %d | %s | %d | %.0f | %d |\n", r.variant, r.class, r.all, r.tried,
			r.stayed, r.gone, statuses(r.statuses), r.worst, r.took.Seconds(), len(r.failures))
	}
	if err := o.write(text.String()); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d points went wrong", wrong, tried)
	}
	return nil
}

// statuses lists exit statuses with how often they came.
func statuses(count map[int]int) string {
	var words []string
	for _, status := range slices.Sorted(maps.Keys(count)) {
		name := fmt.Sprint(status)
		if status == -1 {
			name = "killed"
		}
		words = append(words, fmt.Sprintf("%s (%d)", name, count[status]))
	}
	return strings.Join(words, ", ")
}

func (o options) write(table string) error {
	if o.out == "" {
		_, err := fmt.Print(table)
		return err
	}
	doc, err := os.ReadFile(o.out)
	if err != nil {
		return err
	}
	begin, end := o.marks()
	head, rest, ok := strings.Cut(string(doc), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table", o.out)
	}
	return os.WriteFile(o.out, []byte(head+begin+"\n"+table+"\n"+end+tail), 0o644)
}
