package agent

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"time"

	"russet/vphone/agent/internal/keybag"
	"russet/vphone/agent/internal/link"
	"russet/vphone/agent/internal/manifest"
)

// batchSize is how many files are uploaded, moved, removed or downloaded with
// one request. [D, T]
const batchSize = 128

// Shares of the progress the host is told. Only that they grow is known.
const (
	progressScan   = 1
	progressMkdir  = 5
	progressUpload = 90
	progressMove   = 95
	progressRemove = 97
	progressDone   = 100
	spaceMargin    = 128 << 20 // what must be left beside the upload [D, T]
	purgeMargin    = 2 << 30   // what a purge asks for above the need [D, T]
	commitEvery    = time.Second
)

// backup is one run.
type backup struct {
	*session
	root      string // <UDID>
	mode      mode
	password  string
	encrypted bool
	prior     *manifest.Status
	state     run
	status    manifest.Status

	bag       *keybag.Bag
	bagBytes  []byte
	db        *manifest.DB
	fresh     bool // no rows yet: everything is sent
	arrivals  *arrivals
	gone      map[fileID]bool // rows the phone no longer has
	seen      *manifest.Set
	apps      map[string]any
	sum       [sha256.Size]byte // of Manifest.db as uploaded
	inactive  bool              // there are files of class 7
	toSend    int64             // bytes
	filesLeft int
	sentBytes int64
	saved     time.Time
}

