package mobilesync

import (
	"path"
	"regexp"
	"time"
)

// FolderName is what the name of a backup folder says.
type FolderName struct {
	UDID string
	// Archived is when the copy was set aside (in local time of the computer
	// that did it), zero for the folder the device updates.
	Archived time.Time
}

// archiveLayout is that of the suffix Finder, iTunes and devices use.
const archiveLayout = "20060102-150405"

// ParseFolderName takes apart "<UDID>" and "<UDID>-YYYYMMDD-HHMMSS". A UDID is
// 40 hexadecimal digits, or since 2018 eight, a hyphen and sixteen.
func ParseFolderName(name string) (FolderName, bool) {
	m := folderPattern.FindStringSubmatch(name)
	if m == nil {
		return FolderName{}, false
	}
	f := FolderName{UDID: m[1]}
	if m[2] != "" {
		t, err := time.ParseInLocation(archiveLayout, m[2], time.Local)
		if err != nil {
			return FolderName{}, false
		}
		f.Archived = t
	}
	return f, true
}

var folderPattern = regexp.MustCompile(`^([0-9a-fA-F]{40}|[0-9A-F]{8}-[0-9A-F]{16})(?:-(\d{8}-\d{6}))?$`)

// String is the folder's name.
func (f FolderName) String() string {
	if f.Archived.IsZero() {
		return f.UDID
	}
	return f.UDID + "-" + f.Archived.Format(archiveLayout)
}

// ValidUDID reports whether s is a UDID in one of its two forms.
func ValidUDID(s string) bool {
	f, ok := ParseFolderName(s)
	return ok && f.UDID == s
}

// DefaultLocations lists where Apple's programs keep backup folders on an
// operating system (a GOOS), likeliest first; nil where there are none. getenv
// is os.Getenv, home the home directory. The paths have the separators of
// that system.
func DefaultLocations(goos, home string, getenv func(string) string) []string {
	switch goos {
	case "darwin":
		return []string{path.Join(home, "Library/Application Support/MobileSync/Backup")}
	case "windows":
		profile, roaming := getenv("USERPROFILE"), getenv("APPDATA")
		if profile == "" {
			profile = home
		}
		if roaming == "" {
			roaming = profile + `\AppData\Roaming`
		}
		return []string{
			profile + `\Apple\MobileSync\Backup`,          // Apple Devices, iTunes of the Store
			roaming + `\Apple Computer\MobileSync\Backup`, // iTunes of apple.com
		}
	}
	return nil
}
