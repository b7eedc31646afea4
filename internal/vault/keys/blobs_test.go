package keys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"russet/internal/secrets"
	"russet/internal/vault/keys"
)

// shelf keeps blobs in memory, and breaks the put that is named.
type shelf struct {
	held    map[string][]byte
	unread  map[string]error
	puts    int
	breaks  int // the number of the put that breaks, from 1; 0 for none
	arrives int // how many of its bytes arrive; less than 0: none, and what was there stays
}

var errBroken = errors.New("the line broke")

func newShelf() *shelf {
	return &shelf{held: map[string][]byte{}, unread: map[string]error{}, arrives: -1}
}

func (s *shelf) Get(_ context.Context, name string, limit int64) ([]byte, error) {
	if err := s.unread[name]; err != nil {
		return nil, err
	}
	data, ok := s.held[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %d bytes", name, len(data))
	}
	return bytes.Clone(data), nil
}

func (s *shelf) Put(_ context.Context, name string, data []byte) error {
	s.puts++
	switch {
	case s.puts != s.breaks:
		s.held[name] = bytes.Clone(data)
	case s.arrives >= 0:
		s.held[name] = bytes.Clone(data[:min(s.arrives, len(data))])
		return errBroken
	default:
		return errBroken
	}
	return nil
}

func load(t *testing.T, s *shelf) *keys.Loaded {
	t.Helper()
	l, err := keys.Load(t.Context(), s)
	check(t, err)
	l.Lighten()
	return l
}

// TestBrokenPuts breaks every put of a change, in every way a put can break:
// nothing of it arrived, a part did, all did. The old password or the new one
// opens afterwards, the change can be made again, and then only the new one.
func TestBrokenPuts(t *testing.T) {
	const fresh = "another password of Anna's"
	for _, arrives := range []int{-1, 0, 1, 700, 1 << 20} {
		for breaks := 1; ; breaks++ {
			s := newShelf()
			f, master, code := made(t)
			check(t, keys.Save(t.Context(), s, f))
			s.puts, s.breaks, s.arrives = 0, breaks, arrives

			check(t, f.ChangePassword("first", fresh))
			err := keys.Save(t.Context(), s, f)
			if s.puts < breaks {
				check(t, err)
				break
			}
			l := load(t, s)
			_, _, errOld := l.Open(anna)
			_, _, errNew := l.Open(fresh)
			if (errOld == nil) == (errNew == nil) {
				t.Fatalf("put %d, %d bytes: old %v, new %v", breaks, arrives, errOld, errNew)
			}
			if errors.Is(err, keys.ErrCopy) != (errNew == nil) && arrives < 1<<20 {
				t.Errorf("put %d, %d bytes: %v, but the new password opens: %v", breaks, arrives, err, errNew)
			}
			if _, err := l.OpenWithCode(code); err != nil {
				t.Fatal(err)
			}
			check(t, l.ChangePassword("first", fresh))
			check(t, keys.Save(t.Context(), s, l.File))
			again := load(t, s)
			opens(t, again.File, fresh, master, "first")
			refuses(t, again.File, anna)
			if again.Other != nil || len(again.Problems) > 0 || !bytes.Equal(s.held[keys.Name], s.held[keys.CopyName]) {
				t.Errorf("put %d, %d bytes: the copies differ: %v", breaks, arrives, again.Problems)
			}
		}
	}
}

// TestBrokenRotation: until it is settled or reverted both masters are there,
// and no other change drives one out.
func TestBrokenRotation(t *testing.T) {
	staged := func() (s *shelf, old, fresh secrets.Secret) {
		s = newShelf()
		f, master, _ := made(t)
		check(t, keys.Save(t.Context(), s, f))
		next, fresh, err := f.Rotate(map[string]secrets.Secret{"first": anna})
		check(t, err)
		check(t, keys.Stage(t.Context(), s, next))
		l := load(t, s)
		opens(t, l.File, anna, fresh, "first")
		opens(t, l.Other, anna, master, "first")
		check(t, l.AddPassword("", "another password"))
		if err := keys.Save(t.Context(), s, l.File); !errors.Is(err, keys.ErrUnsettled) {
			t.Errorf("a change between: %v", err)
		}
		return s, master, fresh
	}
	s, _, fresh := staged()
	check(t, keys.Settle(t.Context(), s, load(t, s).File))
	l := load(t, s)
	opens(t, l.File, anna, fresh, "first")
	if l.Other != nil || l.Unsettled() {
		t.Error("the old master is still there")
	}

	s, old, _ := staged()
	check(t, load(t, s).Revert(t.Context(), s))
	l = load(t, s)
	opens(t, l.File, anna, old, "first")
	if l.Other != nil || l.Unsettled() {
		t.Error("the new master is still there")
	}
	check(t, l.AddPassword("", "another password"))
	check(t, keys.Save(t.Context(), s, l.File))
}

