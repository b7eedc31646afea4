// Package vphone is an iPhone made of Go: usbmuxd, lockdownd and the services
// a computer needs to pair with a phone, look at it, back it up and restore
// it. Programs that were written for real phones cannot tell the difference,
// as far as they were tried; see README.md.
//
// A [Phone] is one device, a [Mux] the usbmuxd that devices are plugged into:
//
//	phone, err := vphone.New(vphone.Options{})
//	mux, err := vphone.NewMux("", slog.Default())
//	mux.Add(phone)
//	listener, err := net.Listen("unix", "/tmp/usbmuxd")
//	err = mux.Serve(ctx, listener) // USBMUXD_SOCKET_ADDRESS=UNIX:/tmp/usbmuxd
//
// Tests that need no socket use [Phone.DialPort]. The owner of the phone is
// played through methods such as [Phone.Lock], [Phone.TapTrust] and
// [Phone.TypePasscode]; left alone, the phone trusts every computer and has no
// passcode. On Wi-Fi it is found with [Phone.JoinNetwork] and [Phone.Announce];
// [Phone.Doze], [Phone.RadioHole], [Phone.ResetNetwork] and [Phone.Roam] are what
// happens to it there. What can go wrong on a wire is made to with [Phone.Inject], what
// can go wrong in a backup with [Phone.Faults].
package vphone

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"russet/vphone/agent"
	"russet/vphone/disk"
	"russet/vphone/internal/afc"
)

// Options says what phone to make. The zero value is a good one.
type Options struct {
	// Dir is the folder the phone lives in. When empty, it lives in a
	// temporary one and is gone with Close.
	Dir string
	// Identity is filled up with what NewIdentity(Seed) gives.
	Identity Identity
	Seed     uint64
	// Disk is what the phone holds; nil means the one in Dir/disk, made
	// empty if it is not there, or one in memory if Dir is empty, too. Close
	// closes it.
	Disk disk.Disk
	// Apps is what is known of the applications on the disk; what is
	// missing is made up.
	Apps []App
	// Key is the device's RSA key; nil makes one.
	Key *rsa.PrivateKey
	// Passcode locks the screen; "" for a phone without one.
	Passcode string
	// BackupPassword switches backup encryption on.
	BackupPassword string
	// RebootTime is how long a reboot takes; 0 means two seconds.
	RebootTime time.Duration
	// Logger is nil for silence. Secrets are never logged.
	Logger *slog.Logger
}

// A Phone is one virtual device. All methods may be called at any time from
// any goroutine.
type Phone struct {
	dir        string
	temporary  bool
	key        *rsa.PrivateKey
	disk       disk.Disk
	log        *slog.Logger
	faults     *agent.Faults
	notices    noticeBoard
	mediaLocks afc.Locks
	rebootTime time.Duration
	ctx        context.Context // of everything the phone does, until Close
	cancel     context.CancelFunc
	running    sync.WaitGroup

	knownApps []App
	anyArmed  atomic.Bool // len(armed) > 0

	appsMu sync.Mutex
	apps   []installedApp // nil until asked for

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when the owner's state changes
	state    state
	owner    ownerState
	cable    bool
	down     bool    // rebooting
	wifi     *wifi   // nil while not on a network
	ghosts   []*wifi // addresses that it roamed away from
	dozing   bool    // on the network, but asleep
	announce bool    // by multicast DNS
	hearts   hearts
	expiry   *time.Timer          // of all trust
	ports    map[uint16]*listener // what StartService opened
	nextPort uint16
	conns    map[*connection]struct{}
	armed    []*Fault
	watchers []func() // told when the phone comes or goes

	advertising sync.Mutex // guards what follows; taken before mu
	advertised  advertised
}

var _ agent.Phone = (*Phone)(nil)

// New makes a phone. In a folder that holds one already it fails: see [Open].
func New(o Options) (*Phone, error) {
	dir, temporary := o.Dir, o.Dir == ""
	if temporary {
		var err error
		if dir, err = os.MkdirTemp("", "vphone-"); err != nil {
			return nil, fmt.Errorf("make virtual iPhone: %w", err)
		}
		if o.Disk == nil {
			o.Disk = disk.NewMemory()
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, stateFile)); err == nil {
		return nil, fmt.Errorf("make virtual iPhone: %q holds one already", dir)
	}
	s := state{
		Identity:       o.Identity.or(NewIdentity(o.Seed)),
		Passcode:       o.Passcode,
		BackupPassword: o.BackupPassword,
		EverEncrypted:  o.BackupPassword != "",
	}
	p, err := prepare(dir, s, o)
	if err == nil {
		err = p.state.save(dir)
	}
	if err != nil {
		if temporary {
			err = errors.Join(err, os.RemoveAll(dir))
		}
		return nil, err
	}
	p.temporary = temporary
	return p, nil
}

