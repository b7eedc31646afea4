package main

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"russet/vphone"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// bench is where the phones of one script lie.
type bench struct {
	socket string
	dir    string // of the socket: its path must be short
	mux    *vphone.Mux
	key    func() (*rsa.PrivateKey, error)
	phones map[string]*vphone.Phone
	stop   context.CancelFunc
	served chan error
}

type benchKey struct{}

func newBench(work string, key func() (*rsa.PrivateKey, error)) (*bench, error) {
	dir, err := os.MkdirTemp("", "russet")
	if err != nil {
		return nil, err
	}
	mux, err := vphone.NewMux(filepath.Join(work, "muxrecords"), nil)
	if err != nil {
		return nil, err
	}
	b := &bench{
		dir: dir, socket: filepath.Join(dir, "mux"), mux: mux, key: key,
		phones: map[string]*vphone.Phone{}, served: make(chan error, 1),
	}
	listener, err := net.Listen("unix", b.socket)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	go func() { b.served <- mux.Serve(ctx, listener) }()
	return b, nil
}

func (b *bench) close() error {
	b.stop()
	errs := []error{<-b.served}
	for _, p := range b.phones {
		errs = append(errs, p.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

// phoneCommand is the owner of phones:
//
//	phone new NAME [key=value…]    make one and plug it in: seed, passcode, password, ios, files=0 for an empty one
//	phone set NAME FAULT VALUE     what is to go wrong; "off" takes all back
//	phone trust NAME yes|no|ask
//	phone passcode NAME yes|no|ask
//	phone lock|unlock|plug|unplug NAME
//	phone join NAME                bring it into a network, at $ADDRESS_NAME
//	phone leave NAME               take it away from there
//	phone forget NAME              let it forget every computer
//	phone password NAME WORD       set the backup password on the phone itself
//	phone condition NAME WHAT on|off
//	phone zero NAME                begin to count anew what it sends
//	phone sent NAME BYTES          wait until it has sent so much in a backup
//	phone waits NAME               wait until a backup session has begun
//	phone day NAME N               live a day
//	phone same NAME NAME           compare two
func phoneCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: phone VERB NAME …")
	}
	b := ts.Value(benchKey{}).(*bench)
	verb, name, rest := args[0], args[1], args[2:]
	if verb == "new" {
		ts.Check(b.make(ts, name, rest))
		return
	}
	p := b.phones[name]
	if p == nil {
		ts.Fatalf("there is no phone %q", name)
	}
	if verb == "join" {
		address, err := join(p)
		ts.Check(err)
		ts.Setenv("ADDRESS_"+strings.ToUpper(name), address)
		return
	}
	err := b.do(p, verb, rest)
	if (err != nil) != neg {
		ts.Fatalf("phone %s %s: %v", verb, name, err)
	}
}

func (b *bench) do(p *vphone.Phone, verb string, rest []string) error {
	answers := map[string]vphone.Answer{"yes": vphone.Yes, "no": vphone.No, "ask": vphone.Ask}
	switch verb {
	case "set":
		return p.SetFault(rest[0], strings.Join(rest[1:], " "))
	case "trust":
		p.SetTrust(answers[rest[0]])
	case "passcode":
		p.SetPasscodeAnswer(answers[rest[0]])
	case "lock":
		p.Lock()
	case "unlock":
		p.Unlock()
	case "plug":
		p.Plug()
	case "unplug":
		p.Unplug()
	case "leave":
		p.LeaveNetwork()
	case "day":
		n, err := strconv.Atoi(rest[0])
		if err != nil {
			return err
		}
		return content.Churn(context.Background(), p.Disk(), content.ChurnOptions{Seed: 1, Day: n})
	case "forget":
		return p.ForgetHosts()
	case "password":
		return p.SetBackupPassword(rest[0])
	case "condition":
		return p.SetCondition(rest[0], rest[1] == "on")
	case "sent":
		n, err := strconv.ParseInt(rest[0], 10, 64)
		if err != nil {
			return err
		}
		return until(func() bool { return p.Stats().Agent.BytesSent >= n })
	case "zero":
		p.Faults().ResetCounters()
	case "waits":
		p.Faults().ResetCounters()
		return until(func() bool { return p.Stats().Agent.Sessions > 0 })
	case "same":
		return b.same(p, b.phones[rest[0]])
	default:
		return fmt.Errorf("no such verb")
	}
	return nil
}

// join finds an address on this computer where nothing listens on lockdownd's
// port, which is always the same.
func join(p *vphone.Phone) (address string, err error) {
	for range 50 {
		ip := netip.AddrFrom4([4]byte{127, byte(1 + rand.N(200)), byte(rand.N(256)), byte(1 + rand.N(250))})
		if err = p.JoinNetwork(ip); err == nil {
			return ip.String(), nil
		}
	}
	return "", err
}

// until waits for something another process is doing.
func until(holds func() bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			return errors.New("it did not happen within 30 s")
		}
	}
	return nil
}

