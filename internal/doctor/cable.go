package doctor

import (
	"slices"
	"strings"

	"russet"
)

// Mux is how usbmuxd answers.
type Mux struct {
	Addr    string
	Chosen  bool // USBMUXD_SOCKET_ADDRESS says so
	State   MuxState
	Why     string // the error, for a state that has one
	Group   string // that may use the socket, when this user may not
	Devices []russet.UDID
}

// MuxState is how usbmuxd answers.
type MuxState string

// The states.
const (
	MuxAnswers   MuxState = "answers"
	MuxAbsent    MuxState = "absent"    // nothing is there
	MuxStale     MuxState = "stale"     // its socket is there, and nobody listens
	MuxForbidden MuxState = "forbidden" // this user may not speak to it
	MuxSilent    MuxState = "silent"    // it takes a call and says nothing
	MuxStrange   MuxState = "strange"   // what answers is no usbmuxd
)

func cableCases() []Case {
	return []Case{
		{"usbmuxd", true, 0, "usbmuxd answers at {addr}", ""},
		{
			"usbmuxd-elsewhere", false, russet.NotConnected, "usbmuxd does not answer at {addr}",
			"USBMUXD_SOCKET_ADDRESS says that it is there: start it there, or unset the variable",
		},
		{
			"usbmuxd-missing", false, russet.NotConnected, "usbmuxd, the program that carries the cable, is not installed{seen}",
			"{install}, then plug the phone in again",
		},
		{"usbmuxd-stopped", false, russet.NotConnected, "usbmuxd, the program that carries the cable, does not run{seen}", "start it: {restart}"},
		{
			"usbmuxd-forbidden", false, russet.NotConnected, "usbmuxd runs, but you may not speak to it: {addr} is closed to you",
			"{join}",
		},
		{"usbmuxd-silent", false, russet.Failed, "usbmuxd takes calls at {addr} and does not answer them", "restart it: {restart}"},
		{"usbmuxd-strange", false, russet.Failed, "what answers at {addr} does not speak like usbmuxd: {why}", "{restart}"},
		{
			"usb-none", false, russet.NotConnected, "this computer shows no USB at all",
			"hand the phone through to it, if it is a virtual machine; or let USBMUXD_SOCKET_ADDRESS name a computer that has the cable",
		},
		{"usbmuxd-idle", true, 0, "usbmuxd is installed, and starts when a phone is plugged in", ""},
		{"usbmuxd-unneeded", true, 0, "usbmuxd does not run; without it phones are reached over Wi-Fi only, and a new one cannot be paired", ""},
		{
			"apple-service-missing", false, russet.NotConnected, "Apple's device service, which carries the cable on Windows, is not installed",
			`install "Apple Devices" from the Microsoft Store (or iTunes) and plug the phone in again`,
		},
		{
			"apple-service-stopped", false, russet.NotConnected, "Apple's device service, which carries the cable on Windows, does not run",
			`start "Apple Mobile Device Service" in services.msc, or open the Apple Devices app once`,
		},
		{
			"container-no-cable", false, russet.NotConnected, "this container cannot see the cable{seen}",
			"hand in usbmuxd's socket: -v /var/run/usbmuxd:/var/run/usbmuxd; over Wi-Fi it needs none of this",
		},
		{
			"container-stale", false, russet.NotConnected, "usbmuxd's socket in this container is an old one: usbmuxd was started again since the container was",
			"restart the container; docs/service.md tells how to let usbmuxd stay, so that it does not come again",
		},
		{
			"container-frozen", false, russet.NotConnected, "{phone} was plugged in after this container was started, which shows only what was there then",
			"give it the folder instead of --device: -v /dev/bus/usb:/dev/bus/usb --device-cgroup-rule \"c 189:* rmw\"",
		},
		{
			"usb-restricted", false, russet.Locked, "{phone} is on the cable and lets no data through: a phone that was locked for an hour hides from computers",
			"unlock it once, and keep it unlocked for a moment",
		},
		{
			"usb-recovery", false, russet.Unsupported, "a phone on the cable is in recovery mode: it waits for new firmware",
			"restart it: hold its buttons until the apple shows; if it stays like that, update it with Finder or the Apple Devices app",
		},
		{
			"usb-forbidden", false, russet.NotConnected, "the kernel sees {phone} on the cable, but usbmuxd may not open it ({node})",
			"sudo udevadm control --reload && sudo udevadm trigger, then plug it in again",
		},
		{
			"usb-busy", false, russet.NotConnected, "{phone} is on the cable, and another program holds it{others}",
			"let one usbmuxd run alone: end the others, leftover containers too, then plug the phone in again",
		},
		{
			"usb-unnoticed", false, russet.NotConnected, "{phone} is on the cable, and usbmuxd has not noticed it",
			"restart usbmuxd: {restart} (some systems on ARM boards need that whenever a phone was plugged in)",
		},
		{
			"cable-empty", false, russet.NotConnected, "no iPhone or iPad is connected",
			"plug it in and unlock it; some cables only charge: try another cable or socket",
		},
		{
			"records-unwritable", false, russet.Usage, "usbmuxd cannot keep pairings in {dir}: {why}",
			"make that folder writable for it (a container wants it without :ro); until then phones ask for trust again and again",
		},
	}
}

