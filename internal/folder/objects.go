package folder

import (
	"errors"
	"io"
	"io/fs"
	"strconv"

	"github.com/zeebo/xxh3"

	"russet/internal/durable"
	"russet/internal/overlay"
)

// objects are the files a draft received, under their numbers:
// objects/<number / 4096>/<number>. No word of the device is in these names.
type objects struct {
	dir    *durable.Dir // objects/
	shards map[uint32]*durable.Dir
}

const (
	shardBits = 12
	// maxShards bounds how many parts are held open: enough for a million
	// files, which a commit asks for in the order of their names.
	maxShards = 256
)

// in opens the part of objects/ that holds id.
func (o *objects) in(id overlay.ID) (*durable.Dir, error) {
	n := uint32(id) >> shardBits
	if shard, ok := o.shards[n]; ok {
		return shard, nil
	}
	shard, err := o.dir.MakeSub(strconv.FormatUint(uint64(n), 10), private)
	if err != nil {
		return nil, err
	}
	if len(o.shards) >= maxShards {
		err = o.closeShards()
	}
	if o.shards == nil {
		o.shards = map[uint32]*durable.Dir{}
	}
	o.shards[n] = shard
	return shard, err
}

func (o *objects) open(id overlay.ID) (fs.File, error) {
	shard, err := o.in(id)
	if err != nil {
		return nil, err
	}
	return shard.Open(objectName(id))
}

func (o *objects) remove(id overlay.ID) error {
	shard, err := o.in(id)
	if err != nil {
		return err
	}
	return shard.Remove(objectName(id))
}

// is reports whether the object is on disk as it was recorded; deep reads it.
func (o *objects) is(id overlay.ID, want overlay.Object, deep bool) bool {
	f, err := o.open(id)
	if err != nil {
		return false
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() != want.Size {
		return false
	}
	if !deep {
		return true
	}
	hash := xxh3.New()
	_, err = io.Copy(hash, f)
	return err == nil && hash.Sum128().Bytes() == want.Sum
}

// each visits the numbers of all objects on disk.
func (o *objects) each(visit func(id overlay.ID) error) error {
	shards, err := o.dir.ReadDir(".")
	if err != nil {
		return err
	}
	for _, shard := range shards {
		entries, err := o.dir.ReadDir(shard.Name())
		if err != nil {
			return err
		}
		for _, e := range entries {
			n, err := strconv.ParseUint(e.Name(), 10, 32)
			if err != nil {
				continue
			}
			if err := visit(overlay.ID(n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// syncFrom makes the objects from a number on durable, file by file, for
// systems that cannot do it at once.
func (o *objects) syncFrom(from overlay.ID) error {
	var last *durable.Dir
	err := o.each(func(id overlay.ID) error {
		if id < from {
			return nil
		}
		shard, err := o.in(id)
		if err != nil {
			return err
		}
		if err := shard.SyncFile(objectName(id)); err != nil || shard == last {
			return err
		}
		last = shard
		return shard.SyncDir()
	})
	return errors.Join(err, o.dir.SyncDir())
}

func (o *objects) closeShards() error {
	var err error
	for _, shard := range o.shards {
		err = errors.Join(err, shard.Close())
	}
	o.shards = nil
	return err
}

func (o *objects) close() error {
	err := o.closeShards()
	if o.dir != nil {
		err = errors.Join(err, o.dir.Close())
	}
	*o = objects{}
	return err
}
