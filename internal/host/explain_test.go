package host_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"russet"
	"russet/device/afc"
	"russet/internal/host"
)

func TestPasswordFromFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"unix": "my word\nsecond\n", "dos": "my word\r\n", "bare": "my word", "empty": "\nx"})
	for _, name := range []string{"unix", "dos", "bare"} {
		if got, err := host.PasswordFromFile(filepath.Join(dir, name)); got != "my word" || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"empty", "nowhere"} {
		if _, err := host.PasswordFromFile(filepath.Join(dir, name)); russet.KindOf(err) != russet.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExplainDisks(t *testing.T) {
	for _, test := range []struct {
		err  error
		kind russet.Kind
	}{
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, russet.NoSpace},
		{&fs.PathError{Op: "open", Path: "x", Err: os.ErrPermission}, russet.Usage},
		{&afc.Error{Op: "open", Status: afc.PermissionDenied}, russet.Failed},
		{&russet.Error{Kind: russet.Failed, Err: syscall.EROFS}, russet.Usage},
		{&russet.Error{Kind: russet.Locked, Err: syscall.EROFS}, russet.Locked},
		{errors.New("a surprise"), russet.Failed},
	} {
		if got := host.Explain(t.Context(), test.err); got.Kind != test.kind {
			t.Errorf("%v is of kind %d, want %d", test.err, got.Kind, test.kind)
		}
	}
	if host.Explain(t.Context(), nil) != nil {
		t.Error("nothing went wrong, and that is explained")
	}
	if e := host.Explain(t.Context(), errors.New("a surprise")); !strings.Contains(e.Hint, "report") {
		t.Errorf("a fault is not to be reported: %q", e.Hint)
	}
}

// Whatever error it is, a command that failed does not end as one that did not.
func TestNoErrorIsAllRight(t *testing.T) {
	err := &russet.Error{What: "nobody said of what kind"}
	if russet.ExitCode(err) != int(russet.Failed) || host.Explain(t.Context(), err).Kind != russet.Failed {
		t.Errorf("exit status %d, %+v", russet.ExitCode(err), host.Explain(t.Context(), err))
	}
}
