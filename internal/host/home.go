package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"russet"
	"russet/internal/durable"
)

// Home says where russet keeps its own things on this computer.
type Home struct {
	Dir  string // settings, secrets, locks, run history, drill reports
	Data string // where a first store is made when none was chosen
	// Moved says that a person chose the place (RUSSET_HOME).
	Moved bool
}

// FindHome reads RUSSET_HOME, else asks the system for its usual places.
func FindHome(getenv func(string) string) (Home, error) {
	if dir := getenv("RUSSET_HOME"); dir != "" {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return Home{}, fmt.Errorf("find RUSSET_HOME: %w", err)
		}
		return Home{Dir: dir, Data: dir, Moved: true}, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return Home{}, &russet.Error{
			Kind: russet.Usage, Doing: "find a place for the settings", What: err.Error(),
			Hint: "set RUSSET_HOME to a folder of your own", Err: err,
		}
	}
	data, err := dataDir(getenv)
	if err != nil {
		return Home{}, err
	}
	return Home{Dir: filepath.Join(config, "russet"), Data: filepath.Join(data, "russet")}, nil
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

// The folders inside the home.
const (
	locksDir  = "locks"
	runsDir   = "runs"
	drillsDir = "drills"

	secretsDir = "secrets"
)

// openHome opens the home folder for what is about to be kept there, and makes
// it when it is absent.
func (h *Host) openHome() (*durable.Dir, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.made {
		return h.dir, nil
	}
	for _, sub := range []string{locksDir, runsDir, drillsDir} {
		if err := os.MkdirAll(filepath.Join(h.home.Dir, sub), 0o700); err != nil {
			return nil, homeError(err)
		}
	}
	if err := h.openDir(); err != nil {
		return nil, homeError(err)
	}
	h.made = true
	return h.dir, nil
}

// findHome opens the home folder for reading. Who only looks leaves nothing
// behind: a home that was never made is fs.ErrNotExist, and holds nothing.
func (h *Host) findHome() (*durable.Dir, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.openDir(); err != nil {
		return nil, homeError(err)
	}
	return h.dir, nil
}

// openDir opens the folder that is there. shared.mu is held.
func (h *Host) openDir() error {
	if h.dir != nil {
		return nil
	}
	dir, err := durable.Open(h.home.Dir, nil)
	if err == nil {
		h.dir = dir
	}
	return err
}

// homeError explains a failure in russet's own folder.
func homeError(err error) error {
	hint := "make the folder writable, or set RUSSET_HOME to another one"
	if fileKind(err) == russet.NoSpace {
		hint = "make room on that disk, or set RUSSET_HOME to a folder on another one"
	}
	return &russet.Error{Kind: fileKind(err), Doing: "use russet's own folder", What: plainFileError(err), Hint: hint, Err: err}
}
