package agent

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"russet/vphone/agent/internal/keybag"
	"russet/vphone/agent/internal/link"
	"russet/vphone/agent/internal/manifest"
	"russet/vphone/agent/internal/mbfile"
)

// restore is one restore.
type restore struct {
	*session
	source    string
	folder    string // where the manifests are
	password  string
	system    bool // RestoreSystemFiles
	removing  bool // RemoveItemsNotRestored
	apps      map[string]bool
	waiting   map[string]bool // files that are still in Snapshot
	encrypted bool
	bag       *keybag.Bag
	db        *manifest.DB
}

// restore writes a backup onto the phone. RestorePreserveSettings is taken and
// ignored: what it keeps is not known. [I] The passcode is not asked for: that
// the newest phones do is one remark in one tool. [I]
func (s *session) restore(command map[string]any) error {
	if err := s.target(command); err != nil {
		return err
	}
	source, _ := command["SourceIdentifier"].(string)
	if source == "" {
		return fail(codeGeneric, nil, "No source identifier")
	}
	if err := s.allowed(); err != nil {
		return err
	}
	if s.phone.Condition(FindMy) {
		return fail(codeFindMy, nil, "Find My must be turned off")
	}
	if s.faults.Config().EmptySuccess {
		return nil
	}
	o := options(command)
	r := &restore{
		session: s, source: source,
		system:   option(o, "RestoreSystemFiles", true),
		removing: option(o, "RemoveItemsNotRestored", true),
	}
	r.password, _ = o["Password"].(string)
	if ids, ok := command["ApplicationIDs"].([]any); ok {
		r.apps = map[string]bool{}
		for _, id := range ids {
			if id, ok := id.(string); ok {
				r.apps[id] = true
			}
		}
	}
	if err := os.MkdirAll(s.phone.CacheDir(), 0o700); err != nil {
		return fmt.Errorf("making the agent's cache: %w", err)
	}
	err := r.run(o)
	if r.db != nil {
		err = errors.Join(err, r.db.Close())
	}
	return err
}

func (r *restore) run(o map[string]any) error {
	for _, step := range []func() error{r.readStatus, r.openManifests, r.checkVersion, r.checkSpace} {
		if err := step(); err != nil {
			return err
		}
	}
	if !option(o, "RestoreDontCopyBackup", false) {
		if err := r.copyOwnBackup(); err != nil {
			return err
		}
	}
	if err := r.entries(manifest.KindDir); err != nil {
		return err
	}
	if err := r.files(); err != nil {
		return err
	}
	if err := r.entries(manifest.KindSymlink); err != nil {
		return err
	}
	if r.removing {
		if err := r.removeOthers(); err != nil {
			return err
		}
	}
	if r.encrypted && r.system {
		// The switch travels with the device's settings. [T]
		if err := r.phone.SetBackupPassword(r.password); err != nil {
			return fail(codeDeviceWrite, err, "Error saving the backup password")
		}
	}
	return nil
}

// readStatus finds out where the newest whole manifest of the backup is.
func (r *restore) readStatus() error {
	data, err := r.fetch(r.source + "/Status.plist")
	if code, ok := linkCode(err); ok && code == link.CodeNotFound {
		return fail(codeNoBackup, err, "No backup to restore")
	}
	if err != nil {
		return reading(err, "Error reading status")
	}
	status, err := manifest.DecodeStatus(data)
	if err != nil {
		return fail(codeDamaged, err, "Error reading status")
	}
	if status.Backup == "empty" {
		return fail(codeNoBackup, nil, "The backup is empty")
	}
	if status.Backup == "old" || status.Version < manifest.OldestStatus || status.Version >= manifest.TooNewStatus {
		return fail(codeVersion, nil, "Unsupported backup version %v", status.Version)
	}
	r.folder = r.source
	if status.Snapshot == manifest.Moving {
		return r.readSnapshot()
	}
	return nil
}

// readSnapshot lists what an interrupted run had not yet moved.
func (r *restore) readSnapshot() error {
	root := r.source + "/Snapshot"
	r.waiting = map[string]bool{}
	infos, err := r.link.List(root, 0)
	if err != nil {
		return reading(err, "Error listing the snapshot")
	}
	for _, info := range infos {
		switch {
		case !info.Dir && info.Name == manifestFile:
			r.folder = root
		case info.Dir && len(info.Name) == 2:
			files, err := r.link.List(root+"/"+info.Name, 0)
			if err != nil {
				return reading(err, "Error listing the snapshot")
			}
			for _, file := range files {
				r.waiting[file.Name] = !file.Dir
			}
		}
	}
	return nil
}