// Open starts the phone that lives in a folder. The options' Dir, Identity,
// Passcode and BackupPassword are not looked at: the folder knows.
func Open(dir string, o Options) (*Phone, error) {
	s, err := loadState(dir)
	if err != nil {
		return nil, err
	}
	return prepare(dir, s, o)
}

func prepare(dir string, s state, o Options) (*Phone, error) {
	for _, sub := range []string{mediaDir, agentDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make virtual iPhone: %w", err)
		}
	}
	key, err := deviceKey(dir, o.Key)
	if err != nil {
		return nil, fmt.Errorf("device key: %w", err)
	}
	storage := o.Disk
	if storage == nil {
		if storage, err = disk.Open(filepath.Join(dir, diskDir)); err != nil {
			return nil, fmt.Errorf("open the phone's disk: %w", err)
		}
	}
	s.Private = s.Private.or(newPrivate())
	p := &Phone{
		dir: dir, key: key, disk: storage, state: s,
		log:        cmp.Or(o.Logger, slog.New(slog.DiscardHandler)).With("phone", s.Identity.Name),
		faults:     &agent.Faults{},
		knownApps:  o.Apps,
		rebootTime: cmp.Or(o.RebootTime, 2*time.Second),
		changed:    make(chan struct{}),
		cable:      true,
		owner:      ownerState{unlockedOnce: true, battery: battery{level: 80, charging: true, at: time.Now()}},
		ports:      map[uint16]*listener{},
		nextPort:   firstPort,
		conns:      map[*connection]struct{}{},
		hearts:     hearts{demand: heartbeatDemand, hosts: map[string]*pulse{}, open: map[*heart]struct{}{}},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, p.furnish()
}

// Close switches the phone off: every connection ends, the disk is closed, a
// temporary folder is removed.
func (p *Phone) Close() error {
	if p.ctx.Err() != nil {
		return nil
	}
	p.cancel()
	p.mu.Lock()
	p.cable, p.down = false, true
	for port := range p.ports {
		p.forget(port)
	}
	p.mu.Unlock()
	p.LeaveNetwork()
	p.dropConns(nil)
	p.tellWatchers()
	p.running.Wait()
	err := p.disk.Close()
	if p.temporary {
		err = errors.Join(err, os.RemoveAll(p.dir))
	}
	return err
}

// Identity is what the backup agent tells about the phone.
func (p *Phone) Identity() agent.Identity {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := p.state.Identity
	return agent.Identity{
		UDID:           id.UDID,
		DeviceName:     id.Name,
		DeviceClass:    id.DeviceClass,
		ProductType:    id.ProductType,
		ProductVersion: id.ProductVersion,
		BuildVersion:   id.BuildVersion,
		SerialNumber:   id.SerialNumber,
		PasscodeSet:    p.state.Passcode != "",
	}
}

// UDID is the phone's identifier.
func (p *Phone) UDID() string { return p.state.Identity.UDID }

// WiFiAddress is the MAC address the phone has on a network.
func (p *Phone) WiFiAddress() string { return p.state.Identity.WiFiAddress }

// Disk is what the phone holds.
func (p *Phone) Disk() disk.Disk { return p.disk }

// CacheDir is where the backup agent keeps its own files.
func (p *Phone) CacheDir() string { return filepath.Join(p.dir, agentDir) }

// MediaDir is the folder that afc shows as the phone's Media folder.
func (p *Phone) MediaDir() string { return filepath.Join(p.dir, mediaDir) }

// Faults is what goes wrong in the backup agent; see [Phone.Inject] for the wire.
func (p *Phone) Faults() *agent.Faults { return p.faults }

// Logger is where the phone writes what happens to it.
func (p *Phone) Logger() *slog.Logger { return p.log }

// BackupPassword is empty while backups are not encrypted.
func (p *Phone) BackupPassword() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.BackupPassword
}

// SetBackupPassword changes the backup password; "" switches encryption off.
func (p *Phone) SetBackupPassword(pw string) error {
	return p.update(func(s *state) {
		s.BackupPassword = pw
		s.EverEncrypted = s.EverEncrypted || pw != ""
	})
}

// SetIOS updates the phone to another version, as if overnight: no reboot.
func (p *Phone) SetIOS(version string) error {
	defer p.tellWatchers() // it may announce itself in another way
	return p.update(func(s *state) {
		s.Identity.ProductVersion, s.Identity.BuildVersion = version, BuildOf(version)
	})
}

// Condition says whether the phone is in one of the states the backup agent
// asks for, such as [agent.FindMy].
func (p *Phone) Condition(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.Conditions[name]
}

// SetCondition puts the phone into such a state, or out of it.
func (p *Phone) SetCondition(name string, on bool) error {
	return p.update(func(s *state) {
		if s.Conditions == nil {
			s.Conditions = map[string]bool{}
		}
		s.Conditions[name] = on
	})
}