// backup runs a whole backup, or the rest of one.
func (s *session) backup(command map[string]any) error {
	if err := s.target(command); err != nil {
		return err
	}
	// The sheet comes before anything else, whatever the host answers. [T]
	if err := s.passcode("back up"); err != nil {
		return err
	}
	if err := s.allowed(); err != nil {
		return err
	}
	if s.phone.Condition(SetupUnfinished) {
		return fail(codeSetup, nil, "The phone has not been set up")
	}
	b := &backup{session: s, root: s.id.UDID, password: s.phone.BackupPassword(), gone: map[fileID]bool{}}
	b.encrypted = b.password != ""
	if s.phone.Condition(RequiresEncryption) && !b.encrypted {
		return fail(codePassword, nil, "Device management requires encryption")
	}
	config := s.faults.Config()
	if config.HostileScript != "" {
		return s.hostile(config.HostileScript)
	}
	if config.LoseCache {
		s.faults.Update(func(c *Config) { c.LoseCache = false })
		if err := s.forget(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(s.phone.CacheDir(), 0o700); err != nil {
		return fmt.Errorf("making the agent's cache: %w", err)
	}
	err := b.run()
	return errors.Join(err, b.suspend())
}

// suspend keeps what an interrupted run has done.
func (b *backup) suspend() error {
	var errs []error
	if b.arrivals != nil {
		errs = append(errs, b.arrivals.close())
	}
	if b.db != nil {
		errs = append(errs, b.db.Commit(), b.db.Close())
	}
	b.arrivals, b.db = nil, nil
	return errors.Join(errs...)
}

// forget closes what the run has open, and removes it.
func (b *backup) forget() error {
	return errors.Join(b.suspend(), b.session.forget())
}

// run goes through the states, from the one the host's Status.plist is in.
func (b *backup) run() error {
	mode, err := b.plan()
	if err != nil {
		return err
	}
	b.mode = mode
	if b.faults.Config().EmptySuccess {
		return nil
	}
	b.log.Info("backup", "mode", mode, "encrypted", b.encrypted)
	if mode == modeRemoving || mode == modeMoving {
		return b.finishPrior()
	}
	err = b.attempt()
	if errors.Is(err, errStartOver) {
		// A file of class 7 and a keybag without that class. [I]
		b.mode, b.state = modeFull, run{Strays: true}
		err = errors.Join(b.discardPrior(mode), b.attempt())
	}
	if err != nil {
		return err
	}
	if err := b.move(); err != nil {
		return err
	}
	if err := b.remove(); err != nil {
		return err
	}
	if err := b.verify(); err != nil {
		return err
	}
	return b.forget()
}

// attempt is everything up to the state "moving".
func (b *backup) attempt() error {
	if err := b.open(); err != nil {
		return err
	}
	if err := b.scan(); err != nil {
		return err
	}
	if err := b.space(); err != nil {
		return err
	}
	if err := b.start(); err != nil {
		return err
	}
	if err := b.upload(); err != nil {
		return err
	}
	return b.uploadManifests()
}

// open prepares the rows of a run that begins or goes on uploading.
func (b *backup) open() error {
	date := b.now()
	switch b.mode {
	case modeResume:
	case modeIncremental:
		b.state = run{UUID: b.prior.UUID, KeyBag: b.bagBytes, Encrypted: b.encrypted}
	default:
		if err := b.forget(); err != nil {
			return err
		}
		b.state.UUID, b.state.Encrypted = newUUID(), b.encrypted
		b.bag, b.bagBytes, b.fresh = nil, nil, true
		b.toSend, b.filesLeft = 0, 0
	}
	b.status = manifest.Status{UUID: b.state.UUID, Date: date, Full: b.mode == modeFull}
	b.state.Dates = append(b.state.Dates, date)
	var err error
	if b.arrivals == nil {
		if b.arrivals, err = b.openArrivals(); err != nil {
			return err
		}
	}
	if b.fresh {
		b.db, err = manifest.Create(b.cached(manifestFile))
	} else if b.db == nil {
		b.db, err = manifest.Open(b.cached(manifestFile))
	}
	if err != nil {
		return err
	}
	if b.mode == modeResume {
		if err := b.prune(); err != nil {
			return err
		}
	}
	b.seen, err = b.db.NewSet()
	return err
}

// space asks whether the host can hold the upload.
func (b *backup) space() error {
	need := b.toSend + spaceMargin
	enough, free, err := b.hasSpace(need)
	if err != nil || enough {
		return err
	}
	if b.faults.Config().Purge {
		err := b.link.Purge(need - free + purgeMargin)
		if _, refused := errors.AsType[*link.Failure](err); err != nil && !refused {
			return err
		}
		if err == nil {
			if enough, _, err = b.hasSpace(need); err != nil || enough {
				return err
			}
		}
	}
	return fail(codeHostSpace, nil, "Insufficient free disk space on drive to back up")
}

// hasSpace is also true when the host can't tell. [D]
func (b *backup) hasSpace(need int64) (enough bool, free int64, err error) {
	free, known, err := b.link.Free()
	if err != nil {
		return false, 0, err
	}
	b.log.Info("backup", "uploadSize", b.toSend, "uploadFileCount", b.filesLeft, "free", free)
	return !known || free > need, free, nil
}

// start makes the folders and says that the upload begins.
func (b *backup) start() error {
	if err := b.makeBag(); err != nil {
		return err
	}
	if err := b.saveJSON(runFile, &b.state); err != nil {
		return err
	}
	if b.state.Aside != "" && b.mode == modeFull {
		if err := b.moveAside(); err != nil {
			return err
		}
	}
	for _, parent := range []string{b.root, b.root + "/Snapshot"} {
		if err := b.mkdir(parent); err != nil {
			return err
		}
		if err := shards(func(shard string) error { return b.mkdir(parent + "/" + shard) }); err != nil {
			return err
		}
	}
	return b.setState(manifest.Uploading, progressMkdir)
}

func (b *backup) mkdir(path string) error {
	return writing(b.link.Mkdir(path, progressScan), "Error creating directory %q", path)
}

// setState uploads Status.plist.
func (b *backup) setState(state string, progress float64) error {
	b.status.Snapshot = state
	if state == manifest.Finished {
		b.status.Full = false // always so at the end, also of a full backup [T]
	}
	data, err := b.status.Encode()
	if err != nil {
		return err
	}
	return b.uploadSmall("/var/tmp/tmp.0.status/Status.plist", b.root+"/Status.plist", data, progress)
}

// now is the phone's clock, in fractions of a second that a property list's
// date can hold exactly: two runs within one second must differ.
func (s *session) now() time.Time {
	return time.Now().UTC().Add(s.faults.Config().ClockAhead).Truncate(time.Second / 64)
}
