package host

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"russet"
)

// storeName is what a store may be called: something that needs no quoting.
var storeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// checkStoreName refuses names that scripts and files would trip over.
func checkStoreName(name string) error {
	if storeName.MatchString(name) {
		return nil
	}
	return &russet.Error{
		Kind: russet.Usage, What: fmt.Sprintf("%q cannot be the name of a store", name),
		Hint: "use letters, digits, dots, dashes and underscores, beginning with a letter or digit",
	}
}

// folderOf returns the folder of a store URL. Other kinds of stores are
// refused with the reason.
func folderOf(url string) (string, error) {
	kind, rest, found := strings.Cut(url, ":")
	switch {
	case found && kind == "folder" && rest != "":
		return absolute(rest)
	case found && kind == "vault":
		return "", &russet.Error{
			Kind: russet.Unsupported, What: "this version of russet keeps backups in folders only; vaults come later",
			Hint: `use folder:/path, for example "russet store add main folder:/srv/backups"`,
		}
	case found && kind == "folder":
		return "", &russet.Error{
			Kind: russet.Usage, What: "the address of the store names no folder",
			Hint: "write folder:/path",
		}
	default:
		return "", &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("%q is not the address of a store", url),
			Hint: "write folder:/path; a plain path needs folder: before it",
		}
	}
}

// absolute makes a path that still means the same from another folder. Shells
// do not expand the ~ in folder:~/backups.
func absolute(path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the home folder: %w", err)
		}
		path = filepath.Join(home, rest)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the folder %q: %w", path, err)
	}
	return abs, nil
}
