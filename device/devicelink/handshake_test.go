package devicelink_test

import (
	"errors"
	"reflect"
	"testing"

	"russet/device/devicelink"
	"russet/internal/plist"
)

func TestHandshake(t *testing.T) {
	for device, want := range map[int64]int64{300: 300, 400: 400, 500: 400} {
		p, c := connect(t)
		done := make(chan error, 1)
		go func() { done <- c.Handshake(t.Context()) }()
		p.send(list{"DLMessageVersionExchange", device, 0})
		if got := p.receive(); !reflect.DeepEqual(got, list{"DLMessageVersionExchange", "DLVersionsOk", want}) {
			t.Errorf("version %d is answered %v", device, got)
		}
		p.send(list{"DLMessageDeviceReady"})
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestHandshakeRefused(t *testing.T) {
	refusals := map[string]func(*phone){
		"closed":    func(p *phone) { _ = p.conn.Close() },
		"no list":   func(p *phone) { p.send(plist.Dict{}) },
		"no name":   func(p *phone) { p.send(list{400}) },
		"no plist":  func(p *phone) { p.write(framed([]byte("SSH-2.0"))) },
		"other":     func(p *phone) { p.send(list{"DLMessageDisconnect", "no"}) },
		"not ready": func(p *phone) { p.send(list{"DLMessageVersionExchange", 400, 0}); p.receive(); p.send(list{"Bye"}) },
	}
	for name, refuse := range refusals {
		t.Run(name, func(t *testing.T) {
			p, c := connect(t)
			done := make(chan error, 1)
			go func() { done <- c.Handshake(t.Context()) }()
			refuse(p)
			if _, ok := errors.AsType[*devicelink.HandshakeError](<-done); !ok {
				t.Error("no HandshakeError")
			}
		})
	}
}
