package agent

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"russet/vphone/agent/internal/keybag"
	"russet/vphone/agent/internal/link"
	"russet/vphone/agent/internal/manifest"
)

// mode is how a run begins.
type mode string

const (
	modeFull        mode = "full"
	modeIncremental mode = "incremental"
	modeResume      mode = "resume"   // of an upload
	modeMoving      mode = "moving"   // an interrupted run has only to be finished
	modeRemoving    mode = "removing" // so has this one
)

// errStartOver says that an existing backup can't be built upon.
var errStartOver = errors.New("the existing backup can't be used")

// plan reads Status.plist and decides how the run begins.
func (b *backup) plan() (mode, error) {
	prior, err := b.priorStatus()
	if err != nil || prior == nil {
		return modeFull, err
	}
	b.prior = prior
	if prior.Version != 0 && prior.Version < manifest.CurrentStatus {
		b.state.Aside = b.root + "-" + time.Now().Format("20060102-150405")
		return modeFull, nil
	}
	b.state.Strays = true // unless the old folder can be built upon
	mode := map[string]mode{
		manifest.Finished: modeIncremental, manifest.Uploading: modeResume,
		manifest.Moving: modeMoving, manifest.Removing: modeRemoving,
	}[prior.Snapshot]
	switch mode {
	case modeIncremental:
		err = b.openPrior(b.root, b.root)
		if err == nil {
			err = b.checkListing()
		}
	case modeResume:
		err = b.openUnfinished()
	case modeMoving:
		err = b.openMoving()
	case modeRemoving:
		err = b.openPrior(b.root, b.root)
	default:
		return modeFull, nil
	}
	if errors.Is(err, errStartOver) {
		b.log.Warn("Existing backup is corrupt, forcing a full backup", "error", err)
		return modeFull, b.discardPrior(mode)
	}
	return mode, err
}

// discardPrior clears what a run that starts over would stumble on. That a
// phone removes the Snapshot of a run it has forgotten is a guess. [I]
func (b *backup) discardPrior(mode mode) error {
	if b.db != nil {
		if err := b.db.Close(); err != nil {
			return err
		}
		b.db = nil
	}
	if mode != modeResume {
		return nil
	}
	return writing(b.link.Remove([]string{b.root + "/Snapshot"}, progressScan), "Error removing snapshot directory")
}

// priorStatus is nil when there is no backup this phone can go on with.
func (b *backup) priorStatus() (*manifest.Status, error) {
	data, err := b.fetch(b.root + "/Status.plist")
	if code, ok := linkCode(err); ok && code == link.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, reading(err, "Error reading status")
	}
	if len(data) == 0 {
		return nil, fail(codeDamaged, nil, "Cannot parse a NULL or zero-length data") // [T]
	}
	status, err := manifest.DecodeStatus(data)
	if err != nil {
		return nil, fail(codeDamaged, err, "Error reading status")
	}
	if status.Version >= manifest.TooNewStatus || status.Version != 0 && status.Version < manifest.OldestStatus {
		b.log.Warn("backup of an unsupported version", "version", status.Version)
		b.state.Strays = true
		return nil, nil // 203, which means: start with a full one [D]
	}
	return status, nil
}

// openPrior reads the manifests, each in its folder, and opens them as the base
// of this run.
func (b *backup) openPrior(properties, folder string) error {
	data, err := b.fetch(properties + "/Manifest.plist")
	if _, ok := linkCode(err); ok {
		return fmt.Errorf("%w: %w", errStartOver, err)
	}
	if err != nil {
		return err
	}
	if len(data) == 0 && b.faults.Config().StrictEmpty {
		return fail(codeDamaged, nil, "Cannot parse a NULL or zero-length data")
	}
	props, err := manifest.DecodeProperties(data)
	if err != nil {
		return fmt.Errorf("%w: %w", errStartOver, err)
	}
	if props.Encrypted != b.encrypted {
		return fmt.Errorf("%w: encryption was switched", errStartOver)
	}
	if props.Version < manifest.SQLiteManifest {
		return fmt.Errorf("%w: its index is of version %v", errStartOver, props.Version)
	}
	var key *keybag.Key
	if b.encrypted {
		if key, err = b.openBag(props.KeyBag, props.ManifestKey); err != nil {
			return fmt.Errorf("%w: %w", errStartOver, err)
		}
	}
	b.bagBytes = props.KeyBag
	if err := b.forget(); err != nil {
		return err
	}
	b.sum, err = b.fetchManifest(folder+"/Manifest.db", b.cached(manifestFile), key)
	if _, ok := linkCode(err); ok {
		return fmt.Errorf("%w: %w", errStartOver, err)
	}
	if _, damaged := errors.AsType[*failure](err); damaged {
		return fmt.Errorf("%w: %w", errStartOver, err)
	}
	if err != nil {
		return err
	}
	if b.db, err = manifest.Open(b.cached(manifestFile)); err != nil {
		return fmt.Errorf("%w: %w", errStartOver, err)
	}
	return nil
}

