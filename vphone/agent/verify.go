package agent

import (
	"errors"

	"russet/vphone/agent/internal/manifest"
)

// verify reads the finished backup back.
func (b *backup) verify() error {
	b.log.Info("Verifying backup contents")
	data, err := b.fetch(b.root + "/Status.plist")
	if err != nil {
		return reading(err, "Error reading status")
	}
	status, err := manifest.DecodeStatus(data)
	if err != nil || status.Snapshot != manifest.Finished || status.UUID != b.status.UUID || !status.Date.Equal(b.status.Date) {
		return fail(codeDamaged, err, "Status.plist is not the one that was written")
	}
	if data, err = b.fetch(b.root + "/Manifest.plist"); err != nil {
		return reading(err, "Error reading Manifest.plist")
	}
	if _, err := manifest.DecodeProperties(data); err != nil {
		return fail(codeDamaged, err, "Error reading Manifest.plist")
	}
	sum, err := b.fetchManifest(b.root+"/Manifest.db", b.cached(checkFile), nil)
	if err != nil {
		return reading(err, "Error reading Manifest.db")
	}
	// A phone at least opens it; comparing all bytes is stricter. [I]
	if sum != b.sum {
		return fail(codeDamaged, nil, "Manifest.db is not the one that was written")
	}
	err = b.compare(missing)
	if errors.Is(err, errStartOver) {
		return fail(codeDamaged, err, "Manifest references files not in backup")
	}
	return err
}

// finishPrior does what an interrupted run had left to do once its files were
// all there: move the rest, remove the rest. That the phone makes no new scan
// of its own afterwards is a guess. [I]
func (b *backup) finishPrior() error {
	b.status = *b.prior
	b.status.Date = b.now()
	if b.mode == modeMoving {
		if err := b.moveRest(); err != nil {
			return err
		}
	}
	if err := b.remove(); err != nil {
		return err
	}
	if err := b.verify(); err != nil {
		return err
	}
	return b.forget()
}

// moveRest moves what the Snapshot folder still holds of the manifest.
func (b *backup) moveRest() error {
	root := b.root + "/Snapshot"
	snapshot, err := b.list(root)
	if err != nil {
		return err
	}
	m := mover{b: b}
	err = shards(func(shard string) error {
		waiting, err := b.shard(snapshot, root, shard)
		if err != nil {
			return err
		}
		ids, err := b.db.Files(shard)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if info, ok := waiting[id]; ok && !info.Dir {
				if err := m.add(shard + "/" + id); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := m.flush(); err != nil {
		return err
	}
	for _, name := range []string{"Manifest.plist", manifestFile} {
		if _, ok := snapshot[name]; !ok {
			continue
		}
		if err := m.add(name); err != nil {
			return err
		}
		if err := m.flush(); err != nil {
			return err
		}
	}
	return b.setState(manifest.Removing, progressMove)
}
