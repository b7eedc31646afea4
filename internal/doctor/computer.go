package doctor

import (
	"io/fs"
	"net/netip"
	"slices"

	"russet"
)

// Computer is what can be seen of the computer without asking a program.
type Computer struct {
	System       string // a GOOS
	Distribution string // of Linux, as os-release says it: "debian", "fedora"; "" if unknown
	Systemd      bool
	Container    string // "Docker", "Podman", …; "" if this is none
	// Bus tells that the kernel shows what is plugged in; BusPhones are the
	// phones and tablets among it.
	Bus       bool
	BusPhones []BusPhone
	// Nodes tells that the files through which programs reach the bus are here
	// at all.
	Nodes   bool
	Program bool      // a usbmuxd is installed
	Daemons []Process // the usbmuxds and netmuxds that run
	// Records is the folder where usbmuxd keeps pairings, and RecordsTrouble
	// what keeps it from that; "" if nothing does.
	Records, RecordsTrouble string
	// AppleService is Apple's service on Windows: "running", "stopped" or
	// "missing"; "" elsewhere, and when it cannot be told.
	AppleService string
	Sleeps       bool // it can fall asleep
	Inhibits     bool // russet can keep it from that
	Serving      []Process
	Interfaces   []Interface
}

// BusPhone is a phone or tablet as the kernel sees it on the cable.
type BusPhone struct {
	Product string      // "iPhone", "iPad" or "iPod"
	UDID    russet.UDID // "" if the kernel does not tell
	// Recovery tells that it waits for new firmware, in recovery or DFU mode.
	Recovery bool
	// Data tells that it offers the interface through which its data go. A
	// locked phone takes that back after an hour (USB Restricted Mode).
	Data   bool
	Holder string // the driver that has that interface: "usbfs" is a program
	Node   Node
}

// Node is the file through which programs reach a device on the bus.
type Node struct {
	Path  string
	There bool
	UID   int // -1 when that is not known
	GID   int
	Mode  fs.FileMode
}

// Process is a program that runs.
type Process struct {
	PID    int
	Name   string
	UID    int
	Groups []int  // the effective one first
	Home   string // its RUSSET_HOME; "" if it has none, or that cannot be seen
	Seen   bool   // its environment could be read
}

// opens reports whether a process may read and write a node.
func (p Process) opens(n Node) bool {
	switch {
	case p.UID == 0 || n.UID < 0:
		return true
	case n.UID == p.UID:
		return n.Mode.Perm()&0o600 == 0o600
	case slices.Contains(p.Groups, n.GID):
		return n.Mode.Perm()&0o060 == 0o060
	default:
		return n.Mode.Perm()&0o006 == 0o006
	}
}

// Interface is a network interface that is up.
type Interface struct {
	Name      string
	Multicast bool
	Virtual   bool // one end of a pair, as containers get
	Prefixes  []netip.Prefix
}

// restartMux is how usbmuxd is started anew, as a command where one is known.
func (c Computer) restartMux() string {
	switch {
	case c.System == "darwin":
		return "restart the computer, it is part of macOS"
	case c.System == "windows":
		return `restart "Apple Mobile Device Service" in services.msc`
	case c.Container != "":
		return "sudo systemctl restart usbmuxd, on the computer that runs the container"
	case c.Distribution == "alpine":
		return "sudo rc-service usbmuxd restart"
	case c.Systemd:
		return "sudo systemctl restart usbmuxd"
	default:
		return "run usbmuxd as the system's administrator"
	}
}

// installMux is how usbmuxd is installed.
func (c Computer) installMux() string {
	switch c.Distribution {
	case "debian", "ubuntu", "raspbian", "linuxmint", "armbian":
		return "sudo apt install usbmuxd"
	case "fedora", "rhel", "centos", "rocky", "almalinux":
		return "sudo dnf install usbmuxd"
	case "arch", "manjaro":
		return "sudo pacman -S usbmuxd"
	case "alpine":
		return "sudo apk add usbmuxd"
	case "opensuse", "suse", "sles":
		return "sudo zypper install usbmuxd"
	default:
		return "install usbmuxd"
	}
}

// setClock completes "set the clock".
func (c Computer) setClock() string {
	if c.Systemd && c.Container == "" {
		return ": sudo timedatectl set-ntp true"
	}
	return ""
}

// plugged names the phones on the bus, each with the name it has for people.
func (r Readings) plugged(phones []BusPhone) string {
	var names []string
	for _, b := range phones {
		names = append(names, r.nameOf(b))
	}
	return list(names)
}

func (r Readings) nameOf(b BusPhone) string {
	for _, p := range r.Phones {
		if p.UDID == b.UDID && p.UDID != "" {
			return p.quoted()
		}
	}
	if b.Product == "iPad" {
		return "an iPad"
	}
	return "an " + b.Product
}
