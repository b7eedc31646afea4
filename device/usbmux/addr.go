package usbmux

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// DefaultAddr is where usbmuxd listens on this computer: what
// USBMUXD_SOCKET_ADDRESS says, else the usual place of the system.
func DefaultAddr() string {
	usual := "/var/run/usbmuxd"
	if runtime.GOOS == "windows" {
		usual = "127.0.0.1:27015" // Apple Mobile Device Service
	}
	return cmp.Or(os.Getenv("USBMUXD_SOCKET_ADDRESS"), usual)
}

// ParseAddr takes apart the address of a usbmuxd as libusbmuxd and others write
// it: "UNIX:/path", a plain path, "host:port" or "[v6]:port". The results are
// for net.Dial.
func ParseAddr(addr string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(addr, "UNIX:"); ok {
		addr = path
	} else if host, port, err := net.SplitHostPort(addr); err == nil && !strings.ContainsAny(addr, `/\`) {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" {
			return "", "", fmt.Errorf("address of usbmuxd %q: no host and port", addr)
		}
		return "tcp", addr, nil
	}
	if !strings.ContainsAny(addr, `/\`) {
		return "", "", fmt.Errorf("address of usbmuxd %q: neither a path nor a host and port", addr)
	}
	return "unix", addr, nil
}
