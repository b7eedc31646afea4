//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// The tables stand between these lines of the Markdown file.
const (
	begin = "<!-- figures -->\n"
	end   = "<!-- end of figures -->\n"
)

// publish writes the tables.
func (l *lab) publish(ctx context.Context) error {
	version, err := l.cluster.version(ctx)
	if err != nil || len(l.rounds)+len(l.costs) == 0 {
		return err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "Measured %s, %v in all: %s, %d nodes, %d copies, syncing %v; %d hosts; phones of %d files, %s MB, message database %s MB, %s MB filmed a day.\n\n",
		time.Now().UTC().Format(time.DateOnly), time.Since(l.started).Round(time.Second), version, l.nodes, l.cluster.replicas, l.durable,
		l.options.hosts, l.files, mb(l.size), mb(l.messages), mb(l.film))
	if len(l.rounds) > 0 {
		l.roundTable(&out)
	}
	l.costTable(&out)
	if l.out == "" {
		_, err := os.Stdout.Write(out.Bytes())
		return err
	}
	return splice(l.out, out.Bytes())
}

func (l *lab) roundTable(out *bytes.Buffer) {
	out.WriteString("| evening | host | at work when it broke | exit statuses | time | phone sent, MB | host sent, MB | requests | of these refused or broken |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range l.rounds {
		for i, a := range r.attempts {
			var statuses []string
			var wall time.Duration
			for _, t := range a.tries {
				statuses = append(statuses, fmt.Sprint(t.status))
				wall += t.wall
			}
			all := a.asked.total()
			fmt.Fprintf(out, "| %s | %s | %v | %s | %.1f s | %s | %s | %d | %d |\n", r.name, a.host, r.atWork[i], strings.Join(statuses, ", "),
				wall.Seconds(), mb(a.sent), mb(all.up), all.requests, all.failed)
		}
		fmt.Fprintf(out, "| | auditor | | every byte of the new backups verified in %.1f s; %d exports equal the phones | | | | | |\n", r.verified.Seconds(), r.exported)
	}
	fmt.Fprintf(out, "\nIn the end all %d backups that were reported done were verified together, every byte; the %d oldest were exported once more and equal the phones of their day.\n\n", len(l.done), l.exported)
}

func (l *lab) costTable(out *bytes.Buffer) {
	out.WriteString("| run | time | CPU | memory, MiB | phone sent, MB | up, MB | down, MB | PUT | GET | LIST | HEAD | DELETE | other |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range l.costs {
		all, by := c.counts.total(), c.counts.byOperation()
		other := all.requests
		for _, op := range []string{"PUT", "GET", "LIST", "HEAD", "DELETE"} {
			other -= by[op]
		}
		fmt.Fprintf(out, "| %s | %.1f s | %.1f s | %d | %s | %s | %s | %d | %d | %d | %d | %d | %d |\n", c.what, c.ran.wall.Seconds(), c.ran.cpu.Seconds(),
			c.ran.rss>>20, mb(c.sent), mb(all.up), mb(all.down), by["PUT"], by["GET"], by["LIST"], by["HEAD"], by["DELETE"], other)
	}
	out.WriteString("\nBy kind of blob (requests, MB up, MB down):\n\n")
	for _, r := range l.rounds {
		for _, a := range r.attempts {
			fmt.Fprintf(out, "- %s, %s: %v\n", r.name, a.host, a.asked)
		}
		fmt.Fprintf(out, "- %s, verify --all --full: %v\n", r.name, r.asked)
	}
	for _, c := range l.costs {
		fmt.Fprintf(out, "- %s: %v\n", c.what, c.counts)
	}
	out.WriteByte('\n')
}

func (c counts) String() string {
	var words []string
	for _, k := range slices.SortedFunc(maps.Keys(c), func(a, b operation) int {
		return cmp.Or(cmp.Compare(a.op, b.op), cmp.Compare(a.blob, b.blob))
	}) {
		t := c[k]
		words = append(words, fmt.Sprintf("%s %s %d (%s, %s)", k.op, k.blob, t.requests, mb(t.up), mb(t.down)))
	}
	return cmp.Or(strings.Join(words, " · "), "none")
}

func (c counts) total() tally {
	var sum tally
	for t := range maps.Values(c) {
		sum.add(t)
	}
	return sum
}

func (c counts) byOperation() map[string]int {
	by := map[string]int{}
	for k, t := range c {
		by[k.op] += t.requests
	}
	return by
}

func mb(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }

// splice puts the tables into the file.
func splice(name string, tables []byte) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	head, rest, ok := bytes.Cut(text, []byte(begin))
	_, tail, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		return fmt.Errorf("%s has no lines %q and %q", name, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(name, slices.Concat(head, []byte(begin), tables, []byte(end), tail), 0o644)
}
