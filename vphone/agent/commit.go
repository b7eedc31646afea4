package agent

import (
	"encoding/hex"
	"fmt"
	"time"

	"russet/vphone/agent/internal/manifest"
)

// move puts what lies in Snapshot into its place.
func (b *backup) move() error {
	b.faults.count(func(c *Counters) { c.UploadTo = time.Now() })
	m := mover{b: b}
	move := func(id fileID, _ int64) error {
		if b.gone[id] {
			return nil
		}
		name := hex.EncodeToString(id[:])
		return m.add(name[:2] + "/" + name)
	}
	if b.mode == modeResume { // a file may have arrived twice
		arrived, err := b.arrivals.all()
		if err != nil {
			return err
		}
		if err := b.arrivals.replace(arrived); err != nil {
			return err
		}
	}
	if err := b.arrivals.each(move); err != nil {
		return err
	}
	if err := m.flush(); err != nil {
		return err
	}
	return b.moveManifests()
}

// moveManifests moves each with a request of its own. [T]
func (b *backup) moveManifests() error {
	for _, name := range []string{"Manifest.plist", manifestFile} {
		m := mover{b: b}
		if err := m.add(name); err != nil {
			return err
		}
		if err := m.flush(); err != nil {
			return err
		}
	}
	return b.setState(manifest.Removing, progressMove)
}

// mover collects moves into batches.
type mover struct {
	b     *backup
	items map[string]string
}

func (m *mover) add(name string) error {
	if m.items == nil {
		m.items = make(map[string]string, batchSize)
	}
	m.items[m.b.root+"/Snapshot/"+name] = m.b.root + "/" + name
	if len(m.items) < batchSize {
		return nil
	}
	return m.flush()
}

func (m *mover) flush() error {
	if len(m.items) == 0 {
		return nil
	}
	err := m.b.link.Move(m.items, progressMove)
	clear(m.items)
	return writing(err, "Error moving items from snapshot")
}

// remove removes what the new manifest no longer has, and the Snapshot folder.
func (b *backup) remove() error {
	// The index of iOS 9 goes first; it has long been gone. [T]
	if err := b.removeAll([]string{b.root + "/Manifest.mbdx"}); err != nil {
		return err
	}
	names := make([]string, 0, len(b.gone))
	for id := range b.gone {
		name := hex.EncodeToString(id[:])
		names = append(names, b.root+"/"+name[:2]+"/"+name)
	}
	if b.state.Strays {
		strays, err := b.strays()
		if err != nil {
			return err
		}
		names = append(names, strays...)
	}
	if err := b.removeAll(names); err != nil {
		return err
	}
	last := []string{b.root + "/Snapshot"}
	if b.state.Aside != "" {
		last = append(last, b.state.Aside)
	}
	if err := b.removeAll(last); err != nil {
		return err
	}
	return b.setState(manifest.Finished, progressRemove)
}

func (b *backup) removeAll(paths []string) error {
	for len(paths) > 0 {
		n := min(len(paths), batchSize)
		if err := b.link.Remove(paths[:n], progressRemove); err != nil {
			return writing(err, "Error removing files")
		}
		paths = paths[n:]
	}
	return nil
}

// moveAside moves a backup of an old version out of the way; it is removed
// when this run is done. [D]
func (b *backup) moveAside() error {
	err := b.link.Move(map[string]string{b.root: b.state.Aside}, progressScan)
	return writing(err, "Error moving the old backup aside")
}

// openFinal opens the rows of this run for comparing them with listings.
func (b *backup) openFinal() (err error) {
	if b.db == nil {
		b.db, err = manifest.Open(b.cached(manifestFile))
	}
	return err
}

// strays finds files in the backup that are in no row.
func (b *backup) strays() ([]string, error) {
	var strays []string
	err := b.compare(func(shard string, ids []string, folder listed) error {
		known := make(map[string]bool, len(ids))
		for _, id := range ids {
			known[id] = true
		}
		for name := range folder {
			if !known[name] {
				strays = append(strays, b.root+"/"+shard+"/"+name)
			}
		}
		return nil
	})
	return strays, err
}

// compare calls fn for each of the 256 folders, with the files that should be
// in it and those that are.
func (b *backup) compare(fn func(shard string, ids []string, folder listed) error) error {
	if err := b.openFinal(); err != nil {
		return err
	}
	parent, err := b.list(b.root)
	if err != nil {
		return err
	}
	return shards(func(shard string) error {
		ids, err := b.db.Files(shard)
		if err != nil {
			return err
		}
		folder, err := b.shard(parent, b.root, shard)
		if err != nil {
			return err
		}
		return fn(shard, ids, folder)
	})
}

// missing is an error when a file of the manifest is not in its folder. Only
// that it is there counts, not its size. [D]
func missing(_ string, ids []string, folder listed) error {
	for _, id := range ids {
		if info, ok := folder[id]; !ok || info.Dir {
			return fmt.Errorf("%w: %s is missing", errStartOver, id)
		}
	}
	return nil
}

// checkListing looks whether all files of the base are in the backup.
func (b *backup) checkListing() error {
	b.log.Info("Verifying backup contents")
	return b.compare(missing)
}

// prune removes from an unfinished run what the host no longer has: files that
// arrived must lie in Snapshot with their size, the others in their place.
func (b *backup) prune() error {
	arrived, err := b.arrivals.all()
	if err != nil {
		return err
	}
	snapshot, err := b.list(b.root + "/Snapshot")
	if err != nil {
		return err
	}
	kept := make(map[fileID]int64, len(arrived))
	err = b.compare(func(shard string, ids []string, folder listed) error {
		waiting, err := b.shard(snapshot, b.root+"/Snapshot", shard)
		if err != nil {
			return err
		}
		var lost []string
		for _, name := range ids {
			id := parseID(name)
			size, sent := arrived[id]
			if info, there := waiting[name]; sent && there && !info.Dir && info.Size == size {
				kept[id] = size
			} else if _, there := folder[name]; sent || !there {
				lost = append(lost, name)
			}
		}
		return b.db.Delete(lost)
	})
	if err != nil {
		return err
	}
	b.log.Info("backup resumed", "arrived", len(kept), "lost", len(arrived)-len(kept))
	return b.arrivals.replace(kept)
}
