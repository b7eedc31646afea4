package lockdown_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"russet/device/lockdown"
	"russet/internal/plist"
)

// sessions answers StartSession, then hands the connection to handshake, then
// answers everything with an empty success.
func sessions(t *testing.T, handshake func(net.Conn) net.Conn) *lockdown.Client {
	t.Helper()
	ours, theirs := net.Pipe()
	return sessionsOn(t, ours, theirs, handshake)
}

func sessionsOn(t *testing.T, ours, theirs net.Conn, handshake func(net.Conn) net.Conn) *lockdown.Client {
	t.Helper()
	return between(t, ours, theirs, func(nc net.Conn) {
		started := make(chan struct{})
		once := oneAnswer{nc, started}
		serve(once, func(req plist.Dict) plist.Dict {
			return said(req, plist.Dict{"SessionID": "S", "EnableSessionSSL": true})
		})
		if secure := handshake(nc); secure != nil {
			serve(secure, func(req plist.Dict) plist.Dict { return said(req, plist.Dict{"Value": "v"}) })
		}
	})
}

// oneAnswer ends after one answer was written.
type oneAnswer struct {
	net.Conn
	written chan struct{}
}

func (c oneAnswer) Read(p []byte) (int, error) {
	select {
	case <-c.written:
		return 0, io.EOF
	default:
		return c.Conn.Read(p)
	}
}

func (c oneAnswer) Write(p []byte) (int, error) {
	defer close(c.written)
	return c.Conn.Write(p)
}

func TestSession(t *testing.T) {
	rec := record(t)
	hostCert := certificate(t, rec.HostCertificate)
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			config := deviceTLS(t, rec.DeviceCertificate, version)
			c := sessions(t, func(nc net.Conn) net.Conn {
				server := tls.Server(nc, config)
				if err := server.Handshake(); err != nil {
					t.Error(err)
					return nil
				}
				state := server.ConnectionState()
				if len(state.PeerCertificates) == 0 || !bytes.Equal(state.PeerCertificates[0].Raw, hostCert.Raw) {
					t.Error("the device did not see the host certificate")
				}
				return server
			})
			if err := c.StartSession(t.Context(), rec, false); err != nil {
				t.Fatal(err)
			}
			if v, err := c.Value(t.Context(), "", "k"); v != "v" || err != nil {
				t.Errorf("in the session: %v, %v", v, err)
			}
			for range 2 { // the second time there is none
				if err := c.StopSession(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestSessionWithOldDevice(t *testing.T) {
	rec := record(t)
	config := deviceTLS(t, rec.DeviceCertificate, tls.VersionTLS10)
	config.CipherSuites = []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
	for _, legacy := range []bool{true, false} {
		c := sessions(t, func(nc net.Conn) net.Conn { return tls.Server(nc, config) })
		if err := c.StartSession(t.Context(), rec, legacy); (err == nil) != legacy {
			t.Errorf("legacy %v: %v", legacy, err)
		}
	}
}

// TestImpostor has a device answer with another certificate, which it can
// always make, and with another key, which is what matters.
func TestImpostor(t *testing.T) {
	rec := record(t)
	other, err := tls.X509KeyPair(rec.HostCertificate, rec.HostPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := deviceTLS(t, rec.DeviceCertificate, version)
		config.Certificates = []tls.Certificate{other}
		c := sessions(t, func(nc net.Conn) net.Conn { return tls.Server(nc, config) })
		if err := c.StartSession(t.Context(), rec, false); !errors.Is(err, lockdown.ErrImpostor) || errors.Is(err, lockdown.ErrUntrusted) {
			t.Errorf("TLS %#x: %v", version, err)
		}
	}
}

func TestForgottenHost(t *testing.T) {
	rec := record(t)
	refuse := func(version uint16) func(net.Conn) net.Conn {
		config := deviceTLS(t, rec.DeviceCertificate, version)
		config.ClientAuth = tls.RequireAndVerifyClientCert // no authorities: refuses all
		return func(nc net.Conn) net.Conn { return tls.Server(nc, config) }
	}
	for name, handshake := range map[string]func(net.Conn) net.Conn{
		"hangs up":                 func(net.Conn) net.Conn { return nil },
		"refuses with TLS 1.2":     refuse(tls.VersionTLS12),
		"refuses with TLS 1.3":     refuse(tls.VersionTLS13),
		"hangs up in the protocol": func(nc net.Conn) net.Conn { _, _ = nc.Write([]byte{22, 3, 3}); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := loopback(t)
			c := sessionsOn(t, ours, theirs, handshake)
			err := c.StartSession(t.Context(), rec, false)
			if err == nil { // TLS 1.3 tells with the first answer
				_, err = c.Value(t.Context(), "", "k")
			}
			if !errors.Is(err, lockdown.ErrUntrusted) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("says so", func(t *testing.T) {
		c := device(t, func(req plist.Dict) plist.Dict { return said(req, plist.Dict{"Error": "InvalidHostID"}) })
		err := c.StartSession(t.Context(), rec, false)
		if !errors.Is(err, lockdown.ErrUntrusted) || !errors.Is(err, lockdown.InvalidHostID) {
			t.Errorf("got %v", err)
		}
	})
}

func TestNoSessionInTheClear(t *testing.T) {
	for _, answer := range []plist.Dict{{"SessionID": "S"}, {"EnableSessionSSL": true}} {
		c := device(t, func(req plist.Dict) plist.Dict { return said(req, answer) })
		if err := c.StartSession(t.Context(), record(t), false); err == nil {
			t.Errorf("%v was taken for a session", answer)
		}
	}
}

func TestSilentHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sessions(t, func(nc net.Conn) net.Conn { _, _ = io.Copy(io.Discard, nc); return nil })
		err := c.StartSession(t.Context(), record(t), false)
		if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, lockdown.ErrUntrusted) {
			t.Errorf("got %v", err)
		}
	})
}

// TestNoFarewell: a device that closes without close_notify, in the middle of a
// record, has ended, not failed.
func TestNoFarewell(t *testing.T) {
	rec := record(t)
	ours, theirs := net.Pipe()
	go func() {
		defer func() { _ = theirs.Close() }()
		server := tls.Server(theirs, deviceTLS(t, rec.DeviceCertificate, tls.VersionTLS12))
		if server.Handshake() == nil {
			_, _ = theirs.Write([]byte{23, 3, 3, 0, 100, 1, 2, 3})
		}
	}()
	secure, err := lockdown.Handshake(t.Context(), ours, rec, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = secure.Close() }()
	if n, err := secure.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("got %d, %v", n, err)
	}
}

// TestNoFarewellAfterAFailedWrite: who takes nothing any more is not waited for
// at the end.
func TestNoFarewellAfterAFailedWrite(t *testing.T) {
	rec := record(t)
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer func() { _ = theirs.Close() }()
		go func() { _ = tls.Server(theirs, deviceTLS(t, rec.DeviceCertificate, tls.VersionTLS12)).Handshake() }()
		secure, err := lockdown.Handshake(t.Context(), ours, rec, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := secure.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := secure.Write([]byte("nobody reads this")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
		began := time.Now()
		if err := secure.Close(); err != nil || time.Since(began) > time.Second {
			t.Errorf("closed in %v: %v", time.Since(began), err)
		}
	})
}
