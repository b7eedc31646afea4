package lockdown_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"net"
	"testing"

	"russet/device/internal/wire"
	"russet/device/lockdown"
	"russet/internal/plist"
)

// Made with openssl in the form libimobiledevice gives its records: SHA-1,
// serial number 0, no names. The keys protect nothing.
//
//go:embed testdata/libimobiledevice.plist
var foreignRecord []byte

// deviceKey belongs to the device certificate of that record.
//
//go:embed testdata/device.key
var deviceKey []byte

func record(t testing.TB) *lockdown.PairRecord {
	t.Helper()
	rec, err := lockdown.ParsePairRecord(foreignRecord)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// devicePublicKey is what a device with that key calls its public key.
func devicePublicKey(t testing.TB) []byte {
	t.Helper()
	block, _ := pem.Decode(deviceKey)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)})
}

// device answers each request with what respond returns; nil hangs up.
func device(t *testing.T, respond func(req plist.Dict) plist.Dict) *lockdown.Client {
	t.Helper()
	return connection(t, func(nc net.Conn) { serve(nc, respond) })
}

// connection gives a client whose other end is in the hands of the device.
func connection(t *testing.T, device func(net.Conn)) *lockdown.Client {
	t.Helper()
	ours, theirs := net.Pipe()
	return between(t, ours, theirs, device)
}

// between is connection over a pair of connections.
func between(t *testing.T, ours, theirs net.Conn, device func(net.Conn)) *lockdown.Client {
	t.Helper()
	c := lockdown.NewClient(ours, "test")
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = theirs.Close() }()
		device(theirs)
	}()
	t.Cleanup(func() {
		_ = c.Close()
		<-done
	})
	return c
}

// loopback is a pair of connections that hold what was sent until it is read,
// as a cable does and net.Pipe does not.
func loopback(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if ours, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if theirs, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

func serve(nc net.Conn, respond func(plist.Dict) plist.Dict) {
	phone := wire.NewConn(nc, 1<<20)
	for {
		req, err := phone.Receive(context.Background(), 0)
		if err != nil {
			return
		}
		answer := respond(req)
		if answer == nil || phone.Send(context.Background(), answer) != nil {
			return
		}
	}
}

// said answers as a device does, repeating the request's name.
func said(req, answer plist.Dict) plist.Dict {
	if !answer.Has("Request") {
		answer["Request"] = req.String("Request")
	}
	return answer
}

// deviceTLS is how a device serves TLS: with its own key and the certificate
// the host made, asking for a certificate it does not check.
func deviceTLS(t testing.TB, certificate []byte, version uint16) *tls.Config {
	t.Helper()
	pair, err := tls.X509KeyPair(certificate, deviceKey)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert,
		MinVersion: version, MaxVersion: version,
	}
}
