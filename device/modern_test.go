package device_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"maps"
	"net"
	"testing"
	"time"

	"russet/device"
	"russet/device/internal/wire"
	"russet/internal/plist"
)

// TestModern: something that says it is iOS 9, and speaks only the TLS of that
// time, is a device of that time on a cable; on a network nobody has to believe
// it.
func TestModern(t *testing.T) {
	first, err := firstPairing()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(first.DeviceCertificate)
	old := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: key()}},
		MinVersion:   tls.VersionTLS10, MaxVersion: tls.VersionTLS10, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA},
	}
	dial := dialer(func(context.Context, uint16) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go oldPhone(t.Context(), theirs, old, plist.Dict{"Value": "9.3.5"})
		return ours, nil
	})
	for _, modern := range []bool{false, true} {
		dev, err := device.Connect(t.Context(), dial, first, device.Options{Modern: modern})
		if (err == nil) == modern {
			t.Errorf("modern %v: %v", modern, err)
		}
		if err == nil {
			_ = dev.Close()
		}
	}
}

// TestSecretive: a device that does not say its iOS before the session is as
// good as another.
func TestSecretive(t *testing.T) {
	first, err := firstPairing()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(first.DeviceCertificate)
	config := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: key()}}, MinVersion: tls.VersionTLS12,
	}
	dial := dialer(func(context.Context, uint16) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go oldPhone(t.Context(), theirs, config, plist.Dict{"Error": "GetProhibited"})
		return ours, nil
	})
	dev, err := device.Connect(t.Context(), dial, first, device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_ = dev.Close()
}

// TestModernIsNotAskedItsAge: what would not be believed is not worth a round trip
// of a slow network.
func TestModernIsNotAskedItsAge(t *testing.T) {
	first, err := firstPairing()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(first.DeviceCertificate)
	config := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{block.Bytes}, PrivateKey: key()}}, MinVersion: tls.VersionTLS12,
	}
	dial := dialer(func(context.Context, uint16) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go oldPhone(t.Context(), theirs, config, plist.Dict{"Request": "I was asked"})
		return ours, nil
	})
	dev, err := device.Connect(t.Context(), dial, first, device.Options{Modern: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = dev.Close()
	if dev, err := device.Connect(t.Context(), dial, first, device.Options{}); err == nil {
		_ = dev.Close()
		t.Error("who may be an old device was not asked")
	}
}

// oldPhone answers what a session needs; version is its answer to who asks for
// its iOS before that.
func oldPhone(ctx context.Context, nc net.Conn, config *tls.Config, version plist.Dict) {
	defer func() { _ = nc.Close() }()
	conn := wire.NewConn(nc, 1<<20)
	for {
		req, err := conn.Receive(ctx, 10*time.Second)
		if err != nil {
			return
		}
		answer := plist.Dict{"Request": req.String("Request")}
		switch {
		case req.String("Request") == "QueryType":
			answer["Type"] = "com.apple.mobile.lockdown"
		case req.String("Key") == "ProductVersion":
			maps.Copy(answer, version)
		case req.String("Request") == "GetValue":
			answer["Value"] = plist.Dict{"ProductVersion": "9.3.5"}
		case req.String("Request") == "StartSession":
			answer["SessionID"], answer["EnableSessionSSL"] = "1", true
		}
		if conn.Send(ctx, answer) != nil {
			return
		}
		if req.String("Request") == "StartSession" {
			conn = wire.NewConn(tls.Server(nc, config), 1<<20)
		}
	}
}