func (r *restore) openManifests() error {
	data, err := r.fetch(r.folder + "/Manifest.plist")
	if code, ok := linkCode(err); ok && code == link.CodeNotFound {
		return fail(codeNoBackup, err, "The backup has no manifest")
	}
	if err != nil {
		return reading(err, "Error reading Manifest.plist")
	}
	props, err := manifest.DecodeProperties(data)
	if err != nil {
		return fail(codeDamaged, err, "Error reading Manifest.plist")
	}
	if props.Version < manifest.SQLiteManifest {
		return fail(codeVersion, nil, "Backups of iOS 9 and older can't be restored")
	}
	if newer(props.Required, r.id.ProductVersion) {
		return fail(codeVersion, nil, "The backup needs iOS %s", props.Required)
	}
	r.encrypted = props.Encrypted
	var key *keybag.Key
	if r.encrypted {
		if key, err = r.openBag(props); err != nil {
			return err
		}
	}
	if _, err := r.fetchManifest(r.folder+"/Manifest.db", r.cached(checkFile), key); err != nil {
		return reading(err, "Error reading Manifest.db")
	}
	if r.db, err = manifest.Open(r.cached(checkFile)); err != nil {
		return fail(codeDamaged, err, "Error opening Manifest.db")
	}
	return nil
}

func (r *restore) openBag(props *manifest.Properties) (*keybag.Key, error) {
	if props.KeyBag == nil {
		return nil, fail(codeDamaged, nil, "The backup has no keybag")
	}
	if r.password == "" {
		return nil, fail(codePassword, nil, "The backup is encrypted and no password was given")
	}
	bag, err := keybag.Parse(props.KeyBag)
	if err != nil {
		return nil, fail(codeDamaged, err, "Error reading the keybag")
	}
	kek, err := r.key(bag.Derivation(), r.password)
	if err == nil {
		err = bag.Open(kek)
	}
	if errors.Is(err, keybag.ErrPassword) {
		return nil, fail(codePassword, nil, "Invalid password")
	}
	if err != nil {
		return nil, fail(codeDamaged, err, "Error opening the keybag")
	}
	r.bag = bag
	if props.ManifestKey == nil {
		return nil, nil // iOS 10.0 and 10.1 left Manifest.db plain
	}
	key, err := bag.UnwrapKey(props.ManifestKey)
	if err != nil {
		return nil, fail(codeDamaged, err, "Error opening the manifest key")
	}
	return &key, nil
}

// checkSpace adds up what is to be written.
func (r *restore) checkSpace() error {
	free, err := r.phone.Disk().Free()
	if err != nil {
		return fail(codeDeviceWrite, err, "Error reading the phone's disk")
	}
	need := int64(0)
	err = r.each(manifest.KindFile, func(_ *manifest.Row, f *mbfile.File) error {
		need += max(f.Size, 0)
		return nil
	})
	if err != nil {
		return err
	}
	if need > free {
		return fail(codeDeviceSpace, nil, "The phone has %d bytes left and %d are needed", free, need)
	}
	return nil
}

// each calls fn for the rows of a kind that this restore is about.
func (r *restore) each(kind int, fn func(*manifest.Row, *mbfile.File) error) error {
	order := manifest.AsWritten
	if kind == manifest.KindDir {
		order = manifest.ByPath
	}
	err := r.db.Each(kind, order, func(row *manifest.Row) error {
		if !r.wanted(row.Domain) {
			return nil
		}
		f, err := mbfile.Decode(row.Blob)
		if err != nil {
			return fail(codeDamaged, err, "The row of %q is damaged", row.ID)
		}
		if row.ID != mbfile.ID(row.Domain, row.Path) {
			return fail(codeDamaged, nil, "The row of %q has another name", row.ID)
		}
		return fn(row, &f)
	})
	if errors.Is(err, manifest.ErrDamaged) {
		return fail(codeDamaged, err, "Error reading Manifest.db")
	}
	return err
}

// wanted says whether a domain is restored. Which domains RestoreSystemFiles
// means beyond those named in others' notes is a guess. [I]
func (r *restore) wanted(domain string) bool {
	for _, c := range containers() {
		if id, ok := strings.CutPrefix(domain, c.prefix); ok {
			return r.apps == nil || r.apps[id]
		}
	}
	switch domain {
	case "CameraRollDomain", "MediaDomain", "BooksDomain", "TonesDomain":
		return true
	}
	return r.system
}
