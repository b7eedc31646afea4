package keys_test

import (
	"errors"
	"strings"
	"testing"

	"russet/internal/secrets"
	"russet/internal/vault/keys"
)

func TestCodeIsReadAsPeopleTypeIt(t *testing.T) {
	f, master, code := made(t)
	s := string(code)
	for what, typed := range map[string]string{
		"as shown":           s,
		"in small letters":   strings.ToLower(s),
		"without dashes":     strings.ReplaceAll(s, "-", ""),
		"with spaces":        " " + strings.ReplaceAll(s, "-", "  ") + "\n",
		"with long dashes":   strings.ReplaceAll(s, "-", " – "),
		"without some":       strings.Replace(s, "-", "", 3),
		"with O, I and L":    strings.NewReplacer("0", "o", "1", "l").Replace(s),
		"with O and I again": strings.NewReplacer("0", "O", "1", "I").Replace(s),
	} {
		if got, err := f.OpenWithCode(secrets.Secret(typed)); err != nil || got != master {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestReplacedCodeIsRefused(t *testing.T) {
	f, _, code := made(t)
	other, _, _ := made(t)
	if _, err := other.OpenWithCode(code); !errors.Is(err, keys.ErrCode) {
		t.Errorf("the code of another vault: %v", err)
	}
	_, err := f.NewRecoveryCode()
	check(t, err)
	if _, err := f.OpenWithCode(code); !errors.Is(err, keys.ErrCode) {
		t.Errorf("the former code: %v", err)
	}
	if n := len(f.Slots()); n != 2 {
		t.Errorf("%d slots", n)
	}
}

// TestEveryTypoIsPlaced mistypes every character in every way, exchanges every
// two neighbours and every two groups.
func TestEveryTypoIsPlaced(t *testing.T) {
	f, _, code := made(t)
	s := string(code)
	refused := func(typed string, groups ...int) {
		t.Helper()
		_, err := f.OpenWithCode(secrets.Secret(typed))
		typo, ok := errors.AsType[*keys.CodeError](err)
		if !ok {
			t.Fatalf("a typo in group %v gives %v", groups, err)
		}
		for _, g := range groups {
			if typo.Group == g {
				return
			}
		}
		t.Errorf("a typo in group %v was placed in group %d", groups, typo.Group)
	}
	for i := range len(s) {
		if s[i] == '-' {
			continue
		}
		for _, c := range keys.Alphabet + "U*" {
			if byte(c) != s[i] {
				refused(s[:i]+string(c)+s[i+1:], i/6+1)
			}
		}
		refused(s[:i]+s[i+1:], i/6+1)
		refused(s[:i]+"7"+s[i:], i/6+1)
		if i+1 < len(s) && s[i+1] != '-' && s[i] != s[i+1] {
			refused(s[:i]+s[i+1:i+2]+s[i:i+1]+s[i+2:], i/6+1)
		}
	}
	groups := strings.Split(s, "-")
	for i := range groups {
		for j := range i {
			swapped := strings.Split(s, "-")
			swapped[i], swapped[j] = groups[j], groups[i]
			refused(strings.Join(swapped, "-"), i+1, j+1)
		}
	}
	refused(strings.Join(groups[1:], "-"), 0)
	refused(s+s, 0)
	refused("", 0)
	refused(strings.Repeat("0", 5000), 0)
}

func FuzzCode(f *testing.F) {
	k, _, code := made(f)
	f.Add(string(code))
	f.Add("00000-0000")
	f.Add("ÅÄÖ–—‐")
	f.Fuzz(func(t *testing.T, typed string) {
		_, err := k.OpenWithCode(secrets.Secret(typed))
		_, typo := errors.AsType[*keys.CodeError](err)
		if err != nil && !typo && !errors.Is(err, keys.ErrCode) {
			t.Errorf("%q: %v", typed, err)
		}
	})
}
