package service

import (
	"errors"
	"io/fs"
	"net"

	"golang.org/x/sys/windows"
)

// bindLocal binds a socket; what may open it follows from its folder.
func bindLocal(path string) (net.Listener, error) { return net.Listen("unix", path) }

// ownedByUs: the folder for temporary files is one per person.
func ownedByUs(fs.FileInfo) bool { return true }

// isRefused: there is a socket, and nobody behind it.
func isRefused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }
