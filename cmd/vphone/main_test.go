package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"russet/vphone"
)

// vphoneCommand runs the program in this process.
func vphoneCommand(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

// done runs the program and wants it to succeed.
func done(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errOut := vphoneCommand(t, args...)
	if code != 0 {
		t.Fatalf("vphone %q: status %d: %s", args, code, errOut)
	}
	return out
}

// keyPEM is made once: every phone would make its own, which takes seconds
// under the race detector.
var keyPEM = sync.OnceValues(func() ([]byte, error) {
	key, err := vphone.NewKey()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), nil
})

// folder is where a phone can be made, with a key that is there already.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	key, err := keyPEM()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "device.pem"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// served is a phone that vphone serve keeps running.
type served struct {
	t                    *testing.T
	dir, socket, control string
	said                 string
}

func serveTiny(t *testing.T, flags ...string) *served {
	t.Helper()
	dir := t.TempDir()
	s := &served{t: t, dir: folder(t), socket: filepath.Join(dir, "mux"), control: filepath.Join(dir, "ctl")}
	done(t, "make", s.dir, "--name", "Test phone", "--seed", "5")
	ctx, cancel := context.WithCancel(t.Context())
	out := &firstWords{ready: make(chan struct{})}
	ended := make(chan int)
	args := append([]string{"serve", s.dir, "--socket", s.socket, "--control", s.control}, flags...)
	go func() { ended <- run(ctx, args, out, io.Discard) }()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("serve ended with %d", code)
		}
	})
	select {
	case <-out.ready:
	case code := <-ended:
		t.Fatalf("serve ended with %d", code)
	}
	s.said = out.text()
	return s
}

// firstWords knows when serve has named its phone.
type firstWords struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	lines int // of those words; 0 means two
	ready chan struct{}
}

func (w *firstWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := strings.Count(w.buf.String(), "\n")
	w.buf.Write(p)
	lines := cmp.Or(w.lines, 2)
	if before < lines && strings.Count(w.buf.String(), "\n") >= lines {
		close(w.ready)
	}
	return len(p), nil
}

func (w *firstWords) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

func (s *served) ctl(args ...string) string {
	s.t.Helper()
	return done(s.t, append([]string{"ctl", s.control}, args...)...)
}

// devices asks the mux the way any client does.
func (s *served) devices() string {
	s.t.Helper()
	conn, err := net.Dial("unix", s.socket)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	const body = `<plist version="1.0"><dict><key>MessageType</key><string>ListDevices</string></dict></plist>`
	head := []byte{byte(16 + len(body)), 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0}
	if _, err := conn.Write(append(head, body...)); err != nil {
		s.t.Fatal(err)
	}
	reply := make([]byte, 64<<10)
	n, err := conn.Read(reply)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(reply[16:n])
}

func TestServeAndControl(t *testing.T) {
	s := serveTiny(t)
	if !strings.Contains(s.said, "USBMUXD_SOCKET_ADDRESS=UNIX:"+s.socket+"\n") || !strings.Contains(s.said, "Test phone") {
		t.Errorf("serve said %q", s.said)
	}
	udid := vphone.NewIdentity(5).UDID
	if list := s.devices(); !strings.Contains(list, udid) {
		t.Errorf("devices: %s", list)
	}
	s.ctl("unplug")
	if list := s.devices(); strings.Contains(list, udid) {
		t.Errorf("devices without the cable: %s", list)
	}
	s.ctl("@"+udid, "plug")
	s.ctl("@Test phone", "power", "20", "off")
	s.ctl("fault", "drop-after=100", "slow-start=1s")
	s.ctl("fault", "off")
	s.ctl("password", "secret")
	s.ctl("condition", "find-my", "on")
	for _, line := range []string{
		"power 80 on 20", "passcode after 30s", "passcode sheet off", "autolock 5m", "autolock off", "forget 720h", "forget off", "forget",
		"doze", "doze tell", "wake", "hole 10s", "reset", "heartbeat 5s", "heartbeat off", "private-address rotate", "private-address on", "announce off",
	} {
		s.ctl(strings.Fields(line)...)
	}
	if out := s.ctl("churn", "1", "light"); !strings.Contains(out, "files added") {
		t.Errorf("churn: %s", out)
	}
	var stats vphone.Stats
	if err := json.Unmarshal([]byte(s.ctl("stats")), &stats); err != nil {
		t.Error(err)
	}
	s.refuses()
	saved, err := os.ReadFile(filepath.Join(s.dir, "phone.json"))
	if err != nil || !strings.Contains(string(saved), `"secret"`) || !strings.Contains(string(saved), `"find-my": true`) {
		t.Errorf("phone.json: %s, %v", saved, err)
	}
	// A socket in use is not taken away.
	if code, _, errOut := vphoneCommand(t, "serve", s.dir, "--socket", s.socket); code != 1 || !strings.Contains(errOut, "another program") {
		t.Errorf("second serve: %d, %s", code, errOut)
	}
	s.ctl("quit")
}

// refuses tries commands that make no sense.
func (s *served) refuses() {
	s.t.Helper()
	for _, wrong := range [][]string{
		{"dance"},
		{"plug", "in"},
		{"trust"},
		{"trust", "perhaps"},
		{"power", "low", "on"},
		{"power", "20", "maybe"},
		{"wifi", "perhaps"},
		{"network", "nowhere"},
		{"fault", "dance=1"},
		{"passcode", "wait", "soon"},
		{"passcode", "sheet", "soon"},
		{"autolock", "-1s"},
		{"forget", "soon"},
		{"power", "20", "on", "-3"},
		{"roam", "127.0.0.9"},
		{"roam", "nowhere"},
		{"doze", "deeply"},
		{"hole", "deep"},
		{"heartbeat", "never"},
		{"private-address", "perhaps"},
		{"later", "10s"},
		{"later", "soon", "plug"},
		{"later", "10s", "dance"},
		{"@nobody", "plug"},
	} {
		if code, _, errOut := vphoneCommand(s.t, append([]string{"ctl", s.control}, wrong...)...); code != 1 || errOut == "" {
			s.t.Errorf("ctl %q: status %d, %q", wrong, code, errOut)
		}
	}
}

func TestMakeChurnCompare(t *testing.T) {
	one, two := folder(t), folder(t)
	if out := done(t, "make", one, "--udid", "00008140-00AA"); !strings.Contains(out, "00008140-00AA") {
		t.Errorf("make: %s", out)
	}
	done(t, "make", two, "--ios", "17.5.1", "--passcode", "1234", "--password", "x")
	if out := done(t, "compare", one, two); out != "" {
		t.Errorf("equal seeds: %s", out)
	}
	if code, _, errOut := vphoneCommand(t, "serve", one, one, "--socket", filepath.Join(t.TempDir(), "mux")); code != 1 || !strings.Contains(errOut, "--seed") {
		t.Errorf("one phone twice: %d, %s", code, errOut)
	}
	done(t, "churn", two, "--day", "1")
	if code, out, _ := vphoneCommand(t, "compare", one, two); code != 1 || out == "" {
		t.Errorf("after a day: %d, %q", code, out)
	}
	empty := folder(t)
	done(t, "make", empty, "--profile", "blank")
	if code, out, _ := vphoneCommand(t, "compare", empty, one); code != 1 || !strings.Contains(out, "sms.db") {
		t.Errorf("with a blank phone: %d, %q", code, out)
	}
	if code, _, _ := vphoneCommand(t, "make", one); code != 1 {
		t.Errorf("make over a phone: %d", code)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, ""},
		{[]string{"help"}, 0, "vphone make DIR"},
		{[]string{"dance"}, 2, ""},
		{[]string{"make"}, 2, ""},
		{[]string{"make", "-h"}, 0, "-profile"},
		{[]string{"make", "x", "--size", "big"}, 2, ""},
		{[]string{"serve", "-h"}, 0, "-socket"},
		{[]string{"serve", "--trust", "perhaps"}, 2, ""},
		{[]string{"serve", "--nonsense"}, 2, ""},
		{[]string{"ctl", "-h"}, 0, "drop-after"},
		{[]string{"ctl", "x"}, 2, ""},
		{[]string{"ctl", "/nowhere/at/all", "plug"}, 1, ""},
		{[]string{"churn", "/nowhere/at/all"}, 1, ""},
		{[]string{"compare", "x"}, 2, ""},
	} {
		code, out, errOut := vphoneCommand(t, c.args...)
		if code != c.code || !strings.Contains(out, c.want) || code != 0 && errOut == "" {
			t.Errorf("vphone %q: status %d, want %d; %q %q", c.args, code, c.code, out, errOut)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "1000": 1000, "2GiB": 2 << 30, "1.5 MB": 1_500_000, "3kB": 3000, "7KiB": 7168} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"big", "-1", "1e30", "1 TB"} {
		if got, err := parseBytes(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

// What is to be done later is done later.
func TestLater(t *testing.T) {
	s := serveTiny(t)
	s.ctl("later", "50ms", "unplug")
	for deadline := time.Now().Add(10 * time.Second); strings.Contains(s.devices(), "USB"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("still plugged in")
		}
	}
}

func TestNetworks(t *testing.T) {
	one, two := folder(t), folder(t)
	done(t, "make", one, "--name", "One", "--seed", "1", "--profile", "blank")
	done(t, "make", two, "--name", "Two", "--seed", "2", "--profile", "blank")
	for _, c := range []struct {
		network string
		flags   []string
		want    string // in what serve says
		wrong   string // in the error
	}{
		{network: "127.0.0.51", want: "at 127.0.0.51"},
		{network: "127.0.0.51,127.0.0.52", want: "at 127.0.0.52"},
		{network: "Two=127.0.0.52", want: "Two, iPhone17,1, iOS 18.6, at 127.0.0.52"},
		{network: "127.0.0.51+127.0.0.53", want: "at 127.0.0.51 and 127.0.0.53"},
		{network: "127.0.0.51,127.0.0.52,127.0.0.53", wrong: "more addresses"},
		{network: "Three=127.0.0.52", wrong: "Three"},
		{network: "nowhere", wrong: "nowhere"},
		{flags: []string{"--announce"}, wrong: "--network"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		out := &firstWords{ready: make(chan struct{}), lines: 3}
		var errOut bytes.Buffer
		args := append([]string{"serve", one, two, "--socket", filepath.Join(t.TempDir(), "mux"), "--network", c.network}, c.flags...)
		ended := make(chan int)
		go func() { ended <- run(ctx, args, out, &errOut) }()
		select {
		case <-out.ready:
			cancel()
			<-ended
		case <-ended:
			cancel()
			if strings.Contains(errOut.String(), "assign requested address") {
				t.Skip("no such addresses here")
			}
		}
		if c.wrong != "" && !strings.Contains(errOut.String(), c.wrong) || !strings.Contains(out.text(), c.want) || c.wrong == "" && errOut.Len() > 0 {
			t.Errorf("--network %q %v: said %q, %q", c.network, c.flags, out.text(), errOut.String())
		}
	}
}
