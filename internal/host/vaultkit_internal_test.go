package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"russet/internal/secrets"
	"russet/internal/vault/backend"
	"russet/internal/vault/keys"
)

// line is a place behind a line that breaks at a put: before or after it
// arrives, and perhaps for good.
type line struct {
	held    map[string][]byte
	breaks  int // at which put, from 1
	arrives bool
	forGood bool
	puts    int
}

var errLine = errors.New("the line broke")

func (l *line) Location() backend.Location {
	return backend.Location{Kind: backend.WebDAV, Host: "nas", Path: "/v"}
}

func (l *line) Get(_ context.Context, name string, _ int64) ([]byte, error) {
	if l.forGood && l.breaks > 0 && l.puts >= l.breaks {
		return nil, errLine
	}
	data, ok := l.held[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return data, nil
}

func (l *line) Put(_ context.Context, name string, data []byte) error {
	l.puts++
	if l.puts == l.breaks && !l.arrives {
		return errLine
	}
	l.held[name] = data
	if l.puts == l.breaks {
		return errLine
	}
	return nil
}

// TestKitsAndBrokenLines: after a kit was made over a line that breaks, one kit
// at least opens the vault, and none lies about that is known to be useless.
func TestKitsAndBrokenLines(t *testing.T) {
	h := Open(Options{})
	for breaks := 0; breaks <= 2; breaks++ {
		for _, arrives := range []bool{false, true} {
			for _, lasting := range []bool{false, true} {
				l := &line{held: map[string][]byte{}}
				f, master := keys.New(keys.NewID())
				if err := f.Lighten().AddPassword("", "anna's password"); err != nil {
					t.Fatal(err)
				}
				former, err := f.NewRecoveryCode()
				if err = errors.Join(err, keys.Save(t.Context(), l, f)); err != nil {
					t.Fatal(err)
				}
				l.puts, l.breaks, l.arrives, l.forGood = 0, breaks, arrives, lasting
				name := filepath.Join(t.TempDir(), "kit.txt")
				err = h.newKit(t.Context(), StoreSettings{Name: "home"}, l, f, name)
				l.breaks = 0
				judgeKits(t, l, fmt.Sprintf("put %d, arrives %v, for good %v: %v", breaks, arrives, lasting, err), name, former, master, err)
			}
		}
	}
}

func judgeKits(t *testing.T, l *line, what, name string, former, master secrets.Secret, err error) {
	t.Helper()
	now, loadErr := keys.Load(t.Context(), l)
	if loadErr != nil {
		t.Fatalf("%s: %v", what, loadErr)
	}
	_, errFormer := now.OpenWithCode(former)
	text, readErr := os.ReadFile(name)
	fresh := regexp.MustCompile(`[0-9A-Z]{5}(-[0-9A-Z]{5}){6}`).FindString(string(text))
	got, errFresh := now.OpenWithCode(secrets.Secret(fresh))
	switch {
	case errFormer != nil && errFresh != nil:
		t.Errorf("%s: no kit opens the vault: %v, %v", what, errFormer, errFresh)
	case errFresh == nil && got != master:
		t.Errorf("%s: another master", what)
	case err == nil && (errFresh != nil || readErr != nil):
		t.Errorf("%s: all is said to be well, but the new kit does not open it: %v, %v", what, errFresh, readErr)
	case readErr == nil && errFresh != nil && !l.forGood:
		t.Errorf("%s: a useless kit is left", what)
	}
}
