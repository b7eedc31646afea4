//go:build linux && amd64

package main

import (
	"os"
	"syscall"
)

// Numbers of calls that package syscall has no names for.
const sysSyncfs, sysRenameat2, sysCopyFileRange = 306, 316, 326

// call says what a system call that may change a folder does.
type call struct {
	name string
	fd   int  // which argument is the descriptor, or the folder of path
	path int  // which argument is the path; 0 when none
	room bool // it needs room on the disk
}

// calls are all that russet, Go's library or SQLite could use.
func calls() map[uint64]call {
	return map[uint64]call{
		syscall.SYS_WRITE:     {name: "write", room: true},
		syscall.SYS_PWRITE64:  {name: "write", room: true},
		syscall.SYS_WRITEV:    {name: "write", room: true},
		syscall.SYS_FTRUNCATE: {name: "truncate"},
		syscall.SYS_FALLOCATE: {name: "allocate", room: true},
		sysCopyFileRange:      {name: "write", fd: 2, room: true},
		syscall.SYS_SENDFILE:  {name: "write", room: true},
		syscall.SYS_FSYNC:     {name: "fsync"},
		syscall.SYS_FDATASYNC: {name: "fsync"},
		sysSyncfs:             {name: "syncfs"},
		syscall.SYS_OPENAT:    {name: "create", path: 1, room: true},
		syscall.SYS_MKDIRAT:   {name: "mkdir", path: 1, room: true},
		syscall.SYS_UNLINKAT:  {name: "unlink", path: 1},
		syscall.SYS_LINKAT:    {name: "link", fd: 2, path: 3, room: true},
		syscall.SYS_SYMLINKAT: {name: "symlink", fd: 1, path: 2, room: true},
		syscall.SYS_RENAMEAT:  {name: "rename", fd: 2, path: 3, room: true},
		sysRenameat2:          {name: "exchange", fd: 2, path: 3},
		syscall.SYS_UTIMENSAT: {name: "chtimes", path: 1},
		syscall.SYS_FCHMODAT:  {name: "chmod", path: 1},
		syscall.SYS_FCHMOD:    {name: "chmod"},
		syscall.SYS_MKDIR:     {name: "mkdir", fd: -1, path: 0, room: true},
		syscall.SYS_UNLINK:    {name: "unlink", fd: -1, path: 0},
		syscall.SYS_RMDIR:     {name: "unlink", fd: -1, path: 0},
		syscall.SYS_RENAME:    {name: "rename", fd: -1, path: 1, room: true},
		syscall.SYS_LINK:      {name: "link", fd: -1, path: 1, room: true},
		syscall.SYS_PWRITEV:   {name: "write", room: true},
		syscall.SYS_TRUNCATE:  {name: "truncate", fd: -1, path: 0},
		syscall.SYS_OPEN:      {name: "create", fd: -1, path: 0, room: true},
		syscall.SYS_CREAT:     {name: "create", fd: -1, path: 0, room: true},
		syscall.SYS_FSETXATTR: {name: "xattr", room: true},
		syscall.SYS_FCHOWN:    {name: "chown"},
		syscall.SYS_FCHOWNAT:  {name: "chown", path: 1},
	}
}

// creates reports whether opening a file may make it or cut it off.
func creates(nr uint64, args [6]uint64) bool {
	const makes = syscall.O_CREAT | syscall.O_TRUNC
	switch nr {
	case syscall.SYS_OPENAT:
		return args[2]&makes != 0
	case syscall.SYS_OPEN:
		return args[1]&makes != 0
	}
	return true
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
