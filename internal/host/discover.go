package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"russet"
	"russet/internal/home"
	"russet/mobilesync"
)

// maxDepth is how many folders below the named one are searched for backups:
// a whole disk of an old computer has them at Users/NAME/AppData/Roaming/Apple
// Computer/MobileSync/Backup/UDID.
const maxDepth = 9

// Found is a folder that is, or was to become, a backup.
type Found struct {
	Path string `json:"path"`
	// Problem says why it cannot be imported; "" if it can be tried.
	Problem string      `json:"problem,omitempty"`
	kind    russet.Kind // of the problem
}

// FindFolders looks for backups of Finder, iTunes and other programs in dir
// and below: current ones, archived ones, and halves of them.
func FindFolders(ctx context.Context, dir string) ([]Found, error) {
	info, err := os.Stat(dir)
	switch {
	case isPrivacy(err):
		return nil, &russet.Error{Kind: russet.Usage, Doing: "look for backups", What: home.FileProblem(err), Hint: privacyHint, Err: err}
	case errors.Is(err, fs.ErrNotExist) || (err == nil && !info.IsDir()):
		return nil, &russet.Error{
			Kind: russet.Usage, Doing: "look for backups", What: fmt.Sprintf("%q is not a folder", dir),
			Hint: "name the folder that holds the backups: " + usualFolders, Err: err,
		}
	case err != nil:
		return nil, fmt.Errorf("look for backups: %w", err)
	}
	s := finder{ctx: ctx, seen: map[string]bool{}}
	err = s.search(dir, 0)
	return s.found, err
}

// finder walks through folders, each once, however many links lead to it.
type finder struct {
	ctx   context.Context
	found []Found
	seen  map[string]bool
}

// usualFolders is where others keep backups.
const usualFolders = `~/Library/Application Support/MobileSync/Backup on a Mac, ` +
	`%APPDATA%\Apple Computer\MobileSync\Backup or %USERPROFILE%\Apple\MobileSync\Backup on Windows`

func (s *finder) search(dir string, depth int) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil || s.seen[real] {
		return err
	}
	s.seen[real] = true
	entries, err := os.ReadDir(dir)
	if err != nil {
		if depth == 0 {
			return fmt.Errorf("look for backups: %w", err)
		}
		s.found = append(s.found, Found{Path: dir, Problem: home.FileProblem(err), kind: fileKind(err)})
		return nil
	}
	if looksLikeBackup(entries) {
		s.found = append(s.found, examine(dir, entries))
		return nil
	}
	if depth == maxDepth {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !leadsToFolder(dir, e) {
			continue
		}
		if err := s.search(filepath.Join(dir, e.Name()), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// leadsToFolder also accepts links: people keep backups on another disk that
// way.
func leadsToFolder(dir string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.IsDir()
}

func has(entries []fs.DirEntry, name string) bool {
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name && !e.IsDir() })
}

// looksLikeBackup: any two of the files that every backup has, or the old
// manifest.
func looksLikeBackup(entries []fs.DirEntry) bool {
	n := 0
	for _, name := range []string{"Manifest.db", "Manifest.plist", "Status.plist", "Info.plist"} {
		if has(entries, name) {
			n++
		}
	}
	return n >= 2 || has(entries, "Manifest.mbdb")
}

// examine says what is wrong with a backup folder at first sight.
func examine(dir string, entries []fs.DirEntry) Found {
	f := Found{Path: dir}
	state, err := snapshotState(dir)
	switch {
	case has(entries, "Manifest.mbdb") && !has(entries, "Manifest.db"):
		f.kind, f.Problem = russet.Unsupported, "made by iOS 9 or older (it has a Manifest.mbdb); russet reads backups since iOS 10"
	case !has(entries, "Manifest.db") || !has(entries, "Manifest.plist"):
		f.kind, f.Problem = russet.Damaged, "half a backup: its manifest is missing"
	case errors.Is(err, fs.ErrNotExist):
		f.kind, f.Problem = russet.Damaged, "half a backup: it has no Status.plist"
	case err != nil:
		f.kind, f.Problem = russet.Damaged, "its Status.plist cannot be read"
	case state != "finished":
		f.kind, f.Problem = russet.Damaged, fmt.Sprintf("half a backup: the device was still %s when it ended", plainState(state))
	case isEmptyFile(filepath.Join(dir, "Info.plist")):
		f.kind, f.Problem = russet.Busy, "its Info.plist is empty: Finder may still be writing; wait 15 minutes"
	}
	return f
}

// snapshotState is how far the device came.
func snapshotState(dir string) (string, error) {
	status, err := mobilesync.ReadStatus(os.DirFS(dir))
	return status.SnapshotState, err
}

// plainState says a stranger's state in a word.
func plainState(state string) string {
	switch state {
	case "uploading", "moving", "removing":
		return state
	default:
		return fmt.Sprintf("in state %q", state)
	}
}

func isEmptyFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Size() == 0
}
