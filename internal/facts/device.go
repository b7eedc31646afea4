package facts

import (
	"fmt"
	"io/fs"
	"strings"
	"time"

	"russet"
	"russet/internal/plist"
	"russet/mobilesync"
)

// DeviceOf reads whose backup a folder is: Manifest.plist is the device's own
// word, Info.plist the computer's.
func DeviceOf(fsys fs.FS) (russet.UDID, error) {
	m, err := mobilesync.ReadManifest(fsys)
	if err != nil {
		return "", NotWhole(err)
	}
	if u := russet.UDID(m.Lockdown.UniqueDeviceID); u.Valid() {
		return u, nil
	}
	data, err := ReadSmall(fsys, InfoPlist, MaxInfo)
	if err != nil {
		return "", err
	}
	info, err := plist.ParseDict(data)
	if err == nil {
		for _, key := range []string{"Target Identifier", "Unique Identifier"} {
			// An archived copy's Target Identifier may be its folder's name.
			u, _, ok := ParseName(info.String(key))
			if ok && len(u) == 40 {
				u = russet.UDID(strings.ToLower(string(u)))
			}
			if ok {
				return u, nil
			}
		}
	}
	return "", Damaged("it does not say which device it is of")
}

// Usable is the error of using a folder that is no whole backup.
func (f *Facts) Usable(doing string) error {
	switch {
	case f.Problem == "":
		return nil
	case f.Busy:
		return &russet.Error{Kind: russet.Busy, Doing: doing, What: f.Problem, Hint: "wait a quarter of an hour"}
	case f.Fingerprint == "":
		return &russet.Error{Kind: russet.Unsupported, Doing: doing, What: f.Problem}
	default:
		return &russet.Error{Kind: russet.Damaged, Doing: doing, What: f.Problem}
	}
}

// Importable says what a folder is that is to be imported, and refuses one that is
// not finished. id is the backup's name elsewhere; "" derives one.
func Importable(fsys fs.FS, id russet.BackupID) (f Facts, device russet.UDID, as russet.BackupID, err error) {
	if f, err = Read(fsys); err == nil {
		err = f.ReadInfo(fsys, time.Now())
	}
	if err == nil && f.Problem != "" {
		err = f.Usable("")
	}
	if err != nil {
		return f, "", "", err
	}
	if device, err = DeviceOf(fsys); err != nil {
		return f, "", "", err
	}
	if id == "" {
		id = DerivedID(device, f.Fingerprint)
	}
	if !IsID(string(id)) {
		return f, "", "", &russet.Error{Kind: russet.Usage, What: fmt.Sprintf("%q is no name of a backup", id)}
	}
	return f, device, id, nil
}
