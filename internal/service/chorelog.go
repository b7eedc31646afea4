package service

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"time"

	"russet"
	"russet/internal/host"
)

// ChoreRun is one time a chore was done, or tried.
type ChoreRun struct {
	Kind    host.ChoreKind `json:"kind"`
	Store   string         `json:"store"`
	To      string         `json:"to,omitempty"`
	Device  russet.UDID    `json:"device,omitempty"` // of a copy that is about one
	Start   time.Time      `json:"start"`
	End     time.Time      `json:"end"`
	Outcome string         `json:"outcome"` // "done", "damaged" (done, and it found damage), "failed" or "interrupted"
	Text    string         `json:"text"`    // what was done
	Error   string         `json:"error,omitempty"`
}

// Said is what became of a chore, in words: "done: 2 of 2 backups verified, 0
// damaged".
func (r ChoreRun) Said() string {
	text := r.Outcome
	if text == damaged {
		text = "found damage"
	}
	if why := cmp.Or(r.Error, r.Text); why != "" {
		text += ": " + why
	}
	return text
}

// damaged is the Outcome of a chore that was done and found damage.
const damaged = "damaged"

const (
	choreLog    = "chores.jsonl"
	maxChoreLog = 1 << 20 // bytes; the older half goes beyond it
)

// note writes a chore into the history. Service.mu is held.
func (s *Service) note(key string, run ChoreRun) {
	s.ran[key] = run
	err := func() error {
		line, err := json.Marshal(run)
		if err != nil {
			return err
		}
		old, err := s.dir.ReadFile(choreLog, 2*maxChoreLog)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if len(old) > maxChoreLog {
			old = old[len(old)/2:]
			old = old[bytes.IndexByte(old, '\n')+1:]
		}
		return s.dir.Replace(choreLog, slices.Concat(old, line, []byte("\n")), privateFile)
	}()
	if err != nil {
		s.log.Warn("a chore could not be noted in the history", "error", err)
	}
}

// Chores lists the chores that were done, oldest first. Lines that cannot be read
// are passed over.
func (s *Service) Chores() ([]ChoreRun, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(false); err != nil {
		return nil, err
	}
	return s.choreRuns()
}

func (s *Service) choreRuns() ([]ChoreRun, error) {
	runs := []ChoreRun{}
	if s.dir == nil {
		return runs, nil
	}
	data, err := s.dir.ReadFile(choreLog, 2*maxChoreLog)
	if errors.Is(err, fs.ErrNotExist) {
		return runs, nil
	}
	if err != nil {
		return runs, err
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxChoreLog)
	for lines.Scan() {
		var run ChoreRun
		if json.Unmarshal(lines.Bytes(), &run) == nil && run.Kind != "" {
			runs = append(runs, run)
		}
	}
	return runs, lines.Err()
}
