// Package vault is a store in which every backup of every device is a version
// that never changes: encrypted, compressed, and deduplicated across versions
// and devices, on a disk or a server. Stock kopia reads it without russet.
//
// What a device sends under its own encryption is decrypted on its way in, for
// ciphertext of a database never deduplicates, and kept together with what
// makes the exact ciphertext again; a file that does not come back to the last
// bit is kept as it came. docs/formats/vault.md describes what is stored.
//
// Beside the vault itself, which may be far away, each computer has a folder
// for its part (Options.State):
//
//	drafts/<UDID>/    the backup being made: draft.json, journal, places,
//	                  spool/ (received files until their keys are known, sealed)
//	aside/<id>/       drafts that must not be offered again
//	devices/          what is remembered of a device's failures
//	locks/ trash/ kopia/
package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"russet"
	"russet/internal/drafts"
	"russet/internal/durable"
	"russet/internal/facts"
	"russet/internal/vault/backend"
	"russet/internal/vault/depot"
)

const (
	trashDir  = "trash"
	kopiaDir  = "kopia"
	hostFile  = "host"
	dirtyFile = "writing" // a process that writes has not ended in order

	private     = 0o700
	privateFile = 0o600

	// DefaultSpool is how many bytes of received files are held back at most
	// until their keys are known.
	DefaultSpool = 16 << 30
)

// Options says how a vault is opened.
type Options struct {
	Name string // what the store is called; shows up in Backup.Store
	// Backend is where it is. The vault closes it.
	Backend *backend.Backend
	// Password is the repository's own random one, which the owner's passwords
	// and the recovery kit unwrap.
	Password string
	// State is the folder of this computer's part; it is made when absent.
	State     string
	Remote    bool // the vault is far away: what was read is kept for a while
	LowMemory bool
	Spool     int64 // bytes; 0 means DefaultSpool
	// Repair opens a vault whose index is lost, or that does not open for damage
	// that can be mended: for Store.Repair.
	Repair    bool
	Log       *slog.Logger
	Passwords russet.Passwords // for commits that an interrupted run left to finish
	// Before is asked before every change of this computer's part; the backend
	// has one of its own.
	Before durable.Hook
}

// Store is an open vault; it implements russet.Store.
type Store struct {
	opts  Options
	log   *slog.Logger
	dir   *durable.Dir // State
	books drafts.Books // in it
	depot *depot.Depot
	host  string // what this computer is called among those that share the vault

	rescued []russet.Repair // what was mended to open it

	mu      sync.Mutex
	writing int       // sessions that may have written
	seen    time.Time // when all was listed last; zero after a change of ours
}

var _ russet.Store = (*Store)(nil)

// SetRates limits how many bytes per second go to the vault and come from it,
// from now on; 0 is no limit.
func (s *Store) SetRates(up, down int64) { s.opts.Backend.SetRates(float64(up), float64(down)) }

// Create makes a new vault in an empty place.
func Create(ctx context.Context, opts Options) error {
	err := depot.Create(ctx, opts.Backend, opts.Password, depot.CreateOptions{})
	if err != nil {
		return fmt.Errorf("make the vault %q: %w", opts.Name, err)
	}
	return nil
}

// Open opens a vault and finishes what an interrupted run of this computer
// left to finish.
func Open(ctx context.Context, opts Options) (*Store, error) {
	if opts.Spool == 0 {
		opts.Spool = DefaultSpool
	}
	s := &Store{opts: opts, log: opts.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(s.explain(err, fmt.Sprintf("open the vault %q", opts.Name)), s.close(ctx))
	}
	s.recover(ctx)
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := os.MkdirAll(s.opts.State, private); err != nil {
		return err
	}
	var err error
	if s.dir, err = durable.Open(s.opts.State, s.opts.Before); err != nil {
		return err
	}
	s.books = drafts.Books{Folder: s.dir}
	for _, name := range append(s.books.Folders(), trashDir, kopiaDir) {
		if err := s.dir.MkdirAll(name, private); err != nil {
			return err
		}
	}
	if err := s.name(); err != nil {
		return err
	}
	if s.depot, err = s.openDepot(ctx); err != nil && s.opts.Repair {
		err = s.rescue(ctx, err)
	}
	if err != nil {
		return err
	}
	s.seen = time.Now()
	return s.afterCrash(ctx)
}

func (s *Store) openDepot(ctx context.Context) (*depot.Depot, error) {
	return depot.Open(ctx, s.opts.Backend, s.opts.Password, depot.OpenOptions{
		State: s.dir.Path() + "/" + kopiaDir, Host: s.host, Cache: s.opts.Remote, LowMemory: s.opts.LowMemory,
		Repair: s.opts.Repair, Log: s.log,
	})
}

// name gives this computer's part a name, once.
func (s *Store) name() error {
	data, err := s.dir.ReadFile(hostFile, 256)
	if errors.Is(err, fs.ErrNotExist) {
		data = []byte(facts.NewID())
		err = s.dir.Replace(hostFile, data, privateFile)
	}
	s.host = string(data)
	if err == nil && !facts.IsID(s.host) {
		err = fmt.Errorf("the file %q of the vault's local part is damaged: remove it", hostFile)
	}
	return err
}

