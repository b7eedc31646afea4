//go:build !windows

package host

// keepAwakeBySystem is for systems that offer a call.
func keepAwakeBySystem() (letSleep func(), ok bool) { return nil, false }
