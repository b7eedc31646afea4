package host

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"russet"
	"russet/internal/home"
)

// maxRunLine bounds one line of a run history. A run that names a hundred
// thousand unreadable files still fits.
const maxRunLine = 32 << 20

func (h *Host) runsFile(device russet.UDID) string {
	return filepath.Join(h.home.Dir, home.Runs, string(device)+".jsonl")
}

// addRun appends a finished run to the device's history: one JSON object a
// line, readable with the eyes.
func (h *Host) addRun(run russet.Run) error {
	if !run.Device.Valid() {
		return fmt.Errorf("note the run of %q: not a device's identifier", run.Device)
	}
	line, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("note the run: %w", err)
	}
	if _, err := h.home.Make(); err != nil {
		return err
	}
	f, err := os.OpenFile(h.runsFile(run.Device), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return home.Error(err)
	}
	// A line torn by a power cut must not spoil this one: begin on a new line.
	_, err = f.Write(append(append([]byte{'\n'}, line...), '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return home.Error(err)
	}
	return nil
}

// Runs lists the runs of a device, oldest first, with one that was killed last.
// Lines that cannot be read are passed over.
func (h *Host) Runs(device russet.UDID) ([]russet.Run, error) {
	runs, err := h.noted(device)
	if err != nil {
		return runs, err
	}
	if run := h.lostRun(device); run != nil {
		runs = append(runs, *run)
	}
	return runs, nil
}

// openRuns opens the history of a device; nil when it has none.
func (h *Host) openRuns(device russet.UDID) (*os.File, error) {
	if !device.Valid() {
		return nil, fmt.Errorf("read the runs of %q: not a device's identifier", device)
	}
	f, err := os.Open(h.runsFile(device))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, home.Error(err)
	}
	return f, nil
}

// noted are the runs in the history.
func (h *Host) noted(device russet.UDID) ([]russet.Run, error) {
	f, err := h.openRuns(device)
	if f == nil || err != nil {
		return nil, err
	}
	defer f.Close()
	var runs []russet.Run
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxRunLine)
	for lines.Scan() {
		var run russet.Run
		if len(bytes.TrimSpace(lines.Bytes())) > 0 && json.Unmarshal(lines.Bytes(), &run) == nil {
			runs = append(runs, run)
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		return runs, home.Error(err)
	}
	return runs, nil
}

// runsTail is how much of a history is read for its last run: some hundred runs.
const runsTail = 64 << 10

// LastRun is the last of the runs of a device; nil if there is none. However
// long the history is, only its end is read.
func (h *Host) LastRun(device russet.UDID) (*russet.Run, error) {
	last, err := h.lastNoted(device)
	if err != nil {
		return nil, err
	}
	if run := h.lostRun(device); run != nil {
		return run, nil
	}
	return last, nil
}

// lastNoted is the last run in the history.
func (h *Host) lastNoted(device russet.UDID) (*russet.Run, error) {
	f, err := h.openRuns(device)
	if f == nil || err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, home.Error(err)
	}
	for size := int64(runsTail); ; size *= 16 {
		from := max(0, info.Size()-size)
		tail := make([]byte, info.Size()-from)
		if n, err := f.ReadAt(tail, from); err != nil && n < len(tail) {
			return nil, home.Error(err)
		}
		for end := len(tail); end > 0; {
			begin := bytes.LastIndexByte(tail[:end], '\n') + 1
			var run russet.Run
			// The first line of a part may be the end of one.
			if (begin > 0 || from == 0) && json.Unmarshal(tail[begin:end], &run) == nil {
				return &run, nil
			}
			end = begin - 1
		}
		if from == 0 || size > maxRunLine {
			return nil, nil
		}
	}
}

// AllRuns lists the newest runs of a device, or of all for "", oldest first;
// last bounds how many, 0 means all.
func (h *Host) AllRuns(device russet.UDID, last int) ([]russet.Run, error) {
	devices := []russet.Device{{UDID: device}}
	if device == "" {
		var err error
		if devices, err = h.knownByRuns(); err != nil {
			return nil, err
		}
	}
	runs := []russet.Run{}
	for _, d := range devices {
		those, err := h.Runs(d.UDID)
		if err != nil {
			return nil, err
		}
		runs = append(runs, those...)
	}
	slices.SortStableFunc(runs, func(a, b russet.Run) int { return a.Start.Compare(b.Start) })
	if last > 0 {
		runs = runs[max(0, len(runs)-last):]
	}
	return runs, nil
}

// knownByRuns lists the devices that have a history, with the name each had
// in its last run.
func (h *Host) knownByRuns() ([]russet.Device, error) {
	entries, err := os.ReadDir(filepath.Join(h.home.Dir, home.Runs))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, home.Error(err)
	}
	var devices []russet.Device
	for _, e := range entries {
		name, noted := strings.CutSuffix(e.Name(), ".jsonl")
		name, begun := strings.CutSuffix(name, ".begun")
		udid := russet.UDID(name)
		if noted == begun || !udid.Valid() || slices.ContainsFunc(devices, func(d russet.Device) bool { return d.UDID == udid }) {
			continue
		}
		runs, err := h.Runs(udid)
		if err != nil || len(runs) == 0 {
			continue
		}
		devices = append(devices, russet.Device{UDID: udid, Name: runs[len(runs)-1].Name})
	}
	return devices, nil
}

// newRunID names a run.
func newRunID() string { return strings.ToLower(rand.Text()[:16]) }
