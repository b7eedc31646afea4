package backend_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kopia/kopia/repo/blob"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"russet/internal/secrets"
	"russet/internal/vault/backend"
)

// wireServer is an SFTP server of which the test sees and makes every packet.
type wireServer struct {
	*testing.T
	noise  []byte       // written to the standard error of a session before each answer
	status uint32       // the answer to a sync
	synced atomic.Int64 // how often it was asked to put a file on its disk
}

// start serves a new folder.
func (s *wireServer) start() backend.Options {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	must(s.T, err)
	signer, err := ssh.NewSignerFromKey(key)
	must(s.T, err)
	config := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(s.T, err)
	s.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c, config)
		}
	}()
	host, err := ssh.NewPublicKey(public)
	must(s.T, err)
	at := l.Addr().(*net.TCPAddr)
	return backend.Options{
		Location: backend.Location{Kind: backend.SFTP, Host: "127.0.0.1", Port: at.Port, User: "anna", Path: s.TempDir() + "/vault"},
		Credentials: backend.Credentials{
			Password: secrets.Secret("open"), KnownHosts: knownhosts.Line([]string{knownhosts.Normalize(at.String())}, host),
		},
		Create: true,
	}
}

func (s *wireServer) serve(c net.Conn, config *ssh.ServerConfig) {
	defer c.Close()
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return // it only knocked
	}
	go ssh.DiscardRequests(requests)
	for n := range channels {
		channel, requests, err := n.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		go s.speak(channel)
	}
}

// speak carries packets between a client and a real server, but for syncs.
func (s *wireServer) speak(client ssh.Channel) {
	defer client.Close()
	near, far := net.Pipe()
	server, err := sftp.NewServer(far)
	if err != nil {
		s.Error(err)
		return
	}
	go server.Serve() //nolint:errcheck // it ends with the pipe
	const version, extended, status = 2, 200, 101
	answers := make(chan []byte)
	go func() {
		defer near.Close()
		for {
			p, err := packet(client)
			if err != nil {
				return
			}
			if p[0] == extended && bytes.Contains(p, []byte("fsync@openssh.com")) {
				s.synced.Add(1)
				answers <- append(binary.BigEndian.AppendUint32(append([]byte{status}, p[1:5]...), s.status), make([]byte, 8)...)
				continue
			}
			if send(near, p) != nil {
				return
			}
		}
	}()
	go func() {
		for {
			p, err := packet(near)
			if err != nil {
				return
			}
			if p[0] == version {
				p = append(p, "\x00\x00\x00\x11fsync@openssh.com\x00\x00\x00\x011"...)
			}
			answers <- p
		}
	}()
	for p := range answers {
		if len(s.noise) > 0 {
			if _, err := client.Stderr().Write(s.noise); err != nil {
				return
			}
		}
		if send(client, p) != nil {
			return
		}
	}
}

func packet(r io.Reader) ([]byte, error) {
	var n uint32
	if err := binary.Read(r, binary.BigEndian, &n); err != nil {
		return nil, err
	}
	p := make([]byte, n)
	_, err := io.ReadFull(r, p)
	return p, err
}

func send(w io.Writer, p []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(p))), p...))
	return err
}

// TestSFTPSyncs: a blob is on the server's disk before it has its name, where the
// server can do that.
func TestSFTPSyncs(t *testing.T) {
	t.Parallel()
	const unsupported, failure = 8, 4
	for status, fails := range map[uint32]bool{0: false, unsupported: false, failure: true} {
		s := &wireServer{T: t, status: status}
		b := open(t, s.start())
		before := s.synced.Load()
		ctx, cancel := context.WithTimeout(t.Context(), map[bool]time.Duration{false: time.Minute, true: time.Second}[fails])
		err := b.PutBlob(ctx, "p1", blobOf(noise(100)), blob.PutOptions{})
		cancel()
		if s.synced.Load() == before || (err != nil) != fails {
			t.Errorf("status %d: %d syncs, %v", status, s.synced.Load()-before, err)
		}
		if _, err := b.GetMetadata(t.Context(), "p1"); errors.Is(err, blob.ErrBlobNotFound) != fails {
			t.Errorf("status %d: the blob: %v", status, err)
		}
	}
}

// TestSFTPComplaints: what a server writes to its standard error does not hold up
// its answers, however much that is.
func TestSFTPComplaints(t *testing.T) {
	t.Parallel()
	s := &wireServer{T: t, noise: bytes.Repeat([]byte("debug1: request\n"), 32<<10)}
	o := s.start()
	o.Silence = 4 * time.Second
	b := open(t, o)
	for range 4 {
		must(t, b.PutBlob(t.Context(), "p1", blobOf(noise(100)), blob.PutOptions{}))
	}
}
