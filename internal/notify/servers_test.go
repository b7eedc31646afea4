package notify_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The real servers that conformance/install-servers installs: aiosmtpd for
// e-mail, Gotify, and dunst, which shows messages on a desktop. One that is
// missing skips its tests, unless RUSSET_CLIENTS is "require".

// trusted is the folder with the certificate that this process trusts.
var trusted string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		trusted = dir
		if err := writeCertificate(dir); err != nil {
			panic(err)
		}
		// Go's crypto/x509 reads it once, when it first needs it.
		if err := os.Setenv("SSL_CERT_FILE", filepath.Join(dir, "cert")); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

// writeCertificate makes a certificate for this computer, signed by itself, and
// its key: the files cert and key in dir.
func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "cert"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}

// program finds a program that conformance/install-servers installs.
func program(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".cache"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(dir, "bin", name), filepath.Join(dir, "mail", "bin", name)} {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	if file, err := exec.LookPath(name); err == nil && name != "python" {
		return file
	}
	if os.Getenv("RUSSET_CLIENTS") == "require" {
		t.Fatalf("%s is required (RUSSET_CLIENTS=require) and not installed: run ./conformance/install-servers", name)
	}
	t.Skipf("%s is not installed: ./conformance/install-servers does it", name)
	return ""
}

// start runs a server until the test ends, and waits until ready says that it
// answers.
func start(t *testing.T, cmd *exec.Cmd, ready func() bool) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, 10*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(gone)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-gone
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, out.Bytes())
		}
	})
	for deadline := time.Now().Add(time.Minute); !ready(); time.Sleep(20 * time.Millisecond) {
		select {
		case <-gone:
			t.Fatalf("%s ended at once:\n%s", cmd.Path, out.Bytes())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer", cmd.Path)
		}
	}
}

func answers(address string) func() bool {
	return func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// startBus starts a session bus, and makes it the one of this process.
func startBus(t *testing.T) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "bus")
	config := filepath.Join(t.TempDir(), "config")
	text := `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=` + socket + `</listen>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, exec.Command(program(t, "dbus-daemon"), "--config-file="+config, "--nofork"), func() bool {
		conn, err := net.Dial("unix", socket)
		return err == nil && conn.Close() == nil
	})
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+socket)
}

// startDunst starts a screen nobody looks at, and dunst on it, with settings of
// its own.
func startDunst(t *testing.T, settings string) {
	t.Helper()
	startBus(t)
	screens := t.TempDir()
	number, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer number.Close()
	screen := exec.Command(program(t, "Xvfb"), "-displayfd", "3", "-screen", "0", "800x600x24", "-nolisten", "tcp", "-fbdir", screens)
	screen.ExtraFiles = []*os.File{out}
	var display string
	start(t, screen, func() bool {
		if display == "" {
			b := make([]byte, 16)
			n, _ := number.Read(b) // it says the number when it is ready
			display = strings.TrimSpace(string(b[:n]))
		}
		return display != ""
	})
	_ = out.Close()
	t.Setenv("DISPLAY", ":"+display)
	home := t.TempDir()
	config := filepath.Join(home, "dunstrc")
	if err := os.WriteFile(config, []byte("[global]\n"+settings+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program(t, "dunst"), "-conf", config)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_RUNTIME_DIR="+home)
	start(t, cmd, func() bool { return exec.CommandContext(t.Context(), "dunstctl", "is-paused").Run() == nil })
}

// within bounds a test that could hang.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
