package cli

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/service"
)

// greeting is what a service that has begun says of itself.
type greeting struct {
	Type     string        `json:"type"`
	Service  service.Hello `json:"service"`
	Settings string        `json:"settings"` // russet's own folder
	Stores   []string      `json:"stores"`
	Phones   []string      `json:"phones"`
	Todo     []todo        `json:"todo"`
}

// todo is something only a person can do.
type todo struct {
	What    string `json:"what"`
	Command string `json:"command,omitempty"`
}

// most is how many of them are named at once: who is told ten things does
// none.
const most = 2

// greet tells where everything is, what is seen, and what is left to do.
func (a *app) greet(ctx context.Context, h *host.Host, s *service.Service, place home.Place, hello service.Hello) {
	g := greeting{Type: "serving", Service: hello, Settings: place.Dir, Stores: []string{}, Phones: []string{}}
	made, err := a.firstStore(ctx, h)
	if err == nil {
		err = g.look(ctx, h, s, made, a.easiestChannel())
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.say(host.Explain(ctx, err))
	case a.json:
		err = writeJSON(a.out, g)
	default:
		err = a.printGreeting(g)
	}
	if err != nil && ctx.Err() == nil {
		a.log.Error("the greeting could not be written", "error", err)
	}
}

// firstStore makes a store when there is none: a backup at night asks nobody.
func (a *app) firstStore(ctx context.Context, h *host.Host) (made bool, err error) {
	stores, err := h.Stores()
	if err != nil || len(stores) > 0 {
		return false, err
	}
	_, made, err = h.StoreFor(ctx, "")
	return made, err
}

// look gathers what the greeting tells. channel is the command that adds the
// easiest way to be told.
func (g *greeting) look(ctx context.Context, h *host.Host, s *service.Service, made bool, channel string) error {
	st, err := s.Status(ctx)
	if err != nil {
		return err
	}
	stores, err := h.Stores()
	if err != nil {
		return err
	}
	for _, store := range stores {
		text := store.Name + ", " + strings.TrimPrefix(store.URL, "folder:")
		if made {
			text += " (made just now; another place: russet store add)"
		}
		g.Stores = append(g.Stores, text)
	}
	for _, d := range st.Devices {
		text := d.Decision.Text
		if d.Present && !d.Paired {
			text = cmp.Or(d.Problem, "it does not trust this computer yet")
		}
		g.Phones = append(g.Phones, described(d)+": "+text)
	}
	channels, err := h.Channels()
	if err != nil {
		return err
	}
	example := ""
	if len(channels) == 0 {
		example = channel
	}
	g.Todo = todos(st, example)
	return nil
}

// described is a device with what tells it from others of its name, its model and
// its system: "Anna's iPhone (…D17F, iPhone 16 Pro, iOS 18.6)".
func described(d service.DeviceStatus) string {
	var parts []string
	if apart, ok := strings.CutPrefix(d.Called, d.Name+" ("); ok {
		parts = append(parts, strings.TrimSuffix(apart, ")"))
	}
	if m := model(d.Device); m != "" && !slices.Contains(parts, m) {
		parts = append(parts, m)
	}
	if d.IOS != "" {
		parts = append(parts, "iOS "+d.IOS)
	}
	if len(parts) == 0 {
		return cmp.Or(d.Name, d.Called)
	}
	return d.Name + " (" + strings.Join(parts, ", ") + ")"
}

// todos are the things left to do, the most needed first. channel is the command
// with which somebody is told; "" if that is so already.
func todos(st service.Status, channel string) []todo {
	list := []todo{}
	add := func(command, format string, args ...any) {
		if len(list) < most {
			list = append(list, todo{What: fmt.Sprintf(format, args...), Command: command})
		}
	}
	for _, p := range st.Problems {
		add("russet doctor", "%s%s.", strings.ToUpper(p[:min(1, len(p))]), strings.TrimSuffix(p[min(1, len(p)):], "."))
	}
	paired := false
	for _, d := range st.Devices {
		paired = paired || d.Paired || !d.Seen.IsZero()
	}
	for _, d := range st.Devices {
		if d.Present && d.Untrusted && d.Connection == "network" {
			add("russet pair "+nameFor(d), "%s seems to be on the network, and no longer to trust this computer. Connect its cable once, unlock it, and type:",
				quoted(cmp.Or(d.Called, d.Name)))
		} else if d.Present && d.Untrusted {
			add("russet pair "+nameFor(d), "%s does not trust this computer yet. Unlock it, tap Trust, and type its passcode:", quoted(cmp.Or(d.Called, d.Name)))
		}
	}
	if len(st.Devices) == 0 || (!paired && len(list) == 0) {
		add("russet pair", "No phone is known yet. Plug one in with its cable, unlock it, and type:")
	}
	for _, s := range st.Stores {
		if s.Problem != "" {
			add("russet store status "+s.Name, "The store %q cannot be used: %s.", s.Name, strings.TrimSuffix(s.Problem, "."))
		}
	}
	for _, al := range st.Alarms {
		if al.Kind == notify.Encryption {
			add("", "%s. %s", al.Title, al.Next)
		}
	}
	if channel != "" {
		add(channel, "Nobody is told when a phone needs its passcode or a backup fails. Choose how, for example:")
	}
	for _, d := range st.Devices {
		if d.Present && d.Paired && !d.Encrypted && !d.EncryptedUnknown {
			add("russet encryption on "+nameFor(d),
				"%s keeps saved logins, Health and call history out of its backups until they are encrypted:", quoted(cmp.Or(d.Called, d.Name)))
		}
	}
	return list
}

// easiestChannel is the command that adds a way to be told: on the desktop, if
// there is one.
func (a *app) easiestChannel() string {
	if runtime.GOOS == "linux" && a.getenv("DISPLAY")+a.getenv("WAYLAND_DISPLAY") == "" {
		return "russet notify add phone ntfy"
	}
	return "russet notify add me desktop"
}

// nameFor is a device as a person can type it: its name, unless another device
// has the same or a shell would make something else of it.
func nameFor(d service.DeviceStatus) string {
	safe := d.Name != "" && cmp.Or(d.Called, d.Name) == d.Name && !strings.ContainsFunc(d.Name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" '’-_.,()", r)
	})
	switch {
	case !safe || strings.HasPrefix(d.Name, "-"):
		return string(d.UDID)
	case strings.ContainsAny(d.Name, " '’,()"):
		return `"` + d.Name + `"`
	default:
		return d.Name
	}
}

func (a *app) printGreeting(g greeting) error {
	var b strings.Builder
	fmt.Fprintln(&b, "russet backs up by itself from now on. Ctrl-C ends it; what was received is kept.")
	row := func(name string, lines []string, none string) {
		if len(lines) == 0 {
			lines = []string{none}
		}
		for i, line := range lines {
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(&b, "  %-9s %s\n", name, plain(line))
		}
	}
	row("page", []string{g.Service.Page}, "")
	row("backups", g.Stores, "there is no store")
	row("settings", []string{g.Settings}, "")
	row("phones", g.Phones, "none seen yet")
	if len(g.Todo) > 0 {
		fmt.Fprintln(&b, "Left to do:")
	}
	for i, t := range g.Todo {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, plain(t.What))
		if t.Command != "" {
			fmt.Fprintf(&b, "       %s\n", plain(t.Command))
		}
	}
	_, err := fmt.Fprint(a.out, b.String())
	return err
}
