package agent

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Config is how a phone's agent behaves: first the shapes that are all right,
// then what goes wrong. The zero value is a healthy phone. Whatever cuts the
// connection happens once and then clears itself, so that the next run can be
// the one that recovers.
type Config struct {
	Frame       int       // data bytes in a frame of an upload; 0 is 32768
	Rounds      [2]int    // of both stages of key derivation; 0 is 10,000,000 and 10,000
	EmptyFile   EmptyFile // how empty files are stored in an encrypted backup
	Properties  bool      // salt and password hash in Manifest.db, as newer agents write [D]
	Purge       bool      // ask the host to purge; idevicebackup2 1.3.0 never answers that
	StrictEmpty bool      // a zero-length Manifest.plist is an error 205, as on newer phones [T]
	CountPaths  bool      // keep Counters.Paths

	DropSent     int64 // cut the connection after so many bytes sent in a session
	DropReceived int64 // … received
	DropMessage  int   // … at the n-th message of a session, both ways counted
	DropBetween  int   // … exactly after the n-th file sent in a session
	RebootAt     int   // reboot at the n-th message
	Stall        Stall // at a message
	StallSent    Stall // after bytes sent, perhaps inside a file
	SlowStart    time.Duration
	ClockAhead   time.Duration // what the phone's clock is ahead of this computer's

	Vanish        FileMatch // the file is gone when it is to be read
	Fail          FileMatch // reading breaks off in its middle
	Grow          FileMatch // longer than when it was scanned
	Shrink        FileMatch // shorter
	WrongTotal    int64     // added to the size announced for each batch
	LoseCache     bool      // the phone forgot its unfinished run
	PasscodeGone  bool      // nobody types the passcode: 208
	FinalError    int       // what the Response says although all went well
	EmptySuccess  bool      // Response 0 without having uploaded or read anything
	NoResponse    bool      // Disconnect instead of the Response
	HostileScript string    // what to do instead of a backup; see Scripts
}

// EmptyFile is how an empty file is stored in an encrypted backup. Evidence
// for each exists.
type EmptyFile string

// The three ways.
const (
	EmptyPadded  EmptyFile = ""        // one block of padding
	EmptyBare    EmptyFile = "bare"    // no bytes, with a key
	EmptyKeyless EmptyFile = "keyless" // no bytes, no key
)

// Stall is a pause: at the n-th message, or after n bytes.
type Stall struct {
	At  int64
	For time.Duration
}

// PathCount is how often a host path was uploaded, and with how many bytes.
type PathCount struct {
	Times int
	Bytes int64
}

// Counters is what a phone's agent did since they were last reset.
type Counters struct {
	Sessions      int
	Messages      int // both ways
	BytesSent     int64
	BytesReceived int64
	FilesSent     int
	FileBytes     int64 // stored bytes of those files
	Paths         map[string]PathCount
	UploadFrom    time.Time // when the last backup began to send its files
	UploadTo      time.Time // when it began to move them; zero until then
}

// Answer is what a host said to one step of a hostile script.
type Answer struct {
	Step string // what the phone did
	Said string // status, or how the connection ended
}

// Faults is what a test wants to go wrong on a phone, and what the agent did.
// The zero value is a healthy phone. It is safe for concurrent use, also while
// a session runs.
type Faults struct {
	mu       sync.Mutex
	config   Config
	counters Counters
	answers  []Answer
	busy     chan struct{} // holds one token while an operation runs
}

// enter waits until no other session of this phone runs an operation.
func (f *Faults) enter(ctx context.Context) (leave func(), err error) {
	f.mu.Lock()
	if f.busy == nil {
		f.busy = make(chan struct{}, 1)
	}
	busy := f.busy
	f.mu.Unlock()
	select {
	case busy <- struct{}{}:
		return func() { <-busy }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Config returns what is set now.
func (f *Faults) Config() Config {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.config
}

// Update changes what is set.
func (f *Faults) Update(change func(*Config)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.config)
}

// Counters returns what was done since the last ResetCounters.
func (f *Faults) Counters() Counters {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.counters
	c.Paths = maps.Clone(c.Paths)
	return c
}

// ResetCounters starts counting anew.
func (f *Faults) ResetCounters() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counters = Counters{}
}

// Answers returns what hosts said to hostile scripts, oldest first.
func (f *Faults) Answers() []Answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Answer(nil), f.answers...)
}

func (f *Faults) answered(step, said string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = append(f.answers, Answer{Step: step, Said: said})
}

func (f *Faults) count(change func(*Counters)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.counters)
}

// sentFile counts one uploaded file.
func (f *Faults) sentFile(hostPath string, stored int64) {
	f.count(func(c *Counters) {
		c.FilesSent++
		c.FileBytes += stored
		if !f.config.CountPaths {
			return
		}
		if c.Paths == nil {
			c.Paths = make(map[string]PathCount)
		}
		p := c.Paths[hostPath]
		c.Paths[hostPath] = PathCount{Times: p.Times + 1, Bytes: p.Bytes + stored}
	})
}

// frame is the size of data frames, in whole cipher blocks.
func (c *Config) frame() int {
	const phones = 32 << 10 // [T]
	if c.Frame == 0 {
		return phones
	}
	return min(max(c.Frame&^15, 16), 1<<20)
}

// rounds are the rounds of both stages of key derivation.
func (c *Config) rounds() (first, second int) {
	first, second = c.Rounds[0], c.Rounds[1]
	if first == 0 {
		first = 10_000_000
	}
	if second == 0 {
		second = 10_000
	}
	return first, second
}
