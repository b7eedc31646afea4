package mobilesync_test

import (
	"slices"
	"testing"
	"time"

	"russet/mobilesync"
)

const oldUDID = "0123456789abcdef0123456789abcdef01234567"

func TestFolderNames(t *testing.T) {
	archived := time.Date(2026, 11, 22, 9, 6, 7, 0, time.Local)
	for name, want := range map[string]mobilesync.FolderName{
		miniUDID:                      {UDID: miniUDID},
		oldUDID:                       {UDID: oldUDID},
		miniUDID + "-20261122-090607": {UDID: miniUDID, Archived: archived},
		oldUDID + "-20261122-090607":  {UDID: oldUDID, Archived: archived},
	} {
		got, ok := mobilesync.ParseFolderName(name)
		if !ok || got.UDID != want.UDID || !got.Archived.Equal(want.Archived) || got.String() != name {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
		if mobilesync.ValidUDID(name) != want.Archived.IsZero() {
			t.Errorf("%s is a UDID or not", name)
		}
	}
	for _, bad := range []string{
		"", "Backup", oldUDID[1:], oldUDID + "0", "00008101-000a11112222001e", miniUDID + "-", miniUDID + "-20261122",
		miniUDID + "-20261322-090607", miniUDID + "/x", "../" + miniUDID, miniUDID + "\n",
	} {
		if got, ok := mobilesync.ParseFolderName(bad); ok {
			t.Errorf("%q is %+v", bad, got)
		}
	}
}

func TestDefaultLocations(t *testing.T) {
	env := map[string]string{"USERPROFILE": `C:\Users\anna`, "APPDATA": `D:\Roaming`}
	for _, c := range []struct {
		goos, home string
		env        map[string]string
		want       []string
	}{
		{"darwin", "/Users/anna", nil, []string{"/Users/anna/Library/Application Support/MobileSync/Backup"}},
		{"linux", "/home/anna", nil, nil},
		{
			"windows", `C:\Users\anna`, env,
			[]string{`C:\Users\anna\Apple\MobileSync\Backup`, `D:\Roaming\Apple Computer\MobileSync\Backup`},
		},
		{
			"windows", `C:\Users\bob`, nil,
			[]string{`C:\Users\bob\Apple\MobileSync\Backup`, `C:\Users\bob\AppData\Roaming\Apple Computer\MobileSync\Backup`},
		},
	} {
		got := mobilesync.DefaultLocations(c.goos, c.home, func(key string) string { return c.env[key] })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", c.goos, got)
		}
	}
}

func TestProductNames(t *testing.T) {
	for productType, want := range map[string]string{
		"iPhone8,1": "iPhone 6s", "iPhone13,2": "iPhone 12", "iPhone9,3": "iPhone 7", "iPhone18,4": "iPhone Air",
		"iPad15,7": "iPad (A16)", "iPad8,7": "iPad Pro (12.9-inch, 3rd generation)", "iPod9,1": "iPod touch (7th generation)",
		"iPhone99,9": "", "": "", "iPhone": "", "iPhone8,1  iPhone": "",
	} {
		if got := mobilesync.ProductName(productType); got != want {
			t.Errorf("%q is %q, want %q", productType, got, want)
		}
	}
}
