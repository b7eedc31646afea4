package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"russet"
	"russet/internal/durable"
	"russet/internal/home"
)

// did adds a step to a report.
func (r *DrillReport) did(format string, args ...any) {
	r.Compared = append(r.Compared, fmt.Sprintf(format, args...))
}

// conclude says what came out.
func (r *DrillReport) conclude() {
	r.Good = len(r.Problems) == 0
	r.Result = "this backup restores: every file arrived as it is in the backup"
	if !r.Good {
		r.Result = fmt.Sprintf("THE DRILL FAILED: %s", plural(len(r.Problems), "problem"))
	}
}

// Text is the report as people read it.
func (r *DrillReport) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Restore drill of %s", r.Time.Local().Format("Monday, 2 January 2006 15:04:05 -0700"))
	line("")
	line("Backup:   %s", r.Backup.ID)
	line("          of %q (%s), iOS %s", oneLine(r.Backup.Name), r.Backup.Device, oneLine(r.Backup.IOS))
	line("          made %s, kept in the store %q", r.Backup.Time.Local().Format("2 January 2006 15:04"), r.Backup.Store)
	line("Result:   %s", r.Result)
	line("Took:     %.0f seconds", r.Seconds)
	line("")
	line("What was done:")
	for _, s := range r.Compared {
		line("- %s", s)
	}
	if len(r.Compared) == 0 {
		line("- nothing: it failed before anything could be compared")
	}
	for _, part := range []struct {
		title string
		lines []string
	}{
		{"Problems:", problemLines(r.Problems)},
		{"Notes:", r.Notes},
	} {
		if len(part.lines) > 0 {
			line("")
			line("%s", part.title)
		}
		for _, s := range part.lines {
			line("- %s", oneLine(s))
		}
	}
	return b.String()
}

func problemLines(problems []russet.Problem) []string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = strings.TrimPrefix(p.Path+": "+p.What, ": ")
	}
	return lines
}

// oneLine keeps a stranger's word from writing lines of its own into a report.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\ufffd'
		}
		return r
	}, s)
}

// keepReport writes a report into russet's own folder, for programs and for
// people.
func (h *Host) keepReport(report *DrillReport) error {
	dir, err := h.home.Make()
	if err != nil {
		return err
	}
	base := fmt.Sprintf("%s/%s-%s", home.Drills, report.Time.Format("20060102-150405"), shortID(report.Backup.ID))
	name := base
	for n := 2; ; n++ { // two drills of one backup within a second
		there, err := dir.Exists(name + ".json")
		if err != nil {
			return home.Error(err)
		}
		if !there {
			break
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
	report.Path = filepath.Join(h.home.Dir, filepath.FromSlash(name)+".json")
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	err = dir.Replace(name+".txt", []byte(report.Text()), 0o600)
	if err = errors.Join(err, dir.Replace(name+".json", append(data, '\n'), 0o600)); err != nil {
		return home.Error(err)
	}
	return nil
}

// maxReport bounds a report that is read: one that names a million files is
// the largest there can be.
const maxReport = 512 << 20

// Drills lists the reports of all drills, oldest first. Those that cannot be
// read come back as problems.
func (h *Host) Drills() ([]DrillReport, []russet.Problem, error) {
	dir, err := h.home.Open()
	var entries []fs.DirEntry
	if err == nil {
		entries, err = dir.ReadDir(home.Drills)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return nil, nil, home.Error(err)
	}
	reports, unread := []DrillReport{}, []russet.Problem{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		report, err := readReport(dir, home.Drills+"/"+e.Name())
		if err != nil {
			unread = append(unread, russet.Problem{Path: filepath.Join(h.home.Dir, home.Drills, e.Name()), What: err.Error()})
			continue
		}
		reports = append(reports, report)
	}
	slices.SortStableFunc(reports, func(a, b DrillReport) int { return a.Time.Compare(b.Time) })
	return reports, unread, nil
}

func readReport(dir *durable.Dir, name string) (DrillReport, error) {
	var report DrillReport
	data, err := dir.ReadFile(name, maxReport)
	if err != nil {
		return report, err
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return report, fmt.Errorf("read the report: %w", err)
	}
	return report, nil
}
