package mobilebackup2_test

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"russet/device/devicelink"
	mb "russet/device/mobilebackup2"
	"russet/internal/plist"
)

const udid = "00008110-0001ABCD12345678"

// phone is the device's end of the connection.
type phone struct {
	t    *testing.T
	conn net.Conn
}

func (p *phone) send(list ...any) {
	p.t.Helper()
	body, err := plist.MarshalBinary(list)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
		p.t.Errorf("the host stopped listening: %v", err)
	}
}

func (p *phone) receive() []any {
	p.t.Helper()
	var head [4]byte
	if _, err := io.ReadFull(p.conn, head[:]); err != nil {
		p.t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(p.conn, body); err != nil {
		p.t.Fatal(err)
	}
	v, err := plist.Parse(body, plist.Limits{})
	if err != nil {
		p.t.Fatal(err)
	}
	return v.([]any)
}

// command receives a message of the host.
func (p *phone) command() plist.Dict {
	p.t.Helper()
	m := p.receive()
	if len(m) != 2 || m[0] != "DLMessageProcessMessage" {
		p.t.Fatalf("the host sent %v", m)
	}
	return m[1].(plist.Dict)
}

func (p *phone) respond(d plist.Dict) {
	p.t.Helper()
	p.send("DLMessageProcessMessage", d)
}

// dial connects a host to a device that has said nothing yet.
func dial(t *testing.T) (*phone, <-chan *mb.Client, <-chan error) {
	t.Helper()
	theirs, ours := net.Pipe()
	t.Cleanup(func() { _ = theirs.Close(); _ = ours.Close() })
	if err := theirs.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	clients, failures := make(chan *mb.Client, 1), make(chan error, 1)
	go func() {
		c, err := mb.NewClient(t.Context(), ours, slog.New(slog.DiscardHandler))
		if err != nil {
			failures <- err
			return
		}
		clients <- c
	}()
	return &phone{t, theirs}, clients, failures
}

// greet goes through the handshake up to Hello.
func (p *phone) greet() {
	p.t.Helper()
	p.send("DLMessageVersionExchange", 400, 0)
	p.receive()
	p.send("DLMessageDeviceReady")
	want := plist.Dict{"MessageName": "Hello", "SupportedProtocolVersions": []any{2.0, 2.1}}
	if got := p.command(); !reflect.DeepEqual(got, want) {
		p.t.Errorf("hello: %v", got)
	}
}

func welcome() plist.Dict {
	return plist.Dict{"MessageName": "Response", "ErrorCode": 0, "ProtocolVersion": 2.1}
}

// connected gives both ends after the greeting.
func connected(t *testing.T) (*phone, *mb.Client) {
	t.Helper()
	p, clients, failures := dial(t)
	p.greet()
	p.respond(welcome())
	select {
	case c := <-clients:
		return p, c
	case err := <-failures:
		t.Fatal(err)
		return nil, nil
	}
}

// restoreMessage is what a restore has to be asked for with.
func restoreMessage(password any) plist.Dict {
	options := plist.Dict{
		"RestoreSystemFiles": true, "RestorePreserveSettings": false, "RemoveItemsNotRestored": true,
		"RestoreShouldReboot": false, "RestoreDontCopyBackup": true,
	}
	if password != nil {
		options["Password"] = password
	}
	return plist.Dict{"MessageName": "Restore", "TargetIdentifier": udid, "SourceIdentifier": "source", "Options": options}
}

func TestCommands(t *testing.T) {
	request := mb.RestoreRequest{Target: udid, Source: "source", SystemFiles: true, RemoveNotRestored: true}
	secret := request
	secret.Password = "secret"
	svc := devicelink.Service{}
	tests := map[string]struct {
		send func(*mb.Client) error
		want plist.Dict
	}{
		"backup": {
			func(c *mb.Client) error { return c.Backup(t.Context(), mb.BackupRequest{Target: udid}, svc) },
			plist.Dict{"MessageName": "Backup", "TargetIdentifier": udid},
		},
		"restore":           {func(c *mb.Client) error { return c.Restore(t.Context(), request, svc) }, restoreMessage(nil)},
		"restore encrypted": {func(c *mb.Client) error { return c.Restore(t.Context(), secret, svc) }, restoreMessage("secret")},
		"password on": {
			func(c *mb.Client) error {
				return c.ChangePassword(t.Context(), mb.ChangePasswordRequest{Target: udid, New: "new"})
			},
			plist.Dict{"MessageName": "ChangePassword", "TargetIdentifier": udid, "NewPassword": "new"},
		},
		"password off": {
			func(c *mb.Client) error {
				return c.ChangePassword(t.Context(), mb.ChangePasswordRequest{Target: udid, Old: "old"})
			},
			plist.Dict{"MessageName": "ChangePassword", "TargetIdentifier": udid, "OldPassword": "old"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, c := connected(t)
			done := make(chan error, 1)
			go func() { done <- tt.send(c) }()
			if got := p.command(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("sent %v", got)
			}
			p.respond(plist.Dict{"MessageName": "Response", "ErrorCode": 0})
			if err := <-done; err != nil {
				t.Error(err)
			}
			go c.Close()
			if got := p.receive(); got[0] != "DLMessageDisconnect" {
				t.Errorf("the goodbye is %v", got)
			}
		})
	}
}

func TestResponses(t *testing.T) {
	said := "Insufficient free disk space on drive to back up (MBErrorDomain/105)"
	code := func(want mb.Code) func(error) bool {
		return func(err error) bool {
			e, ok := errors.AsType[*mb.Error](err)
			return ok && e.Code == want && e.Error() != ""
		}
	}
	nonsense := func(err error) bool { return errors.As(err, new(*devicelink.ProtocolError)) }
	tests := map[string]struct {
		answer plist.Dict
		good   func(error) bool
	}{
		"done":          {plist.Dict{"MessageName": "Response", "ErrorCode": 0}, func(err error) bool { return err == nil }},
		"full":          {plist.Dict{"MessageName": "Response", "ErrorCode": 105, "ErrorDescription": said}, code(105)},
		"done, a real":  {plist.Dict{"MessageName": "Response", "ErrorCode": 0.0}, func(err error) bool { return err == nil }},
		"full, a real":  {plist.Dict{"MessageName": "Response", "ErrorCode": 105.0}, code(105)},
		"half a code":   {plist.Dict{"MessageName": "Response", "ErrorCode": 0.5}, nonsense},
		"no number":     {plist.Dict{"MessageName": "Response", "ErrorCode": math.NaN()}, nonsense},
		"negative":      {plist.Dict{"MessageName": "Response", "ErrorCode": -1}, code(-1)},
		"huge":          {plist.Dict{"MessageName": "Response", "ErrorCode": uint64(1<<64 - 1)}, code(-1)},
		"no code":       {plist.Dict{"MessageName": "Response"}, nonsense},
		"code in words": {plist.Dict{"MessageName": "Response", "ErrorCode": "0"}, nonsense},
		"another name":  {plist.Dict{"MessageName": "Hello", "ErrorCode": 0}, nonsense},
		"nothing":       {plist.Dict{}, nonsense},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, c := connected(t)
			done := make(chan error, 1)
			go func() { done <- c.Backup(t.Context(), mb.BackupRequest{Target: udid}, devicelink.Service{}) }()
			p.command()
			p.respond(tt.answer)
			if err := <-done; !tt.good(err) {
				t.Errorf("taken as %v", err)
			}
		})
	}
}