// afterCrash finds again what a process that was killed had sent to the vault
// without coming to index it.
func (s *Store) afterCrash(ctx context.Context) error {
	dirty, err := s.dir.Exists(dirtyFile)
	if err != nil || !dirty {
		return err
	}
	lock, err := s.dir.Lock(s.books.LockFile("writing"), false)
	if errors.Is(err, durable.ErrLocked) {
		return nil // it is at work
	}
	if err != nil {
		return err
	}
	packs, contents, err := s.depot.Salvage(ctx)
	if err == nil && packs > 0 {
		s.log.Info("found again what an interrupted run had sent", "packs", packs, "contents", contents)
	}
	if err == nil {
		err = s.dir.Remove(dirtyFile)
	}
	return errors.Join(err, lock.Unlock())
}

// Close lets go of the vault. Drafts and contents must be closed before.
func (s *Store) Close() error { return s.close(context.Background()) }

func (s *Store) close(ctx context.Context) error {
	var err error
	if s.depot != nil {
		err = s.depot.Close(ctx)
	}
	if s.dir != nil {
		err = errors.Join(err, s.dir.Close())
	}
	return errors.Join(err, s.opts.Backend.Close(ctx))
}

// session is a depot.Session with a mark on disk that says that one is open.
type session struct {
	*depot.Session
	s    *Store
	lock *durable.Lock
}

// begin starts to write. The session outlives the context of the call: a run
// that is cancelled still keeps what it received.
func (s *Store) begin(ctx context.Context, purpose string) (*session, error) {
	lock, err := s.dir.Lock(s.books.LockFile("writing"), true)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writing == 0 {
		err = s.dir.Replace(dirtyFile, nil, privateFile)
	}
	var ds *depot.Session
	if err == nil {
		ds, err = s.depot.Begin(context.WithoutCancel(ctx), purpose)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	s.writing++
	s.seen = time.Time{}
	return &session{Session: ds, s: s, lock: lock}, nil
}

// end closes the session. clean says that nothing it sent is without an index.
func (w *session) end(clean bool) error {
	if w == nil {
		return nil
	}
	s := w.s
	err := w.Close(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing--
	s.seen = time.Time{}
	err = errors.Join(err, w.lock.Unlock())
	if s.writing > 0 || !clean {
		return err
	}
	// Another process may be writing too; then the mark is its.
	lock, e := s.dir.Lock(s.books.LockFile("writing"), false)
	if errors.Is(e, durable.ErrLocked) {
		return err
	}
	if e == nil {
		e = errors.Join(s.dir.Remove(dirtyFile), lock.Unlock())
	}
	return errors.Join(err, e)
}

// change does one thing in a session of its own and makes it durable.
func (s *Store) change(ctx context.Context, purpose string, do func(*session) error) error {
	w, err := s.begin(ctx, purpose)
	if err != nil {
		return err
	}
	if err = do(w); err == nil {
		err = w.Flush(ctx)
	}
	return errors.Join(err, w.end(err == nil))
}

// Free is how many bytes the vault can still take; where the server does not
// tell, a number so large that nothing is decided by it.
func (s *Store) Free(ctx context.Context) (int64, error) {
	free, err := s.opts.Backend.Free(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return unknownFree, nil
	}
	return free, err
}

// unknownFree stands for a server that does not tell.
const unknownFree = 1 << 50

// explain turns errors of the depot into words; others come back as they are.
func (s *Store) explain(err error, doing string) error {
	if e, ok := errors.AsType[*russet.Error](err); ok {
		if e.Doing == "" {
			e.Doing = doing
		}
		return err
	}
	e := &russet.Error{Doing: doing, Err: err}
	switch {
	case errors.Is(err, depot.ErrNoIndex):
		e.Kind, e.What = russet.Damaged, "the vault's index is lost; the backups themselves are there"
		e.Hint = fmt.Sprintf("russet repair %s makes it again", s.opts.Name)
	case errors.Is(err, depot.ErrPassword):
		e.Kind, e.What = russet.Password, "the vault's keys do not open it: they belong to another vault or to an older state of this one, or its file kopia.repository is damaged"
		e.Hint = fmt.Sprintf("russet repair %s brings that file back if this computer has a copy of it", s.opts.Name)
	case errors.Is(err, depot.ErrDamaged), errors.Is(err, errChecksum):
		e.Kind, e.What = russet.Damaged, err.Error()
		e.Hint = fmt.Sprintf("russet verify --all --full names what is lost; russet repair %s mends what can be mended", s.opts.Name)
	case durable.IsFull(err):
		e.Kind, e.What, e.Hint = russet.NoSpace, err.Error(), "make room on the disk"
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return e
}

func (s *Store) saveJSON(name string, v any) error { return s.dir.ReplaceJSON(name, v, privateFile) }

func (s *Store) loadJSON(name string, limit int64, v any) error {
	return s.dir.ReadJSON(name, limit, v)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
