package doctor

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// serveName stands for "russet serve" among the processes.
const serveName = "russet serve"

// processes lists those that matter: the daemons of the cable, and services of
// russet.
func (w world) processes() []Process {
	entries, err := os.ReadDir(w.path("proc"))
	if err != nil {
		return nil
	}
	var found []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := w.process(pid); ok {
			found = append(found, p)
		}
	}
	return found
}

func (w world) process(pid int) (Process, bool) {
	dir := "proc/" + strconv.Itoa(pid)
	name := w.word(dir + "/comm")
	switch name {
	case "usbmuxd", "usbmuxd2", "netmuxd":
	case "russet":
		if !slices.Contains(strings.Split(w.read(dir+"/cmdline"), "\x00"), "serve") {
			return Process{}, false
		}
		name = serveName
	default:
		return Process{}, false
	}
	p := Process{PID: pid, Name: name}
	for line := range strings.Lines(w.read(dir + "/status")) {
		key, rest, _ := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		switch {
		case key == "Uid" && len(fields) > 1:
			p.UID = number(fields[1]) // the effective one
		case key == "Gid" && len(fields) > 1:
			p.Groups = append([]int{number(fields[1])}, p.Groups...)
		case key == "Groups":
			for _, f := range fields {
				p.Groups = append(p.Groups, number(f))
			}
		}
	}
	if env := w.read(dir + "/environ"); env != "" && name == serveName {
		p.Home, p.Seen = homeOf(env), true
	}
	return p, true
}

// homeOf is the folder of a russet with such an environment.
func homeOf(env string) string {
	if home := environ(env, "RUSSET_HOME"); home != "" {
		return home
	}
	if config := environ(env, "XDG_CONFIG_HOME"); config != "" {
		return filepath.Join(config, "russet")
	}
	if person := environ(env, "HOME"); person != "" {
		return filepath.Join(person, ".config", "russet")
	}
	return ""
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// recordsDir is where usbmuxd keeps pair records on Linux (protocol.md 1.6).
const recordsDir = "/var/lib/lockdown"

// records says what keeps usbmuxd from keeping pairings; "" if nothing does.
func (w world) records(daemons []Process) (dir, trouble string) {
	info, err := os.Stat(w.path(recordsDir))
	if err != nil || !info.IsDir() {
		return recordsDir, "" // it makes the folder by itself
	}
	if w.mountOf(recordsDir).readOnly {
		return recordsDir, "it is mounted read-only"
	}
	n := Node{Path: recordsDir, There: true, Mode: info.Mode()}
	n.UID, n.GID = owners(info)
	for _, p := range daemons {
		if !p.opens(n) {
			return recordsDir, p.Name + ", which runs as user " + strconv.Itoa(p.UID) + ", may not write it"
		}
	}
	return recordsDir, ""
}
