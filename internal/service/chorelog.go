package service

import (
	"bufio"
	"bytes"
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
	Outcome string         `json:"outcome"` // "done", "failed" or "interrupted"
	Text    string         `json:"text"`    // what was done
	Error   string         `json:"error,omitempty"`
}

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
