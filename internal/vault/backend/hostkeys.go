package backend

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// HostKey is one key by which an SFTP server shows who it is.
type HostKey struct {
	Type        string // "ssh-ed25519" …
	Fingerprint string // "SHA256:…", as OpenSSH prints it
	Line        string // for Credentials.KnownHosts
}

// KnownHosts are the lines of all keys, for Credentials.KnownHosts. All are
// needed: which one the server shows is settled anew with every connection.
func KnownHosts(keys []HostKey) string {
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(k.Line + "\n")
	}
	return b.String()
}

var errSeen = errors.New("the key was seen")

// HostKeys asks an SFTP server for its keys, one of each kind. They prove
// nothing until a person has compared a fingerprint with what the server's
// owner says.
func HostKeys(ctx context.Context, l Location) ([]HostKey, error) {
	if l.Kind != SFTP {
		return nil, errors.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	var keys []HostKey
	for _, algorithm := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512} {
		key, err := hostKey(ctx, l, algorithm)
		if _, none := errors.AsType[*ssh.AlgorithmNegotiationError](err); none {
			continue
		}
		if err != nil {
			return nil, explain(l, "ask for the host keys", err)
		}
		keys = append(keys, HostKey{
			Type: key.Type(), Fingerprint: ssh.FingerprintSHA256(key), Line: knownhosts.Line([]string{l.address(sftpPort)}, key),
		})
	}
	if len(keys) == 0 {
		return nil, explain(l, "ask for the host keys", errors.New("the server has no key of a kind that is safe to use"))
	}
	return keys, nil
}

// hostKey begins to connect, until the server has shown its key.
func hostKey(ctx context.Context, l Location, algorithm string) (ssh.PublicKey, error) {
	wire, err := dialWire(ctx, l)
	if err != nil {
		return nil, err
	}
	defer wire.Close()
	defer wire.free()
	var seen ssh.PublicKey
	_, _, _, err = ssh.NewClientConn(wire, l.address(sftpPort), &ssh.ClientConfig{
		HostKeyAlgorithms: []string{algorithm},
		HostKeyCallback:   func(_ string, _ net.Addr, key ssh.PublicKey) error { seen = key; return errSeen },
	})
	if errors.Is(err, errSeen) {
		return seen, nil
	}
	return nil, cmp.Or(err, errors.New("the server showed no key"))
}
