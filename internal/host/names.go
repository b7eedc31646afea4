package host

import (
	"fmt"
	"hash/crc32"
	"path"
	"strings"
	"unicode/utf8"
)

// maxName is how many bytes a file name may have on every file system in use.
const maxName = 240

// localName makes a name of the phone one that this system can store: system
// is a GOOS. Names that need no change come back as they are.
func localName(name, system string) string {
	s := strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", "_"), "_")
	s = strings.ReplaceAll(s, "/", "_")
	if system == "windows" {
		s = windowsName(s)
	}
	if s == "." || s == ".." || s == "" {
		s = "_" + s
	}
	if len(s) > maxName {
		s = shorten(s)
	}
	return s
}

// windowsName follows the rules of Win32 for file names.
func windowsName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || strings.ContainsRune(`<>:"\|?*`, r) {
			return '_'
		}
		return r
	}, s)
	if t := strings.TrimRight(s, ". "); t != s {
		s = t + "_"
	}
	stem, _, _ := strings.Cut(strings.ToUpper(s), ".")
	reserved := stem == "CON" || stem == "PRN" || stem == "AUX" || stem == "NUL"
	if len(stem) == 4 && (strings.HasPrefix(stem, "COM") || strings.HasPrefix(stem, "LPT")) {
		reserved = reserved || (stem[3] >= '1' && stem[3] <= '9')
	}
	if reserved {
		s = "_" + s
	}
	return s
}

// shorten keeps the beginning and the extension, and a sum that keeps names
// apart which differ in what was cut.
func shorten(s string) string {
	ext := path.Ext(s)
	if len(ext) > 16 {
		ext = ""
	}
	tail := fmt.Sprintf("~%08x%s", crc32.ChecksumIEEE([]byte(s)), ext)
	head := s[:maxName-len(tail)]
	for !utf8.ValidString(head) {
		head = head[:len(head)-1]
	}
	return head + tail
}
