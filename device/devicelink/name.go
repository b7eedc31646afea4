package devicelink

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// maxPart is the longest name of one file or folder on every file system we
// know.
const maxPart = 255

// A NameError is a name that a device may not use.
type NameError struct {
	Name   string
	Reason string
}

func (e *NameError) Error() string {
	name := e.Name
	if len(name) > 256 {
		name = name[:256] + "…"
	}
	return fmt.Sprintf("name %q from the device refused: %s", name, e.Reason)
}

// Name checks a name that a device sent and gives it in the form of an
// [fs.FS]: relative, slash-separated, without "." and "..". Leading slashes
// are dropped, for devices have sent names that merely look absolute (idevice
// #104); so are slashes at the end, doubled ones and parts that are ".", which
// other hosts leave to their file system. A part that is "..", wherever it
// would lead, and all else that is not a plain path is refused with a
// *NameError. A backslash is a character like any other, as it is for the
// device.
func Name(name string) (string, error) {
	refuse := func(reason string) (string, error) {
		return "", &NameError{Name: name, Reason: reason}
	}
	if len(name) > MaxPath {
		return refuse("too long")
	}
	rel := plain(name)
	switch {
	case rel == "":
		return refuse("empty")
	case strings.IndexByte(rel, 0) >= 0:
		return refuse("it holds a NUL")
	case !fs.ValidPath(rel):
		return refuse("it is not a plain path")
	}
	for rest, more := rel, true; more; {
		var part string
		part, rest, more = strings.Cut(rest, "/")
		if len(part) > maxPart {
			return refuse("a part of it is too long")
		}
	}
	return rel, nil
}

// plain drops what stands for nothing in a path: empty parts and ".".
func plain(name string) string {
	if fs.ValidPath(name) && name != "." {
		return name // as nearly all are
	}
	parts := strings.Split(name, "/")
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" || p == "." }), "/")
}

// Within checks a name as Name does and confines it to what belongs to the
// given devices: <UDID>/… and the dated siblings <UDID>-yyyyMMdd-HHmmss/… that
// a device makes in two cases (an old format, and a copy before a restore).
func Within(udids []string, name string) (string, error) {
	rel, err := Name(name)
	if err != nil {
		return "", err
	}
	top, _, _ := strings.Cut(rel, "/")
	for _, udid := range udids {
		rest, ok := strings.CutPrefix(top, udid)
		if ok && udid != "" && (rest == "" || isDateSuffix(rest)) {
			return rel, nil
		}
	}
	return "", &NameError{Name: name, Reason: "it is outside the folder of this backup"}
}

// isDateSuffix recognises -yyyyMMdd-HHmmss.
func isDateSuffix(s string) bool {
	const shape = "-dddddddd-dddddd"
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if digit := s[i] >= '0' && s[i] <= '9'; digit != (shape[i] == 'd') || !digit && s[i] != '-' {
			return false
		}
	}
	return true
}
