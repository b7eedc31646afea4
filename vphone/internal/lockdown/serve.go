package lockdown

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"russet/vphone/internal/wire"
)

// handshakeTime is how long a host may take for TLS after StartSession.
const handshakeTime = 30 * time.Second

// errGoodbye ends a connection in good manners.
var errGoodbye = errors.New("goodbye")

// Serve answers one connection until the host leaves or breaks the protocol.
// It closes the connection.
func Serve(conn net.Conn, p Phone, log *slog.Logger) error {
	defer conn.Close()
	raw := &recordConn{Conn: conn}
	s := &server{phone: p, log: log, raw: raw, stream: raw}
	for {
		request, err := wire.Read(s.stream)
		if err != nil {
			return err
		}
		if err := s.handle(request); err != nil {
			return err
		}
	}
}

type server struct {
	phone  Phone
	log    *slog.Logger
	raw    *recordConn
	stream io.ReadWriter // raw, or the session's TLS
	tls    *tls.Conn     // nil outside a session
	config *tls.Config
	id     string // of the session
}

// handle answers one request and changes to or from TLS after it.
func (s *server) handle(request map[string]any) error {
	name, _ := request["Request"].(string)
	reply, err := s.answer(name, request)
	if reply == nil {
		reply = map[string]any{}
	}
	reply["Request"] = name
	if refusal, ok := errors.AsType[Error](err); ok {
		reply["Error"] = string(refusal)
	} else if err != nil && err != errGoodbye {
		return fmt.Errorf("lockdownd %q: %w", name, err)
	}
	s.log.Debug("lockdownd", "request", name, "domain", request["Domain"], "key", request["Key"],
		"service", request["Service"], "error", reply["Error"])
	if writeErr := wire.WriteXML(s.stream, reply); writeErr != nil {
		return writeErr
	}
	switch {
	case err == errGoodbye:
		return io.EOF
	case err != nil:
		return nil
	case name == "StartSession":
		return s.secure()
	case name == "StopSession":
		return s.unsecure()
	}
	return nil
}

func (s *server) answer(name string, request map[string]any) (map[string]any, error) {
	text := func(key string) string {
		v, _ := request[key].(string)
		return v
	}
	switch name {
	case "QueryType":
		return map[string]any{"Type": "com.apple.mobile.lockdown"}, nil
	case "GetValue", "SetValue", "RemoveValue":
		return s.value(name, text("Domain"), text("Key"), request["Value"])
	case "Pair", "ValidatePair", "Unpair":
		return s.pairing(name, request)
	case "StartSession":
		return s.startSession(text("HostID"))
	case "StopSession":
		return nil, s.stopSession(text("SessionID"))
	case "StartService":
		escrow, _ := request["EscrowBag"].([]byte)
		return s.startService(text("Service"), escrow)
	case "Goodbye":
		return map[string]any{"Result": "Success"}, errGoodbye
	}
	return nil, ErrInvalidRequest
}

// value echoes Domain and Key, whatever the outcome.
func (s *server) value(name, domain, key string, value any) (map[string]any, error) {
	reply := map[string]any{}
	if domain != "" {
		reply["Domain"] = domain
	}
	if key != "" {
		reply["Key"] = key
	}
	session := s.tls != nil
	if name == "GetValue" {
		v, err := s.phone.Get(domain, key, session)
		reply["Value"] = v
		return reply, err
	}
	if key == "" {
		return reply, ErrMissingKey
	}
	if name == "RemoveValue" {
		return reply, s.phone.Remove(domain, key, session)
	}
	if value == nil {
		return reply, ErrMissingValue
	}
	reply["Value"] = value
	return reply, s.phone.Set(domain, key, value, session)
}

func (s *server) pairing(name string, request map[string]any) (map[string]any, error) {
	dict, ok := request["PairRecord"].(map[string]any)
	if !ok {
		return nil, ErrMissingPairRecord
	}
	var r PairRecord
	r.HostID, _ = dict["HostID"].(string)
	r.SystemBUID, _ = dict["SystemBUID"].(string)
	r.DeviceCertificate, _ = dict["DeviceCertificate"].([]byte)
	r.HostCertificate, _ = dict["HostCertificate"].([]byte)
	r.RootCertificate, _ = dict["RootCertificate"].([]byte)
	if r.HostID == "" {
		return nil, ErrMissingHostID
	}
	switch name {
	case "ValidatePair":
		return nil, s.phone.ValidatePair(r.HostID)
	case "Unpair":
		return nil, s.phone.Unpair(r.HostID)
	}
	escrow, err := s.phone.Pair(r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"EscrowBag": escrow}, nil
}

func (s *server) startSession(hostID string) (map[string]any, error) {
	if s.tls != nil {
		return nil, ErrSessionActive
	}
	if hostID == "" {
		return nil, ErrMissingHostID
	}
	config, err := s.phone.Session(hostID)
	if err != nil {
		return nil, err
	}
	s.config, s.id = config, NewUUID()
	return map[string]any{"SessionID": s.id, "EnableSessionSSL": true}, nil
}

// secure turns the connection into TLS, with the phone as its server.
func (s *server) secure() error {
	s.raw.tls = true
	conn := tls.Server(s.raw, s.config)
	if err := s.raw.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	if err := conn.Handshake(); err != nil {
		return fmt.Errorf("session handshake: %w", err)
	}
	if err := s.raw.SetDeadline(time.Time{}); err != nil {
		return err
	}
	s.tls, s.stream = conn, conn
	return nil
}

func (s *server) stopSession(id string) error {
	switch {
	case s.tls == nil:
		return ErrSessionInactive
	case id == "":
		return ErrMissingSessionID
	case id != s.id:
		return ErrInvalidSessionID
	}
	return nil
}

// unsecure goes back to the clear. Hosts send close_notify and wait for ours,
// or simply go on, or leave.
func (s *server) unsecure() error {
	secure, err := s.raw.speaksTLS()
	if err != nil {
		return err
	}
	if secure {
		if _, err := io.Copy(io.Discard, s.tls); err != nil {
			return err
		}
		if err := s.tls.CloseWrite(); err != nil {
			return err
		}
		// CloseWrite lets the deadline pass, so that nobody writes any more.
		if err := s.raw.SetWriteDeadline(time.Time{}); err != nil {
			return err
		}
	}
	s.raw.tls = false
	s.tls, s.stream, s.config, s.id = nil, s.raw, nil, ""
	return nil
}

func (s *server) startService(service string, escrow []byte) (map[string]any, error) {
	if service == "" {
		return nil, ErrMissingService
	}
	reply := map[string]any{"Service": service}
	port, secure, err := s.phone.Start(service, escrow, s.config)
	if err != nil {
		return reply, err
	}
	reply["Port"] = port
	if secure {
		reply["EnableServiceSSL"] = true
	}
	return reply, nil
}

// NewUUID returns a random UUID in upper case, as Apple writes them.
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&15|0x40, b[8]&63|0x80
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
