package doctor

import "golang.org/x/sys/unix"

// isPair reports whether an interface is one end of a virtual pair, as a
// container on a bridge has. (A macvlan, into which multicast comes, has
// another driver.)
func isPair(name string) bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was sent
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, name)
	return err == nil && unix.ByteSliceToString(info.Driver[:]) == "veth"
}
