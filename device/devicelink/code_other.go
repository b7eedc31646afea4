//go:build !windows

package devicelink

// isVolumeFull is for systems that do not say ENOSPC.
func isVolumeFull(error) bool { return false }
