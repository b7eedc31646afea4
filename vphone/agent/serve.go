package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"russet/vphone/agent/internal/link"
)

// errSession ends a session without a Response.
var errSession = errors.New("the agent ended the session")

// session is one connection of a host.
type session struct {
	ctx    context.Context
	phone  Phone
	id     Identity
	faults *Faults
	conn   *faultConn
	link   *link.Conn
	log    *slog.Logger
}

// Serve speaks mobilebackup2 on one connection, whose TLS is already in place,
// until either side ends it. It closes the connection. It returns nil when the
// host said goodbye or hung up between two operations.
func Serve(ctx context.Context, conn net.Conn, p Phone) error {
	faults := p.Faults()
	fc := &faultConn{Conn: conn, ctx: ctx, phone: p, faults: faults}
	s := &session{
		ctx: ctx, phone: p, id: p.Identity(), faults: faults, conn: fc,
		link: link.New(fc, link.Hooks{Message: fc.message}), log: p.Logger(),
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	faults.count(func(c *Counters) { c.Sessions++ })

	if pause := faults.Config().SlowStart; pause > 0 {
		if err := fc.pause(pause); err != nil {
			return err
		}
	}
	if err := s.link.Open(); err != nil {
		return err
	}
	for {
		command, err := s.link.Process()
		if errors.Is(err, link.ErrDisconnected) || errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = s.handle(command)
		}
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
}

// handle does what the host asks for and answers it.
func (s *session) handle(command map[string]any) error {
	name, _ := command["MessageName"].(string)
	s.log.Info("backup agent", "command", name)
	response := map[string]any{}
	var err error
	switch name {
	case "Hello":
		response, err = s.hello(command)
	case "Backup":
		err = s.alone(func() error { return s.backup(command) })
	case "Restore":
		err = s.alone(func() error { return s.restore(command) })
	case "ChangePassword":
		err = s.alone(func() error { return s.changePassword(command) })
	case "Info", "List", "Unback", "Extract":
		err = s.legacy(name, command)
	case "EnableCloudBackup":
		err = s.cloudBackup()
	case "EraseDevice":
		err = fail(codePolicy, nil, "Erasing is not allowed") // the code is a guess [I]
	case "Remove":
		err = fail(codeGeneric, nil, "Remove is no longer supported") // [D]
	default:
		// An unknown command ends the session. [D]
		return fmt.Errorf("%w: unknown command %.60q", errSession, name)
	}
	if err := s.respond(name, response, err); err != nil {
		return err
	}
	if name == "Restore" && err == nil && option(options(command), "RestoreShouldReboot", true) {
		return s.reboot()
	}
	return nil
}

// reboot gives the host a moment to say goodbye.
func (s *session) reboot() error {
	const patience = 2 * time.Second
	if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("before the reboot: %w", err)
	}
	_, err := s.link.Process()
	s.phone.Reboot()
	if err == nil || errors.Is(err, link.ErrProtocol) {
		return fmt.Errorf("%w: the phone reboots", errSession)
	}
	return nil
}

// respond ends an operation, unless the connection did.
func (s *session) respond(name string, response map[string]any, err error) error {
	config := s.faults.Config()
	if err == nil && name != "Hello" {
		if config.NoResponse {
			return errors.Join(s.link.Send("DLMessageDisconnect", "Session complete"), errSession)
		}
		if config.FinalError != 0 {
			err = fail(config.FinalError, nil, "A fault was asked for")
		}
	}
	response["ErrorCode"] = 0
	if err != nil {
		f, ok := errors.AsType[*failure](err)
		if !ok {
			return err
		}
		s.log.Warn("backup agent", "command", name, "error", err)
		response["ErrorCode"] = f.code
		response["ErrorDescription"] = f.Error()
	}
	return s.link.Respond(response)
}

// alone runs an operation when no other session's runs: they share the cache.
func (s *session) alone(operation func() error) error {
	done, err := s.faults.enter(s.ctx)
	if err != nil {
		return err
	}
	defer done()
	return operation()
}

// hello picks the highest protocol version both sides know.
func (s *session) hello(command map[string]any) (map[string]any, error) {
	theirs, _ := command["SupportedProtocolVersions"].([]any)
	best := 0.0
	for _, v := range theirs {
		n, ok := v.(float64)
		if i, isInt := v.(int64); isInt {
			n, ok = float64(i), true
		}
		if ok && (n == 2.0 || n == 2.1) {
			best = max(best, n)
		}
	}
	if best == 0 {
		return map[string]any{}, fail(codeGeneric, nil, "No common supported protocol version") // [D]
	}
	return map[string]any{"ProtocolVersion": best}, nil
}

// options returns the Options of a command.
func options(command map[string]any) map[string]any {
	o, _ := command["Options"].(map[string]any)
	return o
}

// option reads a switch, with what the agent assumes where it is absent.
func option(options map[string]any, name string, absent bool) bool {
	switch v := options[name].(type) {
	case bool:
		return v
	case int64:
		return v != 0
	}
	return absent
}

// target checks that the host means this phone. Phones abort on another
// identifier [D]; an error says more.
func (s *session) target(command map[string]any) error {
	if id, _ := command["TargetIdentifier"].(string); id != s.id.UDID {
		return fail(codeGeneric, nil, "Target identifier %.60q is not this device", id)
	}
	return nil
}

// allowed checks what can forbid both backups and restores.
func (s *session) allowed() error {
	if s.phone.Condition(ManagedOff) {
		return fail(codePolicy, nil, "Disallowed by device management")
	}
	if s.phone.Condition(ICloudRestore) {
		return fail(codeICloud, nil, "An iCloud restore is in progress")
	}
	return nil
}

// passcode shows the sheet. Nobody answering means 208.
func (s *session) passcode(reason string) error {
	err := s.phone.AskPasscode(s.ctx, reason)
	if s.faults.Config().PasscodeGone {
		err = ErrLocked
	}
	if errors.Is(err, ErrLocked) {
		return fail(codeLocked, nil, "Device locked")
	}
	return err
}

// uploadSmall uploads a file made in memory, in a request of its own.
func (s *session) uploadSmall(device, host string, content []byte, progress float64) error {
	if err := s.link.StartUpload(progress, 0); err != nil {
		return err
	}
	if err := s.link.Raw(link.AppendNames(nil, device, host)); err != nil {
		return err
	}
	config := s.faults.Config()
	for block := range slices.Chunk(content, config.frame()) {
		var head [link.FrameHead]byte
		link.PutFrameHead(head[:], len(block))
		if err := errors.Join(s.link.Raw(head[:]), s.link.Raw(block)); err != nil {
			return err
		}
	}
	if err := s.link.Raw(link.AppendEnd(nil)); err != nil {
		return err
	}
	s.faults.sentFile(host, int64(len(content)))
	return s.endUpload()
}

func (s *session) endUpload() error {
	status, err := s.link.EndUpload()
	if err == nil {
		err = status.Err("DLMessageUploadFiles")
	}
	return writing(err, "Multiple errors uploading files")
}
