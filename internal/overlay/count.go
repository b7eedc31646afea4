package overlay

import "russet/internal/durable"

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
