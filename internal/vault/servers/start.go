package servers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"russet/internal/secrets"
	"russet/internal/vault/backend"
)

// bucket is the one bucket there is at first.
const bucket = "phones"

// StartS3 starts versitygw with one empty bucket.
func StartS3(t testing.TB) *Server {
	t.Helper()
	return startS3(t)
}

// StartS3TLS does the same behind a certificate that no authority vouches for.
func StartS3TLS(t testing.TB) *Server {
	t.Helper()
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "certificate"), filepath.Join(dir, "key")
	must(t, writeCertificate(t, certificate, key))
	s := startS3(t, "--cert", certificate, "--key", key)
	s.Location.TLS = true
	return s
}

func startS3(t testing.TB, args ...string) *Server {
	t.Helper()
	gateway := program(t, "versitygw")
	root, extra := t.TempDir(), t.TempDir()
	s := &Server{Data: filepath.Join(root, bucket), Credentials: backend.Credentials{AccessKey: "russet", SecretKey: secret()}}
	must(t, os.Mkdir(s.Data, 0o700))
	s.Location = backend.Location{Kind: backend.S3, Bucket: bucket}
	s.Location.Host, s.Location.Port = s.run(t, func(port string) *exec.Cmd {
		// A folder for attributes: not every file system of a test has its own.
		all := append(slices.Clone(args), "--quiet", "--port", "127.0.0.1:"+port, "posix", "--sidecar", extra, root)
		cmd := exec.Command(gateway, all...)
		cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s.Credentials.AccessKey, "ROOT_SECRET_ACCESS_KEY="+string(s.Credentials.SecretKey))
		return cmd
	})
	return s
}

// StartWebDAV starts rclone's WebDAV server; the folder of the vault is absent.
func StartWebDAV(t testing.TB) *Server {
	t.Helper()
	root := t.TempDir()
	s := &Server{Data: filepath.Join(root, "vault"), Credentials: backend.Credentials{User: "russet", Password: secret()}}
	s.Location = backend.Location{Kind: backend.WebDAV, Path: "/vault"}
	s.Location.Host, s.Location.Port = s.run(t, s.rclone(t, "webdav", root))
	return s
}

// rclone makes the command of one of rclone's servers.
func (s *Server) rclone(t testing.TB, protocol, root string, args ...string) func(port string) *exec.Cmd {
	t.Helper()
	rclone, cache := program(t, "rclone"), t.TempDir()
	return func(port string) *exec.Cmd {
		all := append([]string{"serve", protocol, root, "--addr", "127.0.0.1:" + port, "--config", os.DevNull, "--cache-dir", cache, "--dir-cache-time", "0s"}, args...)
		cmd := exec.Command(rclone, all...)
		cmd.Env = append(os.Environ(), "RCLONE_USER="+s.Credentials.User, "RCLONE_PASS="+string(s.Credentials.Password))
		return cmd
	}
}

// StartSFTPPassword starts rclone's SFTP server, which takes a password.
func StartSFTPPassword(t testing.TB) *Server {
	t.Helper()
	root := t.TempDir()
	s := &Server{Data: filepath.Join(root, "vault"), Credentials: backend.Credentials{User: "russet", Password: secret()}}
	s.Location = backend.Location{Kind: backend.SFTP, Path: "/vault"}
	key := filepath.Join(t.TempDir(), "key")
	must(t, writeKey(key, newEd25519(t)))
	s.Location.Host, s.Location.Port = s.run(t, s.rclone(t, "sftp", root, "--key", key, "--authorized-keys", ""))
	s.learnKeys(t)
	return s
}

// StartSFTP starts OpenSSH's server for the user who runs the test, who shows a
// private key; the folder of the vault is absent.
func StartSFTP(t testing.TB) *Server {
	t.Helper()
	sshd := program(t, "sshd")
	dir, me := t.TempDir(), currentUser(t)
	s := &Server{Data: filepath.Join(t.TempDir(), "vault")}
	s.Location = backend.Location{Kind: backend.SFTP, Path: filepath.ToSlash(s.Data), User: me}
	mine := newEd25519(t)
	s.Credentials.PrivateKey = PrivateKey(t, mine)
	config := filepath.Join(dir, "config")
	must(t, writeKeys(t, dir), authorize(filepath.Join(dir, "authorized"), mine))
	s.Location.Host, s.Location.Port = s.run(t, func(port string) *exec.Cmd {
		must(t, os.WriteFile(config, []byte(sshdConfig(dir, port)), 0o600))
		return exec.Command(sshd, "-D", "-e", "-f", config)
	})
	s.learnKeys(t)
	return s
}

func sshdConfig(dir, port string) string {
	lines := []string{
		"Port " + port, "ListenAddress 127.0.0.1", "PidFile none", "UsePAM no", "StrictModes no", "PasswordAuthentication no",
		"AuthorizedKeysFile " + filepath.Join(dir, "authorized"), "Subsystem sftp internal-sftp", "MaxStartups 100",
	}
	for _, name := range hostKeys {
		lines = append(lines, "HostKey "+filepath.Join(dir, name))
	}
	return strings.Join(lines, "\n") + "\n"
}

// hostKeys are the files of a server's keys, one of each kind.
var hostKeys = [...]string{"ed25519", "ecdsa", "rsa"}

func writeKeys(t testing.TB, dir string) error {
	t.Helper()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	for i, key := range []crypto.Signer{newEd25519(t), curve, old} {
		if err := writeKey(filepath.Join(dir, hostKeys[i]), key); err != nil {
			return err
		}
	}
	return nil
}

// learnKeys takes the host keys the server shows for the right ones.
func (s *Server) learnKeys(t testing.TB) {
	t.Helper()
	keys, err := backend.HostKeys(t.Context(), s.Location)
	must(t, err)
	s.Credentials.KnownHosts = backend.KnownHosts(keys)
}

// PrivateKey writes a private key as OpenSSH does.
func PrivateKey(t testing.TB, key crypto.Signer) secrets.Secret {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	must(t, err)
	return secrets.Secret(pem.EncodeToMemory(block))
}

func newEd25519(t testing.TB) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	return key
}

func writeKey(name string, key crypto.Signer) error {
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return err
	}
	return os.WriteFile(name, pem.EncodeToMemory(block), 0o600)
}

func authorize(name string, key crypto.Signer) error {
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return err
	}
	return os.WriteFile(name, ssh.MarshalAuthorizedKey(public), 0o600)
}

func currentUser(t testing.TB) string {
	t.Helper()
	u, err := user.Current()
	must(t, err)
	return u.Username
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(fmt.Errorf("start a server: %w", err))
		}
	}
}
