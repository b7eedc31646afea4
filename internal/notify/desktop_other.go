//go:build !darwin && !windows

package notify

import (
	"context"
	"errors"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"russet"
)

const (
	notifications     = "org.freedesktop.Notifications"
	notificationsPath = "/org/freedesktop/Notifications"
)

// desktop shows a message as
// https://specifications.freedesktop.org/notification-spec/ says, over the
// session's own bus.
func (t talk) desktop(ctx context.Context, m Message) error {
	conn, err := sessionBus(ctx)
	if err != nil {
		return noDesktop("no desktop session is reachable: "+err.Error(), err)
	}
	defer conn.Close()
	desk := conn.Object(notifications, notificationsPath)
	var can []string
	if err := desk.CallWithContext(ctx, notifications+".GetCapabilities", 0).Store(&can); err != nil {
		return noDesktop("nothing on this desktop shows messages: "+err.Error(), err)
	}
	body := cut(m.Body(), maxBody)
	// A name is no markup. dunst 1.9 takes tags for markup although it does not
	// say that it knows any, so that brackets become others there.
	if slices.Contains(can, "body-markup") {
		body = html.EscapeString(body)
	} else {
		body = strings.NewReplacer("<", "‹", ">", "›").Replace(body)
	}
	urgency := byte(1)
	if m.Urgent {
		urgency = 2 // it stays until somebody closes it
	}
	hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(urgency), "category": dbus.MakeVariant("device")}
	var id uint32
	err = desk.CallWithContext(ctx, notifications+".Notify", 0,
		"russet", uint32(0), "", cut(m.Title, maxTitle), body, []string{}, hints, int32(-1)).Store(&id)
	if err != nil {
		return &trouble{kind: russet.Failed, what: "the desktop does not show the message: " + err.Error(), hint: "see whether it shows those of other programs", err: err}
	}
	return nil
}

// sessionBus connects to the bus of the session. Without one the library would
// start a bus of its own, on which nobody listens.
func sessionBus(ctx context.Context) (*dbus.Conn, error) {
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if dir := os.Getenv("XDG_RUNTIME_DIR"); address == "" && dir != "" {
		if bus := filepath.Join(dir, "bus"); exists(bus) {
			address = "unix:path=" + dbus.EscapeBusAddressValue(bus)
		}
	}
	if address == "" {
		return nil, errors.New("DBUS_SESSION_BUS_ADDRESS is not set")
	}
	return dbus.Connect(address, dbus.WithContext(ctx))
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
