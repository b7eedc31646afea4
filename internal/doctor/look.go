package doctor

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Look reads what can be seen of this computer without asking a program. root
// is where its /sys, /proc and /dev begin: "/", but for tests.
func Look(root string) Computer {
	w := world(root)
	c := Computer{
		System: runtime.GOOS, Distribution: w.distribution(), Systemd: w.exists("run/systemd/system"), Container: w.container(),
		Nodes: w.exists("dev/bus/usb"), Program: w.program(),
		AppleService: appleService(), Sleeps: w.sleeps(), Inhibits: runtime.GOOS != "linux" || w.findProgram("systemd-inhibit"),
	}
	c.Bus, c.BusPhones = w.bus()
	for _, p := range w.processes() {
		if p.Name == serveName {
			c.Serving = append(c.Serving, p)
		} else {
			c.Daemons = append(c.Daemons, p)
		}
	}
	c.Records, c.RecordsTrouble = w.records(c.Daemons)
	c.Interfaces = interfaces()
	return c
}

// world is where the system's own folders begin.
type world string

func (w world) path(name string) string { return filepath.Join(string(w), filepath.FromSlash(name)) }

func (w world) exists(name string) bool {
	_, err := os.Stat(w.path(name))
	return err == nil
}

// most is how much of a file of the system is read.
const most = 1 << 20

func (w world) read(name string) string {
	f, err := os.Open(w.path(name))
	if err != nil {
		return ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return ""
	}
	return string(data)
}

// word reads a file that holds one line.
func (w world) word(name string) string { return strings.TrimRight(w.read(name), "\x00\n ") }

// distribution is the name of this Linux, or of what it is like.
func (w world) distribution() string {
	var id, like string
	for line := range strings.Lines(w.read("etc/os-release")) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			id = value
		case "ID_LIKE":
			like = value
		}
	}
	for _, name := range append([]string{id}, strings.Fields(like)...) {
		if (Computer{Distribution: name}).installMux() != (Computer{}).installMux() {
			return name
		}
	}
	return id
}

// container says what kind of container this is.
func (w world) container() string {
	switch kind := w.word("run/systemd/container"); {
	case w.exists(".dockerenv"):
		return "Docker"
	case w.exists("run/.containerenv"):
		return "Podman"
	case kind != "":
		return kind
	default:
		return w.told()
	}
}

// told is what the variable "container" says, by which engines and systemd tell
// programs that they are in one. Podman's file is not there when all that lies in
// the container is read-only.
func (w world) told() string {
	environ, err := os.ReadFile(w.path("proc/self/environ"))
	if err != nil {
		return ""
	}
	for v := range strings.SplitSeq(string(environ), "\x00") {
		if kind, ok := strings.CutPrefix(v, "container="); ok && kind == "podman" {
			return "Podman"
		} else if ok {
			return kind
		}
	}
	return ""
}

func (w world) program() bool {
	return w.findProgram("usbmuxd") || w.findProgram("usbmuxd2") || w.findProgram("netmuxd")
}

// findProgram looks where systems keep programs: those of daemons are often
// not in a person's path.
func (w world) findProgram(name string) bool {
	for _, dir := range []string{"usr/sbin", "usr/bin", "usr/local/sbin", "usr/local/bin", "sbin", "bin", "run/current-system/sw/bin"} {
		if w.exists(dir + "/" + name) {
			return true
		}
	}
	return false
}

// sleeps reports whether the computer can be put to sleep.
func (w world) sleeps() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	states := strings.Fields(w.read("sys/power/state"))
	return slices.Contains(states, "mem") || slices.Contains(states, "disk")
}

// A mount is one line of mountinfo.
type mount struct {
	point, kind string
	readOnly    bool
}

// mountOf finds the file system a folder lies on.
func (w world) mountOf(dir string) mount {
	return mountIn(w.read("proc/self/mountinfo"), dir)
}

// mountIn finds the last of the mounts that are closest above a folder: later
// ones cover earlier ones.
func mountIn(mountinfo, dir string) mount {
	var best mount
	lines := bufio.NewScanner(strings.NewReader(mountinfo))
	lines.Buffer(nil, most)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		dash := slices.Index(fields, "-")
		if dash < 6 || dash+3 >= len(fields) {
			continue
		}
		m := mount{point: unescape(fields[4]), kind: fields[dash+1]}
		m.readOnly = slices.Contains(strings.Split(fields[5], ","), "ro") || slices.Contains(strings.Split(fields[dash+3], ","), "ro")
		if below(dir, m.point) && len(m.point) >= len(best.point) {
			best = m
		}
	}
	return best
}

func below(dir, point string) bool {
	rest, ok := strings.CutPrefix(dir, strings.TrimRight(point, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// unescape undoes how the kernel writes blanks in paths.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// HomeDisk says what a folder lies on: the kind of network file system, if it
// is one, and whether it is the writable part of a container.
func HomeDisk(root, dir string) (network string, passing bool) {
	w := world(root)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	m := w.mountOf(dir)
	switch m.kind {
	case "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "davfs", "fuse.davfs2":
		return m.kind, false
	case "overlay", "aufs", "fuse-overlayfs":
		return "", w.container() != ""
	default:
		return "", false
	}
}

// interfaces lists the network interfaces that are up, without the one that
// leads back.
func interfaces() []Interface {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var up []Interface
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		entry := Interface{Name: i.Name, Multicast: i.Flags&net.FlagMulticast != 0, Virtual: isPair(i.Name)}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				entry.Prefixes = append(entry.Prefixes, p)
			}
		}
		if len(entry.Prefixes) > 0 {
			up = append(up, entry)
		}
	}
	return up
}

// environ finds a variable in what /proc tells of a process.
func environ(data, name string) string {
	for entry := range bytes.SplitSeq([]byte(data), []byte{0}) {
		if v, ok := strings.CutPrefix(string(entry), name+"="); ok {
			return v
		}
	}
	return ""
}