func TestGreetingRefused(t *testing.T) {
	tests := map[string]func(*phone){
		"hung up":       func(p *phone) { _ = p.conn.Close() },
		"at hello":      func(p *phone) { p.greet(); p.respond(plist.Dict{"MessageName": "Response", "ErrorCode": 1}) },
		"other version": func(p *phone) { p.greet(); d := welcome(); d["ProtocolVersion"] = 3.0; p.respond(d) },
		"no version":    func(p *phone) { p.greet(); d := welcome(); delete(d, "ProtocolVersion"); p.respond(d) },
		"goodbye":       func(p *phone) { p.greet(); p.send("DLMessageDisconnect", "no") },
	}
	for name, refuse := range tests {
		t.Run(name, func(t *testing.T) {
			p, clients, failures := dial(t)
			refuse(p)
			go func() { _, _ = io.Copy(io.Discard, p.conn) }()
			select {
			case <-clients:
				t.Error("the host goes on")
			case err := <-failures:
				if handshake := errors.As(err, new(*devicelink.HandshakeError)); handshake != (name == "hung up") {
					t.Errorf("taken as %v", err)
				}
			}
		})
	}
}

// While the password changes the device is given no file and no folder.
func TestChangePasswordServesNothing(t *testing.T) {
	p, c := connected(t)
	done := make(chan error, 1)
	go func() { done <- c.ChangePassword(t.Context(), mb.ChangePasswordRequest{Target: udid, New: "new"}) }()
	p.command()
	for _, request := range [][]any{
		{"DLMessageCreateDirectory", udid},
		{"DLContentsOfDirectory", udid},
		{"DLMessageGetFreeDiskSpace"},
		{"DLMessagePurgeDiskSpace", 1, 4},
		{"DLMessageRemoveItems", []any{udid}},
	} {
		p.send(request...)
		if got := p.receive(); len(got) != 4 || got[1].(int64) >= 0 {
			t.Errorf("%v is answered %v", request, got)
		}
	}
	p.respond(plist.Dict{"MessageName": "Response", "ErrorCode": 207, "ErrorDescription": "wrong"})
	if e, ok := errors.AsType[*mb.Error](<-done); !ok || e.Code != mb.CodePassword || !strings.Contains(e.Error(), "207") {
		t.Errorf("taken as %v", e)
	}
}
