// Package home is russet's own folder on this computer: where it is, what is
// sealed in it, and the locks by which several processes share it. It is opened
// when something in it is needed, and made only for what is to be kept.
package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"russet"
	"russet/internal/durable"
	"russet/internal/secrets"
)

// Place says where russet keeps its own things on this computer.
type Place struct {
	Dir  string // settings, secrets, locks, run history, drill reports
	Data string // where a first store is made when none was chosen
	// Moved says that a person chose the place (RUSSET_HOME).
	Moved bool
}

// Find reads RUSSET_HOME, else asks the system for its usual places.
func Find(getenv func(string) string) (Place, error) {
	if dir := getenv("RUSSET_HOME"); dir != "" {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return Place{}, fmt.Errorf("find RUSSET_HOME: %w", err)
		}
		return Place{Dir: dir, Data: dir, Moved: true}, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return Place{}, &russet.Error{
			Kind: russet.Usage, Doing: "find a place for the settings", What: err.Error(),
			Hint: "set RUSSET_HOME to a folder of your own", Err: err,
		}
	}
	data, err := dataDir(getenv)
	if err != nil {
		return Place{}, err
	}
	return Place{Dir: filepath.Join(config, "russet"), Data: filepath.Join(data, "russet")}, nil
}

// dataDir is where programs keep large things of one person.
func dataDir(getenv func(string) string) (string, error) {
	switch runtime.GOOS {
	case "windows":
		if dir := getenv("LocalAppData"); dir != "" {
			return dir, nil
		}
		return "", errors.New("find a place for backups: %LocalAppData% is not set")
	case "darwin", "ios":
		return os.UserConfigDir() // ~/Library/Application Support, also for data
	default:
		if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
			return dir, nil
		}
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find a place for backups: %w", err)
		}
		return filepath.Join(home, ".local", "share"), nil
	}
}

// The folders inside the home that are always there.
const (
	Locks  = "locks"  // one file a lock, NAME.lock
	Runs   = "runs"   // the history of each device
	Drills = "drills" // the reports of drills
)

// Home is the folder. It may be used by several goroutines.
type Home struct {
	Place

	mu      sync.Mutex       // for the three below
	dir     *durable.Dir     // nil until it is needed
	made    bool             // it and its folders are there
	secrets *secrets.Secrets // nil until they are needed
}

// At is the home in a place. It touches nothing yet.
func At(p Place) *Home { return &Home{Place: p} }

// Make opens the folder for what is about to be kept there, and makes it when it
// is absent. It stays open until Close; the caller does not close it.
func (h *Home) Make() (*durable.Dir, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.made {
		return h.dir, nil
	}
	if err := h.Ours(); err != nil {
		return nil, err
	}
	for _, sub := range []string{Locks, Runs, Drills} {
		if err := os.MkdirAll(filepath.Join(h.Dir, sub), 0o700); err != nil {
			return nil, Error(err)
		}
	}
	if err := h.open(); err != nil {
		return nil, Error(err)
	}
	h.made = true
	return h.dir, nil
}

// Open is Make for reading. Who only looks leaves nothing behind: a home that
// was never made is fs.ErrNotExist, and holds nothing.
func (h *Home) Open() (*durable.Dir, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.open(); err != nil {
		return nil, Error(err)
	}
	return h.dir, nil
}

// open opens the folder that is there. Home.mu is held.
func (h *Home) open() error {
	if h.dir != nil {
		return nil
	}
	dir, err := durable.Open(h.Dir, nil)
	if err == nil {
		h.dir = dir
	}
	return err
}

// Close lets go of the folder and of what is sealed in it. They open again when
// needed.
func (h *Home) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	if h.secrets != nil {
		errs = append(errs, h.secrets.Close())
		h.secrets = nil
	}
	if h.dir != nil {
		errs = append(errs, h.dir.Close())
		h.dir, h.made = nil, false
	}
	return errors.Join(errs...)
}
