package main

import (
	"fmt"
	"slices"
	"strings"

	"russet/vphone/content"
)

// programs in the order of the tables.
func programs() []string { return []string{"russet", "restic", "borg", "kopia"} }

// report writes the tables of all pieces that were measured.
func report(o options) (string, error) {
	var b strings.Builder
	for _, write := range []func(*strings.Builder, options) error{reportGrowth, reportPhone, reportIngest, reportGiveBack, reportReading, reportCopying} {
		if err := write(&b, o); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func mb(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// over is how many times a is b, or nothing where b was not measured.
func over(a, b int64) string {
	if b <= 0 || a <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}

func median[T any](all []T, of func(T) float64) float64 {
	values := make([]float64, 0, len(all))
	for _, v := range all {
		values = append(values, of(v))
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func reportGrowth(b *strings.Builder, o options) error {
	for _, name := range []string{"growth-kept", "growth-packed"} {
		f, err := load[growthFigures](o, name)
		if err != nil {
			return err
		}
		if len(f.Days) == 0 {
			continue
		}
		form := "pages stay where they are"
		if name == "growth-packed" {
			form = "packed anew every day (VACUUM)"
		}
		fmt.Fprintf(b, "**Growth, message database of %s, %s**\n\nMeasured %s.\n\n", mb(f.Database), form, f.Machine)
		fmt.Fprintf(b, "| | dirtied | moved | %s |\n|---|---|---|%s\n", strings.Join(programs(), " | "), strings.Repeat("---|", len(programs())))
		fmt.Fprintf(b, "| first backup, folder of %s | | |%s\n", mb(f.Folder), cells(func(c string) string { return size(f.First, c) }))
		if f.Plain > 0 {
			fmt.Fprintf(b, "| … against kopia on the same backup unencrypted, %s | | |%s\n", mb(f.Plain), cells(func(c string) string { return over(f.First[c], f.Plain) }))
		}
		for i, d := range f.Days {
			fmt.Fprintf(b, "| %s | %.1f %% | %.1f %% |%s\n", dayName(i+1, d.Activity), d.Dirtied, d.Shifted, cells(func(c string) string { return size(d.Grown, c) }))
		}
		for _, kind := range []content.Activity{content.HeavyDay, content.LightDay} {
			days := slices.DeleteFunc(slices.Clone(f.Days), func(d growthDay) bool { return d.Activity != kind })
			mean := func(c string) float64 { return total(days, c) / float64(max(len(days), 1)) }
			fmt.Fprintf(b, "| mean of the %s days | | |%s\n", kind, cells(func(c string) string {
				if mean(c) == 0 {
					return ""
				}
				return mb(int64(mean(c)))
			}))
			fmt.Fprintf(b, "| … times russet's | | |%s\n", cells(func(c string) string { return over(int64(mean(c)), int64(mean("russet"))) }))
		}
		b.WriteString("\n")
	}
	return nil
}

func total(days []growthDay, client string) (n float64) {
	for _, d := range days {
		n += float64(d.Grown[client])
	}
	return n
}

// cells are the columns of all programs.
func cells(of func(client string) string) string {
	var b strings.Builder
	for _, c := range programs() {
		fmt.Fprintf(&b, " %s |", of(c))
	}
	return b.String()
}

func size(m map[string]int64, client string) string {
	n, ok := m[client]
	if !ok {
		return ""
	}
	return mb(n)
}

func reportPhone(b *strings.Builder, o options) error {
	f, err := load[phoneFigures](o, "phone")
	if err != nil || len(f.Sizes) == 0 {
		return err
	}
	var copies int64
	for _, n := range f.Folders {
		copies += n
	}
	fmt.Fprintf(b, "**%d files, %s, encrypted, %d daily backups**\n\nMeasured %s.\n\n", f.Files, mb(f.Size), len(f.Folders), f.Machine)
	fmt.Fprintf(b, "| | %s | plain copies (computed) |\n|---|%s---|\n", strings.Join(programs(), " | "), strings.Repeat("---|", len(programs())))
	at := func(c string, last bool) int64 {
		switch sizes := f.Sizes[c]; {
		case len(sizes) == 0:
			return 0
		case last:
			return sizes[len(sizes)-1]
		default:
			return sizes[0]
		}
	}
	known := func(n int64) string {
		if n == 0 {
			return ""
		}
		return mb(n)
	}
	fmt.Fprintf(b, "| first backup |%s %s |\n", cells(func(c string) string { return known(at(c, false)) }), known(f.Size))
	fmt.Fprintf(b, "| all of them |%s %s |\n", cells(func(c string) string { return known(at(c, true)) }), known(copies))
	fmt.Fprintf(b, "| growth a day |%s |\n", cells(func(c string) string {
		return known((at(c, true) - at(c, false)) / int64(max(len(f.Sizes[c])-1, 1)))
	}))
	fmt.Fprintf(b, "| times russet's |%s %s |\n", cells(func(c string) string { return over(at(c, true), at("russet", true)) }), over(copies, at("russet", true)))
	for _, what := range []string{"a forced full backup", "a changed backup password"} {
		if n, ok := f.Extras[what]; ok {
			fmt.Fprintf(b, "\nGrowth by %s, conversion done and room given back: %s, %.2f %%.\n", what, mb(n), 100*float64(n)/float64(f.Base))
		}
	}
	b.WriteString("\n")
	return nil
}

func reportIngest(b *strings.Builder, o options) error {
	for _, name := range []string{"ingest", "million"} {
		f, err := load[ingestFigures](o, name)
		if err != nil {
			return err
		}
		if len(f.Rows) == 0 {
			continue
		}
		fmt.Fprintf(b, "**Taking in** (%s)\n\nMeasured %s. Medians; a sync of the disk is inside every wall time, after each program.\n\n", name, f.Machine)
		b.WriteString("| | program | wall | ratio | user + sys | memory | spool |\n|---|---|---|---|---|---|---|\n")
		for _, r := range f.Rows {
			for _, c := range []string{"russet", alone, thenRestic} {
				if len(r.Rounds[c]) > 0 {
					reportRound(b, r, c)
				}
			}
		}
		b.WriteString("\n")
	}
	return nil
}

func reportRound(b *strings.Builder, r ingestRow, client string) {
	rounds, base := r.Rounds[client], append(slices.Clone(r.Rounds[alone]), r.Rounds[thenRestic]...)
	ratios := make([]float64, 0, len(rounds))
	for i := range min(len(rounds), len(base)) {
		ratios = append(ratios, rounds[i].Wall/base[i].Wall)
	}
	ratio, spool := "", ""
	if len(ratios) > 0 {
		ratio = fmt.Sprintf("%.2f", median(ratios, func(v float64) float64 { return v }))
	}
	if client == "russet" {
		spool = mb(r.Largest)
	}
	fmt.Fprintf(b, "| %s | %s | %.2f s | %s | %.2f s | %.0f MiB | %s |\n", r.Name, client,
		median(rounds, func(m measure) float64 { return m.Wall }), ratio,
		median(rounds, func(m measure) float64 { return m.CPU }),
		median(rounds, func(m measure) float64 { return float64(m.Peak) })/(1<<20), spool)
}

func reportGiveBack(b *strings.Builder, o options) error {
	f, err := load[giveFigures](o, "giveback")
	if err != nil || len(f.Rows) == 0 {
		return err
	}
	fmt.Fprintf(b, "**Giving back, %s, encrypted**\n\nMeasured %s.\n\n| | wall | MB/s | user + sys | memory |\n|---|---|---|---|---|\n", mb(f.Bytes), f.Machine)
	for _, row := range []string{ourExport, theirCopy, ourRestore, theirRestore} {
		if all := f.Rows[row]; len(all) > 0 {
			wall := median(all, func(m measure) float64 { return m.Wall })
			fmt.Fprintf(b, "| %s | %.2f s | %.0f | %.2f s | %.0f MiB |\n", row, wall, float64(f.Bytes)/wall/1e6,
				median(all, func(m measure) float64 { return m.CPU }), median(all, func(m measure) float64 { return float64(m.Peak) })/(1<<20))
		}
	}
	b.WriteString("\n")
	return nil
}

func reportReading(b *strings.Builder, o options) error {
	f, err := load[readFigures](o, "reading")
	if err != nil || len(f.Places) == 0 {
		return err
	}
	fmt.Fprintf(b, "**Reading a little out of much** (message database of %s)\n\nMeasured %s. Each place once, by a program just started, with empty caches.\n", mb(f.Database), f.Machine)
	for _, place := range []string{onDisk, onS3} {
		fmt.Fprintf(b, "\n| %s | time | gets | lists | fetched | read |\n|---|---|---|---|---|---|\n", place)
		for _, t := range f.Places[place] {
			fmt.Fprintf(b, "| %s | %.0f ms | %d | %d | %.0f kB | %.1f kB |\n", t.What, 1000*t.Seconds, t.Gets, t.Lists, float64(t.BytesGot)/1000, float64(t.Read)/1000)
		}
	}
	b.WriteString("\n")
	return nil
}

func reportCopying(b *strings.Builder, o options) error {
	f, err := load[copyFigures](o, "copying")
	if err != nil || len(f.Copies) == 0 {
		return err
	}
	fmt.Fprintf(b, "**Copying to another vault**, %d files, %s\n\nMeasured %s. Bytes between the program and each vault; the vaults are on this disk.\n\n", f.Files, mb(f.Size), f.Machine)
	b.WriteString("| copy of a backup | time | read where it is | read where it goes | written there |\n|---|---|---|---|---|\n")
	for _, c := range f.Copies {
		fmt.Fprintf(b, "| %s | %.1f s | %s | %s | %s |\n", c.What, c.Seconds, mb(c.Got), mb(c.There), mb(c.Put))
	}
	b.WriteString("\n")
	return nil
}
