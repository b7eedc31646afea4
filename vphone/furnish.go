package vphone

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"russet/vphone/internal/plist"
)

// furnish puts into the Media folder what every phone has there and hosts
// copy into Info.plist: the files of /iTunes_Control/iTunes and /Books. What
// is there already stays.
func (p *Phone) furnish() error {
	library, err := plist.XML(map[string]any{"Library": "virtual", "Version": 1})
	if err != nil {
		return err
	}
	books, err := plist.XML(map[string]any{"Books": []any{}})
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"iTunes_Control/iTunes/ApertureAlbumPrefs":   library,
		"iTunes_Control/iTunes/IC-Info.sidb":         []byte("made up"),
		"iTunes_Control/iTunes/IC-Info.sidv":         []byte("made up as well"),
		"iTunes_Control/iTunes/PhotosFolderAlbums":   library,
		"iTunes_Control/iTunes/PhotosFolderName":     []byte("Pictures"),
		"iTunes_Control/iTunes/PhotosFolderPrefs":    library,
		"iTunes_Control/iTunes/VoiceMemos.plist":     library,
		"iTunes_Control/iTunes/iPhotoAlbumPrefs":     library,
		"iTunes_Control/iTunes/iTunesApplicationIDs": library,
		"iTunes_Control/iTunes/iTunesPrefs":          []byte("frpd made up"),
		"iTunes_Control/iTunes/iTunesPrefs.plist":    library,
		"Books/iBooksData2.plist":                    books,
	} {
		path := filepath.Join(p.MediaDir(), filepath.FromSlash(name))
		if err := writeNew(path, data); err != nil {
			return err
		}
	}
	return nil
}

// writeNew writes a file unless it is there.
func writeNew(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
