package devicelink

import (
	"io/fs"
	"unicode/utf8"

	"russet/internal/plist"
)

// contents lists a folder. A missing one is answered as an empty one: that is
// what devices have always been told (libimobiledevice).
func (s *server) contents(m message) error {
	raw := m.text(1)
	s.began(Request{Message: m.name(), Name: raw, Items: 1, Percent: m.percent(3)})
	list, err := s.list(raw)
	switch code := codeOf(err); code {
	case CodeOK, CodeNotExist:
		return s.reply(answer{extra: list})
	default:
		return s.replyCode(s.failed("list", raw, err))
	}
}

func (s *server) list(raw string) (plist.Dict, error) {
	list := plist.Dict{}
	name, err := Within(s.Folders, raw)
	if err != nil {
		return list, err
	}
	entries, err := s.Files.ReadDir(name)
	if err != nil {
		return list, err
	}
	for _, e := range entries {
		if !utf8.ValidString(e.Name()) {
			// No name of a device: those are UTF-8, and so are property lists.
			s.log.Warn("a name in the backup is not UTF-8", "folder", raw, "name", e.Name())
			continue
		}
		info, err := e.Info()
		if err != nil {
			return plist.Dict{}, err
		}
		list[e.Name()] = plist.Dict{
			"DLFileType":             fileType(info.Mode()),
			"DLFileSize":             max(0, info.Size()),
			"DLFileModificationDate": info.ModTime(),
		}
	}
	return list, nil
}

func fileType(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "DLFileTypeRegular"
	case mode.IsDir():
		return "DLFileTypeDirectory"
	}
	return "DLFileTypeUnknown"
}
