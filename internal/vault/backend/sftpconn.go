package backend

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sftpConn is a connection to an SFTP server.
type sftpConn struct {
	*sftp.Client
	wire net.Conn
}

// Close ends the connection at once, whether the server listens or not: pending
// calls fail. (The client's own Close waits for the server.)
func (c *sftpConn) Close() error { return c.wire.Close() }

// dialSFTP connects, but not for longer than ctx lasts; the connection itself
// outlives it. heard is told whenever the server's SFTP says something: what
// else of the server may still be alive proves nothing.
func dialSFTP(ctx context.Context, o Options, heard func()) (*sftpConn, error) {
	config, err := sshConfig(o)
	if err != nil {
		return nil, err
	}
	wire, err := dialWire(ctx, o.Location)
	if err != nil {
		return nil, err
	}
	client, err := beginSFTP(wire, o.Location, config, heard)
	if !wire.free() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, wire.Close())
	}
	return &sftpConn{client, wire}, nil
}

func beginSFTP(wire net.Conn, l Location, config *ssh.ClientConfig, heard func()) (*sftp.Client, error) {
	c, channels, requests, err := ssh.NewClientConn(wire, l.address(sftpPort), config)
	if err != nil {
		return nil, err
	}
	session, err := ssh.NewClient(c, channels, requests).NewSession()
	if err != nil {
		return nil, err
	}
	in, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	complaints, err := session.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		return nil, err
	}
	// They share their window with the answers: unread, they end those one day.
	go io.Copy(io.Discard, complaints) //nolint:errcheck // it ends with the connection
	return sftp.NewClientPipe(overheard{out, heard}, in, sftp.UseConcurrentWrites(true), sftp.UseConcurrentReads(true))
}

// overheard tells that something was read.
type overheard struct {
	io.Reader
	heard func()
}

// Read implements io.Reader.
func (l overheard) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if n > 0 {
		l.heard()
	}
	return n, err
}

// sshConfig says who we are, and which servers we trust.
func sshConfig(o Options) (*ssh.ClientConfig, error) {
	check, err := hostKeyCheck(o.Credentials.KnownHosts)
	if err != nil {
		return nil, err
	}
	auth := ssh.Password(string(o.Credentials.Password))
	if o.Credentials.Password == "" {
		signer, err := ssh.ParsePrivateKey([]byte(o.Credentials.PrivateKey))
		if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
			return nil, refuse("the private key has a passphrase", "give the passphrase, too")
		}
		if err != nil {
			return nil, refuse("the private key cannot be read", "give the whole file, beginning with -----BEGIN")
		}
		auth = ssh.PublicKeys(signer)
	}
	return &ssh.ClientConfig{
		User: o.Credentials.User, Auth: []ssh.AuthMethod{auth}, HostKeyCallback: check,
		HostKeyAlgorithms: knownFirst(o.Credentials.KnownHosts),
	}, nil
}

// knownFirst are the kinds of host keys we ask for, those that are known before
// the others: a server that has several shows the first we name, and one key may
// be all its owner told us. nil, which leaves the order to the library, when an
// authority signs the server's keys.
func knownFirst(lines string) []string {
	known := make(map[string]bool)
	for rest := []byte(lines); ; {
		marker, _, key, _, after, err := ssh.ParseKnownHosts(rest)
		if err != nil { // the end: hostKeyCheck has read the lines
			break
		}
		switch marker {
		case "":
			known[key.Type()] = true
		case "cert-authority":
			return nil
		}
		rest = after
	}
	kind := func(algorithm string) string {
		if algorithm == ssh.KeyAlgoRSASHA256 || algorithm == ssh.KeyAlgoRSASHA512 {
			return ssh.KeyAlgoRSA
		}
		return algorithm
	}
	all := append(ssh.SupportedAlgorithms().HostKeys, ssh.KeyAlgoRSA) // the last for servers that know no other hash
	slices.SortStableFunc(all, func(a, b string) int {
		switch ka, kb := known[kind(a)], known[kind(b)]; {
		case ka == kb:
			return 0
		case ka:
			return -1
		}
		return 1
	})
	return all
}

// withSFTP lends a connection of its own, which ends with ctx.
func withSFTP(ctx context.Context, o Options, heard func(), use func(*sftp.Client) error) error {
	conn, err := dialSFTP(ctx, o, heard)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	return use(conn.Client)
}

// boundWire is a connection that ends with a context, until it is set free.
type boundWire struct {
	net.Conn
	stop func() bool
}

// free reports whether the context still held.
func (w *boundWire) free() bool { return w.stop() }

func dialWire(ctx context.Context, l Location) (*boundWire, error) {
	wire, err := (&net.Dialer{Timeout: firstLook}).DialContext(ctx, "tcp", l.address(sftpPort))
	if err != nil {
		return nil, err
	}
	return &boundWire{wire, context.AfterFunc(ctx, func() { _ = wire.SetDeadline(time.Unix(1, 0)) })}, nil
}

// hostKeyCheck compares host keys with lines of known_hosts. The package that
// reads them takes only files; they are no secret.
func hostKeyCheck(lines string) (ssh.HostKeyCallback, error) {
	f, err := os.CreateTemp("", "russet-known-hosts-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(lines)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	check, err := knownhosts.New(f.Name())
	if err != nil {
		return nil, refuse("the known host keys cannot be read", "give lines as in known_hosts")
	}
	return check, nil
}
