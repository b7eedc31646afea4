package home

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"russet"
)

// Ours refuses an administrator the home that somebody else uses: what sudo
// leaves there, and in their stores, is closed to them, and their service could
// not go on.
func (h *Home) Ours() error {
	if !administrator() {
		return nil
	}
	locks := filepath.Join(h.Dir, Locks)
	info, err := os.Stat(locks)
	if err != nil || ownerOf(info) == 0 || owns(locks) == ownerOf(info) {
		return nil //nolint:nilerr // nobody uses it yet
	}
	uid := strconv.Itoa(ownerOf(info))
	name := "#" + uid // as sudo takes it
	if u, err := user.LookupId(uid); err == nil {
		name = cmp.Or(u.Username, name)
	}
	return &russet.Error{
		Kind: russet.Usage, Doing: "use russet's own folder",
		What: fmt.Sprintf("%s belongs to the user %s, to whom all that the administrator keeps there would be closed", h.Dir, name),
		Hint: fmt.Sprintf("do it as that user: sudo -u '%s' RUSSET_HOME=\"%s\" russet …", name, h.Dir),
	}
}

// owns is whose a file becomes that this process makes in a folder: on some disks
// all files belong to one user, whoever makes them. -1 if that cannot be tried.
func owns(dir string) int {
	f, err := os.CreateTemp(dir, "owner")
	if err != nil {
		return -1
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return -1
	}
	return ownerOf(info)
}
