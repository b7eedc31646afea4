package home

import (
	"io/fs"
	"syscall"
	"testing"

	"russet"
)

// TestError: a full disk is another matter than a closed door.
func TestError(t *testing.T) {
	for err, want := range map[error]russet.Error{
		syscall.ENOSPC:   {Kind: russet.NoSpace, Hint: "make room on that disk, or set RUSSET_HOME to a folder on another one"},
		fs.ErrPermission: {Kind: russet.Usage, Hint: "make the folder writable, or set RUSSET_HOME to another one"},
	} {
		got, ok := Error(err).(*russet.Error)
		if !ok || got.Kind != want.Kind || got.Hint != want.Hint {
			t.Errorf("%v: %+v", err, got)
		}
	}
}
