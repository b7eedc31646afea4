package doctor

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

func owners(fs.FileInfo) (uid, gid int) { return -1, -1 }

func isPair(string) bool { return false }

// appleService tells how the service is that carries the cable. That of the
// Microsoft Store's app is a process of its app alone and shows as missing.
func appleService() string {
	m, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return ""
	}
	manager := &mgr.Mgr{Handle: m}
	defer manager.Disconnect() //nolint:errcheck // nothing was changed
	name, err := windows.UTF16PtrFromString("Apple Mobile Device Service")
	if err != nil {
		return ""
	}
	h, err := windows.OpenService(m, name, windows.SERVICE_QUERY_STATUS)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return "missing"
	}
	if err != nil {
		return ""
	}
	s := &mgr.Service{Name: "Apple Mobile Device Service", Handle: h}
	defer s.Close() //nolint:errcheck // nothing was changed
	status, err := s.Query()
	switch {
	case err != nil:
		return ""
	case status.State == svc.Running:
		return "running"
	default:
		return "stopped"
	}
}

// SharedGroup: on Windows the way to Apple's service is open to all.
func SharedGroup(string) (gid int, ok bool) { return 0, false }
