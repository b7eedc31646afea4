package keys_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"russet/internal/secrets"
	"russet/internal/vault/keys"
)

const anna = "correct horse battery staple"

// made is a keys file with one password and a code.
func made(t testing.TB) (f *keys.File, master, code secrets.Secret) {
	t.Helper()
	f, master = keys.New(keys.NewID())
	f.Lighten()
	f.SetAddress("vault:/srv/vault")
	check(t, f.AddPassword("", anna))
	code, err := f.NewRecoveryCode()
	check(t, err)
	return f, master, code
}

// reread is f as another process sees it: closed.
func reread(t testing.TB, f *keys.File) *keys.File {
	t.Helper()
	data, err := f.Marshal()
	check(t, err)
	g, err := keys.Parse(data)
	check(t, err)
	return g.Lighten()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func opens(t testing.TB, f *keys.File, password, master secrets.Secret, slot string) {
	t.Helper()
	got, name, err := f.Open(password)
	if err != nil || got != master || name != slot {
		t.Errorf("Open: slot %q, right master %v, %v; want slot %q", name, got == master, err, slot)
	}
}

func refuses(t testing.TB, f *keys.File, password secrets.Secret) {
	t.Helper()
	if _, _, err := f.Open(password); !errors.Is(err, keys.ErrPassword) {
		t.Errorf("Open: %v", err)
	}
}

func TestMasterCanBeTyped(t *testing.T) {
	seen := map[secrets.Secret]bool{}
	for range 100 {
		_, master := keys.New(keys.NewID())
		if !regexp.MustCompile(`^[a-z2-7]{52}$`).MatchString(string(master)) || seen[master] {
			t.Fatal("the master is no text of 256 random bits")
		}
		seen[master] = true
	}
}

func TestWaysIn(t *testing.T) {
	f, master, code := made(t)
	check(t, f.AddPassword("", "a second password, of Ben's"))
	check(t, f.AddPassword("carla", "pâté für Ωmega"))

	g := reread(t, f)
	opens(t, g, anna, master, "first")
	opens(t, g, "a second password, of Ben's", master, "second")
	opens(t, g, "pa\u0302te\u0301 fu\u0308r \u2126mega", master, "carla") // decomposed, and the sign of Ohm
	refuses(t, g, "correct horse battery stable")
	if got, err := g.OpenWithCode(code); err != nil || got != master {
		t.Errorf("OpenWithCode: %v", err)
	}
	if _, _, err := g.Open(code); !errors.Is(err, keys.ErrPassword) {
		t.Errorf("the code opened the slot of a password: %v", err)
	}

	check(t, g.ChangePassword("second", "Ben's new password"))
	check(t, g.RemovePassword("first"))
	h := reread(t, g)
	refuses(t, h, anna)
	refuses(t, h, "a second password, of Ben's")
	opens(t, h, "Ben's new password", master, "second")
	var names []string
	for _, s := range h.Slots() {
		names = append(names, fmt.Sprintf("%s/%v/%v", s.Name, s.Code, s.Created.IsZero()))
	}
	if got, want := strings.Join(names, " "), "/true/false second/false/false carla/false/false"; got != want {
		t.Errorf("slots: %s", got)
	}
}

func TestNeverTheLastWayIn(t *testing.T) {
	f, _ := keys.New(keys.NewID())
	f.Lighten()
	if _, err := f.Marshal(); err == nil {
		t.Error("keys without a way in were written")
	}
	check(t, f.AddPassword("", anna))
	if err := f.RemovePassword(keys.FirstSlot); !errors.Is(err, keys.ErrLast) {
		t.Errorf("the last password was removed: %v", err)
	}
	_, err := f.NewRecoveryCode()
	check(t, err)
	check(t, f.RemovePassword(keys.FirstSlot))
}

func TestClosedKeysCannotBeChanged(t *testing.T) {
	f, master, _ := made(t)
	g := reread(t, f)
	if err := g.AddPassword("", "a long password"); !errors.Is(err, keys.ErrLocked) {
		t.Errorf("AddPassword: %v", err)
	}
	if _, err := g.NewRecoveryCode(); !errors.Is(err, keys.ErrLocked) {
		t.Errorf("NewRecoveryCode: %v", err)
	}
	if _, err := g.Master(); !errors.Is(err, keys.ErrLocked) {
		t.Errorf("Master: %v", err)
	}
	_, other := keys.New(keys.NewID())
	for _, wrong := range []secrets.Secret{"", "no master", other} {
		if err := g.Unlock(wrong); !errors.Is(err, keys.ErrMaster) {
			t.Errorf("Unlock: %v", err)
		}
	}
	check(t, g.Unlock(master))
	check(t, g.AddPassword("", "a long password"))
	opens(t, reread(t, g), "a long password", master, "second")
}

func TestNamesAndPasswordsThatCannotBe(t *testing.T) {
	f, _, _ := made(t)
	for _, name := range []string{"first", "a b", "-x", "a\nb", strings.Repeat("x", 41)} {
		if err := f.AddPassword(name, anna); !errors.Is(err, keys.ErrName) {
			t.Errorf("AddPassword(%q): %v", name, err)
		}
	}
	if err := f.ChangePassword("nobody", anna); !errors.Is(err, keys.ErrName) {
		t.Errorf("ChangePassword: %v", err)
	}
	for _, p := range []secrets.Secret{"", "a\nb", "\xff\xfe", secrets.Secret(strings.Repeat("x", 2000))} {
		if err := f.AddPassword("", p); !errors.Is(err, keys.ErrUnusable) {
			t.Errorf("a password of %d bytes: %v", len(p), err)
		}
	}
	for range 40 {
		if err := f.AddPassword("", anna); err != nil {
			return
		}
	}
	t.Error("there is no end of slots")
}

func TestWeakness(t *testing.T) {
	for p, weak := range map[secrets.Secret]bool{
		"short": true, "aaaaaaaaaaaaaaaaaaa": true, "19700101198401012": true, anna: false, "größer als alles": false,
	} {
		if got := keys.Weakness(p); (got != "") != weak {
			t.Errorf("%d characters: %q", len(p), got)
		}
	}
}

// TestRotate: a new master, and only those who are named go on.
func TestRotate(t *testing.T) {
	f, master, code := made(t)
	check(t, f.AddPassword("ben", "the password of Ben"))
	next, fresh, err := f.Rotate(map[string]secrets.Secret{"first": anna})
	check(t, err)
	if fresh == master || next.Vault() != f.Vault() {
		t.Error("the master stayed, or the vault did not")
	}
	g := reread(t, next)
	opens(t, g, anna, fresh, "first")
	refuses(t, g, "the password of Ben")
	if _, err := g.OpenWithCode(code); !errors.Is(err, keys.ErrNoCode) {
		t.Errorf("the old code: %v", err)
	}
	if err := g.Unlock(master); !errors.Is(err, keys.ErrMaster) {
		t.Errorf("the old master: %v", err)
	}
	for _, named := range []map[string]secrets.Secret{nil, {"nobody": anna}} {
		if _, _, err := f.Rotate(named); err == nil {
			t.Errorf("Rotate of %d strange names went through", len(named))
		}
	}
}

// TestNothingPrints: passwords, codes and masters of the API are secrets.
func TestNothingPrints(t *testing.T) {
	f, master, code := made(t)
	_, _, err := f.Open("a wrong password")
	for _, s := range []string{fmt.Sprint(master, code), fmt.Sprintf("%+v %s", master, code), fmt.Sprint(err)} {
		if strings.Contains(s, string(master)) || strings.Contains(s, string(code)) || strings.Contains(s, "a wrong password") {
			t.Errorf("a secret in %d characters of output", len(s))
		}
	}
}
