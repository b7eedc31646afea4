package host

import (
	"context"
	"io/fs"
	"os"

	"russet"
	"russet/internal/folder"
)

// openFolder opens the folder of a configured store. A folder that is empty is
// the place where a disk is not mounted: nothing is begun there.
func (h *Host) openFolder(ctx context.Context, st StoreSettings) (russet.Store, error) {
	path, err := folderOf(st.URL)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(path)
	if err == nil && len(entries) == 0 {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, storeError(st, err)
	}
	store, err := folder.Open(ctx, path, folder.Options{Name: st.Name, Log: h.log, Passwords: h.passwords})
	if err != nil {
		return nil, storeError(st, err)
	}
	return store, nil
}

// makeFolder makes the folder of a new store, or joins one that is there.
func (h *Host) makeFolder(ctx context.Context, st StoreSettings) error {
	path, err := folderOf(st.URL)
	if err != nil {
		return err
	}
	store, err := folder.Open(ctx, path, folder.Options{Name: st.Name, Create: true, Log: h.log, Passwords: h.passwords})
	if err != nil {
		return storeError(st, err)
	}
	return store.Close()
}