func examineCable(r Readings) []Finding {
	if r.Mux.State != MuxAnswers {
		return examineMux(r)
	}
	all := []Finding{say("usbmuxd", "addr", r.Mux.Addr)}
	if c := r.Computer; c.RecordsTrouble != "" {
		all = append(all, say("records-unwritable", "dir", c.Records, "why", c.RecordsTrouble))
	}
	hidden := r.hidden()
	all = append(all, examineHidden(r, hidden)...)
	switch {
	case len(hidden) > 0, slices.ContainsFunc(r.Phones, func(p Phone) bool { return p.Here }):
	case r.Computer.Container != "" && !r.Mux.Chosen && !r.Computer.Nodes:
		// The usbmuxd in the container has no bus to look at.
		all = append(all, say("container-no-cable", "seen", ""))
	case len(r.away()) == 0:
		all = append(all, say("cable-empty"))
	}
	return all
}

// examineMux says why usbmuxd does not answer. Nobody needs it who reaches all
// phones over Wi-Fi.
func examineMux(r Readings) []Finding {
	c, m := r.Computer, r.Mux
	seen := ""
	if len(c.BusPhones) > 0 {
		seen = ", although the kernel sees " + r.plugged(c.BusPhones) + " on the cable"
	}
	switch {
	case m.State == MuxForbidden:
		return []Finding{say("usbmuxd-forbidden", "addr", m.Addr, "join", joinText(m.Group, strings.TrimPrefix(m.Addr, "UNIX:")))}
	case m.State == MuxSilent:
		return []Finding{say("usbmuxd-silent", "addr", m.Addr, "restart", c.restartMux())}
	case m.State == MuxStrange:
		restart := "start usbmuxd there: " + c.restartMux()
		if m.Chosen {
			restart = "USBMUXD_SOCKET_ADDRESS says that it is there: correct it, or unset it"
		}
		return []Finding{say("usbmuxd-strange", "addr", m.Addr, "why", m.Why, "restart", restart)}
	case m.State == MuxStale && c.Container != "":
		return []Finding{say("container-stale")}
	case m.Chosen:
		return []Finding{say("usbmuxd-elsewhere", "addr", m.Addr)}
	case r.cableless():
		return []Finding{say("usbmuxd-unneeded")}
	case c.System == "windows" && c.AppleService == "stopped":
		return []Finding{say("apple-service-stopped")}
	case c.System == "windows":
		return []Finding{say("apple-service-missing")}
	case c.Container != "" && !c.Nodes:
		return []Finding{say("container-no-cable", "seen", strings.Replace(seen, "on the cable", "on it", 1))}
	case c.System == "darwin":
		return []Finding{say("usbmuxd-stopped", "seen", seen, "restart", c.restartMux())}
	case c.System == "linux" && !c.Bus:
		return []Finding{say("usb-none")}
	case !c.Program:
		return []Finding{say("usbmuxd-missing", "seen", seen, "install", c.installMux())}
	case len(c.BusPhones) == 0 && c.Systemd:
		// udev starts it with the first phone, and it ends with the last.
		all := []Finding{say("usbmuxd-idle")}
		if len(r.away()) == 0 {
			all = append(all, say("cable-empty"))
		}
		return all
	default:
		return []Finding{say("usbmuxd-stopped", "seen", seen, "restart", c.restartMux())}
	}
}

