package vphone

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"russet/vphone/agent"
	"russet/vphone/internal/afc"
	"russet/vphone/internal/wire"
)

// A service is something lockdownd starts.
type service struct {
	name        string
	sessionless bool // also for hosts that are not paired, and then in the clear
	sealed      bool // wants the EscrowBag while the screen is locked
	serve       func(ctx context.Context, p *Phone, conn net.Conn, from guest) error
}

// services lists what this phone has.
func services() []service {
	return []service{
		{name: "com.apple.mobilebackup2", sealed: true, serve: serveBackup},
		{name: "com.apple.afc", serve: serveAFC},
		{name: "com.apple.mobile.notification_proxy", serve: serveNotices},
		{name: "com.apple.mobile.insecure_notification_proxy", sessionless: true, serve: serveFewNotices},
		{name: "com.apple.mobile.installation_proxy", serve: serveInstallation},
		{name: "com.apple.springboardservices", serve: serveSpringboard},
		{name: "com.apple.mobile.diagnostics_relay", serve: serveDiagnostics},
		{name: heartbeatService, serve: serveHeartbeat},
	}
}

func serviceNamed(name string) (service, bool) {
	for _, s := range services() {
		if s.name == name {
			return s, true
		}
	}
	return service{}, false
}

// serveBackup hands the connection to the backup agent. The applications are
// looked up first: a restore may be writing the disk afterwards.
func serveBackup(ctx context.Context, p *Phone, conn net.Conn, _ guest) error {
	if _, err := p.installed(); err != nil {
		return err
	}
	return agent.Serve(ctx, conn, p)
}

func serveAFC(_ context.Context, p *Phone, conn net.Conn, _ guest) error {
	root, err := os.OpenRoot(p.MediaDir())
	if err != nil {
		return err
	}
	defer root.Close()
	info := func() afc.Info {
		free, err := p.disk.Free()
		if err != nil {
			p.log.Warn("free space of the phone", "error", err)
		}
		total, _ := usage(free)["TotalDataCapacity"].(int64)
		return afc.Info{Model: p.Identity().ProductType, Total: total, Free: free}
	}
	return afc.Serve(conn, root, &p.mediaLocks, info, p.log)
}

func serveNotices(_ context.Context, p *Phone, conn net.Conn, _ guest) error {
	return p.relayNotices(conn, func(string) bool { return true })
}

// serveFewNotices is what usbmuxd uses before it is trusted. Which names a
// real phone allows there is not known beyond those two that usbmuxd observes.
func serveFewNotices(_ context.Context, p *Phone, conn net.Conn, _ guest) error {
	return p.relayNotices(conn, func(name string) bool {
		return strings.HasPrefix(name, "com.apple.mobile.lockdown.")
	})
}

func (p *Phone) relayNotices(conn net.Conn, allowed func(name string) bool) error {
	o := p.notices.join()
	defer p.notices.leave(o)
	go func() {
		for name := range o.queue {
			// A connection that is gone shows in the loop below.
			_ = wire.WriteXML(conn, map[string]any{"Command": "RelayNotification", "Name": name})
		}
	}()
	for {
		msg, err := wire.Read(conn)
		if err != nil {
			return err
		}
		name, _ := msg["Name"].(string)
		switch msg["Command"] {
		case "PostNotification":
			if allowed(name) {
				p.PostNotification(name)
			}
		case "ObserveNotification":
			if allowed(name) {
				p.notices.observe(o, name)
			}
		case "Shutdown":
			return wire.WriteXML(conn, map[string]any{"Command": "ProxyDeath"})
		}
	}
}

// serveDiagnostics is diagnostics_relay.
func serveDiagnostics(_ context.Context, p *Phone, conn net.Conn, _ guest) error {
	for {
		msg, err := wire.Read(conn)
		if err != nil {
			return err
		}
		request, _ := msg["Request"].(string)
		reply := map[string]any{"Status": "Success"}
		switch request {
		case "MobileGestalt":
			reply["Diagnostics"] = map[string]any{"MobileGestalt": p.gestalt(msg["MobileGestaltKeys"])}
		case "IORegistry":
			reply["Diagnostics"] = map[string]any{"IORegistry": p.registry(msg["EntryClass"])}
		case "All", "WiFi", "GasGauge", "NAND", "HDMI":
			reply["Diagnostics"] = map[string]any{}
		case "Restart", "Shutdown", "Sleep", "Goodbye":
		default:
			reply["Status"] = "UnknownRequest"
		}
		if err := wire.WriteXML(conn, reply); err != nil {
			return err
		}
		if done, err := p.switched(request, msg["WaitForDisconnect"] == true, conn); done {
			return err
		}
	}
}

// switched does what ends a diagnostics connection. A host that wants to may
// hang up before the phone goes.
func (p *Phone) switched(request string, wait bool, conn net.Conn) (done bool, err error) {
	if wait && request != "Goodbye" {
		if _, err := wire.Read(conn); err == nil {
			return true, fmt.Errorf("more requests after %q", request)
		}
	}
	switch request {
	case "Goodbye":
		return true, nil
	case "Restart":
		p.Reboot()
		return true, nil
	case "Shutdown":
		p.Unplug()
		return true, nil
	case "Sleep":
		p.Lock()
	}
	return false, nil
}

// gestalt answers no more since iOS 17.4.
func (p *Phone) gestalt(keys any) map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state.Identity.atLeast(17, 4) {
		return map[string]any{"Status": "MobileGestaltDeprecated"}
	}
	known := p.ownValues()
	known["PasswordConfigured"] = p.state.Passcode != ""
	answer := map[string]any{"Status": "Success"}
	list, _ := keys.([]any)
	for _, key := range list {
		if name, ok := key.(string); ok && known[name] != nil {
			answer[name] = known[name]
		}
	}
	return answer
}