// make makes a phone. Its keys are derived in few rounds: a thousand times as
// fast, and nothing here depends on their number.
func (b *bench) make(ts *testscript.TestScript, name string, settings []string) error {
	s := map[string]string{"seed": strconv.Itoa(len(b.phones) + 1)}
	for _, kv := range settings {
		k, v, _ := strings.Cut(kv, "=")
		s[k] = v
	}
	seed, err := strconv.ParseUint(s["seed"], 10, 64)
	if err != nil {
		return err
	}
	key, err := b.key()
	if err != nil {
		return err
	}
	d := disk.NewMemory()
	if s["files"] != "0" {
		if err := content.MakeOn(context.Background(), d, content.Options{Profile: "tiny", Seed: seed}); err != nil {
			return err
		}
	}
	identity := vphone.NewIdentity(seed)
	identity.Name = name
	if s["ios"] != "" {
		identity.ProductVersion, identity.BuildVersion = s["ios"], vphone.BuildOf(s["ios"])
	}
	p, err := vphone.New(vphone.Options{
		Dir: ts.MkAbs("phone-" + name), Identity: identity, Disk: d, Key: key,
		Passcode: s["passcode"], BackupPassword: s["password"],
	})
	if err != nil {
		return err
	}
	b.phones[name] = p
	ts.Setenv("UDID_"+strings.ToUpper(name), p.UDID())
	b.mux.Add(p)
	return errors.Join(p.SetFault("kdf-rounds", "100"), p.SetFault("kdf-rounds-2", "10"))
}

func (b *bench) same(p, q *vphone.Phone) error {
	if q == nil {
		return errors.New("there is no other phone")
	}
	plain := p.BackupPassword() == ""
	differences, err := content.Compare(p.Disk(), q.Disk(), content.CompareOptions{Plain: plain, Most: 5})
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("they differ: %v", differences)
	}
	return err
}

// damageCommand spoils a file of a backup: damage FOLDER NAME flips a bit in
// its middle, damage -remove FOLDER NAME removes it. NAME may be "payload": the
// first file with content.
func damageCommand(ts *testscript.TestScript, neg bool, args []string) {
	remove := len(args) > 0 && args[0] == "-remove"
	if remove {
		args = args[1:]
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: damage [-remove] FOLDER NAME")
	}
	name := filepath.Join(ts.MkAbs(args[0]), args[1])
	if args[1] == "payload" {
		name = firstPayload(ts, ts.MkAbs(args[0]))
	}
	if remove {
		ts.Check(os.Remove(name))
		return
	}
	data, err := os.ReadFile(name)
	ts.Check(err)
	data[len(data)/2] ^= 1
	ts.Check(os.WriteFile(name, data, 0o644))
}

func firstPayload(ts *testscript.TestScript, folder string) string {
	files, err := filepath.Glob(filepath.Join(folder, "??", "????????????????????????????????????????"))
	ts.Check(err)
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Size() > 100 {
			return f
		}
	}
	ts.Fatalf("%s holds no payload", folder)
	return ""
}

func firstGroup(ts *testscript.TestScript, pattern, text string) string {
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if len(m) < 2 {
		ts.Fatalf("%q is not in %q", pattern, text)
	}
	return m[1]
}
