package overlay

import (
	"strings"

	"russet/internal/durable"
)

// Received counts what a journal says was received and is still of use, without
// changing anything.
func Received(dir *durable.Dir, name string) (files int, bytes int64, err error) {
	o := &Overlay{root: &folder{}}
	if _, err := o.replay(dir, name, nil); err != nil {
		return 0, 0, err
	}
	for id := ID(1); id < o.Next(); id++ {
		if obj, live := o.Object(id); live {
			files++
			bytes += obj.Size
		}
	}
	return files, bytes, nil
}

// Own finds a file that was received and is at name now, without asking the
// base; 0 if there is none.
func (o *Overlay) Own(name string) ID {
	at := entry{kind: isFolder, folder: o.root}
	for step := range strings.SplitSeq(name, "/") {
		if at.kind != isFolder {
			return 0
		}
		var ok bool
		if at, ok = at.folder.own(step); !ok {
			return 0
		}
	}
	if at.kind != isObject {
		return 0
	}
	return at.id
}
