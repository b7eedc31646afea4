package backend_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"russet"
	"russet/internal/secrets"
	"russet/internal/vault/backend"
	"russet/internal/vault/servers"
)

func strangersKey(t *testing.T) secrets.Secret {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	return servers.PrivateKey(t, key)
}

// TestHostKeys: an unknown or changed host key stops everything, and what
// HostKeys shows is what makes it known.
func TestHostKeys(t *testing.T) {
	t.Parallel()
	s := servers.StartSFTP(t)
	keys, err := backend.HostKeys(t.Context(), s.Location)
	must(t, err)
	if len(keys) != 3 {
		t.Fatalf("the server has three keys, seen: %+v", keys)
	}
	for _, k := range keys {
		if !strings.HasPrefix(k.Fingerprint, "SHA256:") || !strings.Contains(k.Line, k.Type) {
			t.Errorf("host key %+v", k)
		}
	}
	stranger := servers.StartSFTPPassword(t)
	changed := strings.ReplaceAll(stranger.Credentials.KnownHosts, stranger.Location.String(), "")
	changed = strings.Replace(keys[0].Line, strings.Fields(keys[0].Line)[2], strings.Fields(changed)[2], 1)
	for _, known := range []string{"", "other.example " + strings.Join(strings.Fields(keys[0].Line)[1:], " "), changed, "rubbish"} {
		c := s.Credentials
		c.KnownHosts = known
		_, err := backend.Open(t.Context(), backend.Options{Location: s.Location, Credentials: c, Create: true})
		if russet.KindOf(err) != russet.Usage {
			t.Errorf("known hosts %q: %v", known, err)
		}
	}
	for _, k := range keys { // one known key is enough, whichever
		c := s.Credentials
		c.KnownHosts = k.Line
		b, err := backend.Open(t.Context(), backend.Options{Location: s.Location, Credentials: c, Create: true})
		if err != nil {
			t.Errorf("of the host keys only the %s is known: %v", k.Type, err)
			continue
		}
		must(t, b.Close(t.Context()))
	}
	if _, err := backend.HostKeys(t.Context(), backend.Location{Kind: backend.S3}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("host keys of a bucket: %v", err)
	}
}

// TestPassphrase: a private key with a passphrase is opened with it.
func TestPassphrase(t *testing.T) {
	t.Parallel()
	s := servers.StartSFTP(t)
	key, err := ssh.ParseRawPrivateKey([]byte(s.Credentials.PrivateKey))
	must(t, err)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("open"))
	must(t, err)
	c := s.Credentials
	c.PrivateKey = secrets.Secret(pem.EncodeToMemory(block))
	for _, wrong := range []secrets.Secret{"", "shut"} {
		c.Passphrase = wrong
		if _, err := backend.Open(t.Context(), backend.Options{Location: s.Location, Credentials: c, Create: true}); russet.KindOf(err) != russet.Usage {
			t.Errorf("passphrase %q: %v", string(wrong), err)
		}
	}
	c.Passphrase = "open"
	b := open(t, backend.Options{Location: s.Location, Credentials: c, Create: true})
	if n, err := b.Free(t.Context()); n <= 0 || err != nil {
		t.Errorf("%d bytes free, %v", n, err)
	}
}