func TestSpoiledCopies(t *testing.T) {
	for _, name := range []string{keys.Name, keys.CopyName} {
		for what, spoil := range map[string]func(s *shelf){
			"removed":    func(s *shelf) { delete(s.held, name) },
			"emptied":    func(s *shelf) { s.held[name] = nil },
			"cut":        func(s *shelf) { s.held[name] = s.held[name][:500] },
			"unreadable": func(s *shelf) { s.unread[name] = errBroken },
			"a bit": func(s *shelf) {
				s.held[name] = bytes.Replace(s.held[name], []byte(`"sealed": "`), []byte(`"sealed": "A`), 1)
			},
			"a digit": func(s *shelf) {
				s.held[name] = bytes.Replace(s.held[name], []byte(`"generation": 1`), []byte(`"generation": 9`), 1)
			},
		} {
			s := newShelf()
			f, master, _ := made(t)
			check(t, keys.Save(t.Context(), s, f))
			spoil(s)
			l := load(t, s)
			opens(t, l.File, anna, master, "first")
			if l.Damaged() {
				t.Errorf("%s %s: the damaged copy was taken", name, what)
			}
			clear(s.unread)
			check(t, l.AddPassword("", "a second password"))
			check(t, keys.Save(t.Context(), s, l.File))
			if l := load(t, s); len(l.Problems) > 0 || l.Other != nil {
				t.Errorf("%s %s: not mended: %v", name, what, l.Problems)
			}
		}
	}
}

func TestNotThereIsNotUnreadable(t *testing.T) {
	s := newShelf()
	if _, err := keys.Load(t.Context(), s); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty shelf: %v", err)
	}
	for _, name := range []string{keys.Name, keys.CopyName} {
		s := newShelf()
		s.unread[name] = errBroken
		if _, err := keys.Load(t.Context(), s); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s cannot be read: %v", name, err)
		}
		s = newShelf()
		s.held[name] = []byte("{}")
		if _, err := keys.Load(t.Context(), s); !errors.Is(err, keys.ErrDamaged) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is damaged: %v", name, err)
		}
	}
}

// TestTwoAtOnce: of two who change the keys at once, the second is told.
func TestTwoAtOnce(t *testing.T) {
	s := newShelf()
	f, _, _ := made(t)
	check(t, keys.Save(t.Context(), s, f))
	a, b := load(t, s), load(t, s)
	for _, l := range []*keys.Loaded{a, b} {
		_, _, err := l.Open(anna)
		check(t, err)
		check(t, l.AddPassword("", "a second password"))
	}
	check(t, keys.Save(t.Context(), s, a.File))
	if err := keys.Save(t.Context(), s, b.File); !errors.Is(err, keys.ErrChanged) {
		t.Errorf("the second: %v", err)
	}
	g, _, _ := made(t)
	if err := keys.Save(t.Context(), s, g); !errors.Is(err, keys.ErrChanged) {
		t.Errorf("another vault in its place: %v", err)
	}
}

// TestWhatDoesNotComeBack: a storage that says yes and keeps something else is
// found out.
func TestWhatDoesNotComeBack(t *testing.T) {
	s := newShelf()
	f, _, _ := made(t)
	check(t, keys.Save(t.Context(), s, f))
	err := keys.Save(t.Context(), forgetful{s}, f)
	if err == nil || !strings.Contains(err.Error(), "does not come back") {
		t.Errorf("Save: %v", err)
	}
}

// forgetful takes everything and keeps nothing.
type forgetful struct{ *shelf }

func (forgetful) Put(context.Context, string, []byte) error { return nil }