// openMoving opens the manifests of a run that was interrupted while its files
// were moved: they are moved last. That half of them being moved does not make a
// phone start over is a guess. [I]
func (b *backup) openMoving() error {
	infos, err := b.link.List(b.root+"/Snapshot", 0)
	if err != nil {
		return reading(err, "Error listing the snapshot")
	}
	left := map[string]bool{}
	for _, info := range infos {
		left[info.Name] = !info.Dir
	}
	if !left["Manifest.db"] {
		return b.openPrior(b.root, b.root)
	}
	properties := b.root + "/Snapshot"
	if !left["Manifest.plist"] {
		properties = b.root // it is moved before Manifest.db
	}
	return b.openPrior(properties, b.root+"/Snapshot")
}

// openBag opens a keybag of an earlier run and, if there is one, the key in
// its Manifest.plist.
func (b *backup) openBag(tlv, wrapped []byte) (*keybag.Key, error) {
	bag, err := keybag.Parse(tlv)
	if err != nil {
		return nil, err
	}
	kek, err := b.key(bag.Derivation(), b.password)
	if err != nil {
		return nil, err
	}
	if err := bag.Open(kek); err != nil {
		return nil, err // the password was changed
	}
	b.bag = bag
	if wrapped == nil {
		return nil, nil
	}
	key, err := bag.UnwrapKey(wrapped)
	return &key, err
}

// openUnfinished opens the phone's own copy of the rows of an upload that was
// interrupted.
func (b *backup) openUnfinished() error {
	state, err := b.loadRun()
	if err != nil {
		return err
	}
	if state == nil || !state.started(b.prior.UUID, b.prior.Date) {
		return fmt.Errorf("%w: no cached manifest for this upload", errStartOver)
	}
	if state.Encrypted != b.encrypted {
		return fmt.Errorf("%w: encryption was switched", errStartOver)
	}
	b.state, b.bagBytes = *state, state.KeyBag
	b.state.Strays = true // what the interrupted run had dropped is in no row any more
	if b.encrypted {
		if _, err := b.openBag(state.KeyBag, nil); err != nil {
			b.state = run{Strays: true}
			return fmt.Errorf("%w: %w", errStartOver, err)
		}
	}
	if b.db, err = manifest.Open(b.cached(manifestFile)); err != nil {
		b.state = run{Strays: true}
		return fmt.Errorf("%w: %w", errStartOver, err)
	}
	return nil
}

// makeBag makes the keybag of a full backup; incremental ones keep theirs. [D]
// An unencrypted backup has one too, which nobody can open. [D]
func (b *backup) makeBag() error {
	if b.bag != nil || b.bagBytes != nil {
		b.state.KeyBag = b.bagBytes
		return nil
	}
	config := b.faults.Config()
	how, kek := keybag.NewDerivation(config.rounds()), keybag.NewKey()
	if b.encrypted {
		var err error
		if how, kek, err = b.freshKey(b.password); err != nil {
			return err
		}
	}
	bag := keybag.New(how, kek, b.inactive)
	b.bagBytes = bag.Bytes()
	b.state.KeyBag = b.bagBytes
	if b.encrypted {
		b.bag = bag
	}
	return nil
}

// newUUID makes an identifier as phones write it, in upper case.
func newUUID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6], u[8] = u[6]&0x0F|0x40, u[8]&0x3F|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