// cableless reports whether the cable is not what these phones are used with:
// all are here without it, or were last met without it.
func (r Readings) cableless() bool {
	onCable := func(p Phone) bool {
		if p.Here {
			return p.Connection == "usb"
		}
		return !p.Met.IsZero() && !p.Met.After(p.MetCable)
	}
	met := slices.ContainsFunc(r.Phones, func(p Phone) bool { return p.Here || !p.Met.IsZero() })
	return met && len(r.Computer.BusPhones) == 0 && !slices.ContainsFunc(r.Phones, onCable)
}

func joinText(group, path string) string {
	if group == "" || group == "root" {
		return "run russet as a user who may, or open it to all, as usbmuxd does by itself: sudo chmod 666 " + path
	}
	return "join its group, then log in again: sudo usermod -aG " + group + " \"$USER\""
}

// hidden are the phones that the kernel sees and usbmuxd does not. A usbmuxd
// that somebody chose may have another computer's bus.
func (r Readings) hidden() []BusPhone {
	if r.Mux.Chosen {
		return nil
	}
	var hidden []BusPhone
	unnamed := len(r.Mux.Devices) // a kernel that does not tell UDIDs still counts
	for _, b := range r.Computer.BusPhones {
		switch {
		case b.UDID == "" && unnamed > 0 && !b.Recovery:
			unnamed--
		case b.UDID == "" || !slices.Contains(r.Mux.Devices, b.UDID):
			hidden = append(hidden, b)
		}
	}
	if r.Only != "" {
		hidden = slices.DeleteFunc(hidden, func(b BusPhone) bool { return b.UDID != "" && b.UDID != r.Only })
	}
	return hidden
}

// examineHidden says why usbmuxd does not see phones that are on the cable.
func examineHidden(r Readings, hidden []BusPhone) []Finding {
	var all []Finding
	for _, b := range hidden {
		f := r.hides(b)
		f.Device = b.UDID
		all = append(all, f)
	}
	return all
}

func (r Readings) hides(b BusPhone) Finding {
	c := r.Computer
	name := r.nameOf(b)
	daemon := slices.IndexFunc(c.Daemons, func(p Process) bool { return !p.opens(b.Node) })
	switch {
	case b.Recovery:
		return say("usb-recovery")
	case !b.Data:
		return say("usb-restricted", "phone", name)
	case c.Container != "" && !c.Nodes && len(c.Daemons) > 0:
		return say("container-no-cable", "seen", ", although the kernel sees "+name+" on it")
	case c.Container != "" && c.Nodes && !b.Node.There:
		return say("container-frozen", "phone", name)
	case daemon >= 0 && b.Node.There:
		return say("usb-forbidden", "phone", name, "node", b.Node.Path)
	case b.Holder == "usbfs" || len(c.Daemons) > 1:
		var names []string
		for _, p := range c.Daemons {
			names = append(names, p.Name)
		}
		others := ""
		if len(names) > 1 {
			others = ": " + list(names) + " run side by side"
		}
		return say("usb-busy", "phone", name, "others", others)
	default:
		return say("usb-unnoticed", "phone", name, "restart", c.restartMux())
	}
}
