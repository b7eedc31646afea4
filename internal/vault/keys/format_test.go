package keys_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"russet/internal/vault/keys"
)

func TestMarshalIsStable(t *testing.T) {
	f, master, _ := made(t)
	data, err := f.Marshal()
	check(t, err)
	g, err := keys.Parse(data)
	check(t, err)
	again, err := g.Marshal()
	check(t, err)
	if !bytes.Equal(data, again) {
		t.Errorf("%s\nbecame\n%s", data, again)
	}
	if g.Damaged() || g.Address() != "vault:/srv/vault" || g.Vault() != f.Vault() {
		t.Errorf("damaged %v, address %q", g.Damaged(), g.Address())
	}
	if bytes.Contains(data, []byte(master)) || len(data) > 4096 {
		t.Errorf("%d bytes, or the master stands in them", len(data))
	}
}

// TestKept reads a file that the first russet with vaults wrote.
func TestKept(t *testing.T) {
	data, err := os.ReadFile("testdata/version1.keys")
	check(t, err)
	f, err := keys.Parse(data)
	check(t, err)
	const master = "q4k6ukkwkjnnjtvicbvvvdkfj5k6bgrcaz4cl5ssv2j5yjsy26vq"
	if f.Damaged() {
		t.Error("it is damaged")
	}
	opens(t, f, "Schlüssel für den Apfelkeller", master, "first")
	got, err := f.OpenWithCode("95F2N-CX63H-Q12B7-3TS96-0SH6H-5Q5VJ-6E7DH")
	if err != nil || got != master {
		t.Errorf("the code: %v", err)
	}
	again, err := f.Marshal()
	check(t, err)
	if !bytes.Equal(again, data) {
		t.Errorf("it is written otherwise:\n%s", again)
	}
}

// TestNewerRussetsWords: members and slots that this version does not know
// survive a change.
func TestNewerRussetsWords(t *testing.T) {
	f, _, _ := made(t)
	data, err := f.Marshal()
	check(t, err)
	text := strings.Replace(string(data), `"slots": [`, `"colour": {"z": 1, "a": [2, "<>"]},
  "slots": [ {"kind": "card", "serial": 12345678901234567890}, `, 1)
	text = strings.Replace(text, `"kdf":`, `"hint": "the usual", "Salt": 7, "kdf":`, 1)
	g, err := keys.Parse([]byte(text))
	check(t, err)
	if !g.Damaged() {
		t.Error("the checksum says nothing of the change")
	}
	_, _, err = g.Open(anna)
	check(t, err)
	check(t, g.Lighten().AddPassword("", "another password"))
	h := reread(t, g)
	out, err := h.Marshal()
	check(t, err)
	for _, want := range []string{`"colour": {`, `"kind": "card"`, `"serial": 12345678901234567890`, `"hint": "the usual"`, `"Salt": 7`} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("%s is gone", want)
		}
	}
	if h.Damaged() || len(h.Slots()) != 3 {
		t.Errorf("damaged %v, %d slots", h.Damaged(), len(h.Slots()))
	}
}

func TestRefused(t *testing.T) {
	f, _, _ := made(t)
	data, err := f.Marshal()
	check(t, err)
	for what, change := range map[string][2]string{
		"another format":     {`"russet keys"`, `"russet kegs"`},
		"no version":         {`"version": 1,`, ``},
		"a huge n":           {`"n": 16`, `"n": 1073741824`},
		"an n of no power":   {`"n": 16`, `"n": 17`},
		"much memory":        {`"n": 16`, `"n": 8388608`},
		"a huge r":           {`"r": 1`, `"r": 9223372036854775807`},
		"a huge p":           {`"p": 1`, `"p": 2147483648`},
		"a negative p":       {`"p": 1`, `"p": -1`},
		"another derivation": {`"scrypt"`, `"none"`},
		"an odd name":        {`"name": "first"`, `"name": "fi\nrst"`},
		"an odd date":        {`"created": "2`, `"created": "x`},
		"a short seal":       {`"sealed": "`, `"sealed": "QUFB", "x": "`},
		"two codes":          {`"kind": "password"`, `"kind": "recovery code"`},
		"an odd vault":       {`"vault": "`, `"vault": "x`},
		"no slots":           {`"slots"`, `"slits"`},
		"a cut":              {"}\n", ""},
	} {
		changed := strings.ReplaceAll(string(data), change[0], change[1])
		if what == "two codes" {
			changed = strings.ReplaceAll(changed, `"name": "first"`, `"name": "code"`)
		}
		if changed == string(data) {
			t.Fatalf("%s: nothing was changed", what)
		}
		if _, err := keys.Parse([]byte(changed)); !errors.Is(err, keys.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	newer := strings.Replace(string(data), `"version": 1`, `"version": 2`, 1)
	if _, err := keys.Parse([]byte(newer)); !errors.Is(err, keys.ErrVersion) || errors.Is(err, keys.ErrDamaged) {
		t.Errorf("a newer version: %v", err)
	}
	if _, err := keys.Parse(bytes.Repeat([]byte(" "), keys.MaxSize+1)); !errors.Is(err, keys.ErrDamaged) {
		t.Errorf("a giant: %v", err)
	}
}

// TestEveryByteCounts: whatever byte of a file is spoiled, the file is refused,
// or known to be damaged, or says the same; and no slot opens with what it
// should not.
func TestEveryByteCounts(t *testing.T) {
	f, master, _ := made(t)
	data, err := f.Marshal()
	check(t, err)
	for i := range data {
		for _, bit := range []byte{1, 2, 4, 32} {
			spoiled := bytes.Clone(data)
			spoiled[i] ^= bit
			g, err := keys.Parse(spoiled)
			if err != nil {
				continue
			}
			if again, err := g.Marshal(); !g.Damaged() && (err != nil || !bytes.Equal(again, data)) {
				t.Fatalf("byte %d, bit %d: the damage is not seen", i, bit)
			}
			got, _, err := g.Open(anna)
			if err == nil && got != master {
				t.Fatalf("byte %d: a wrong master", i)
			}
			if err != nil && !errors.Is(err, keys.ErrDamaged) {
				t.Fatalf("byte %d: damage passes for a wrong password: %v", i, err)
			}
		}
	}
}

// TestSlotsAreBound: nobody without the password moves a slot to another vault
// or gives it another name.
func TestSlotsAreBound(t *testing.T) {
	f, _, _ := made(t)
	data, err := f.Marshal()
	check(t, err)
	for _, change := range [][2]string{
		{f.Vault(), keys.NewID()}, {`"name": "first"`, `"name": "other"`}, {`"created": "2`, `"created": "3`}, {`"n": 16`, `"n": 32`},
	} {
		g, err := keys.Parse([]byte(strings.Replace(string(data), change[0], change[1], 1)))
		check(t, err)
		refuses(t, g, anna)
	}
}

func FuzzParse(f *testing.F) {
	k, _, _ := made(f)
	data, err := k.Marshal()
	check(f, err)
	f.Add(data)
	kept, err := os.ReadFile("testdata/version1.keys")
	check(f, err)
	f.Add(kept)
	f.Add([]byte(`{"format":"russet keys","version":1,"slots":[{"kind":"x"},null,{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := keys.Parse(data)
		if err != nil {
			if !errors.Is(err, keys.ErrDamaged) && !errors.Is(err, keys.ErrVersion) {
				t.Fatalf("%v", err)
			}
			return
		}
		once, err := g.Marshal()
		if err != nil {
			return // what is indented may outgrow the limit
		}
		h, err := keys.Parse(once)
		if err != nil || h.Damaged() {
			t.Fatalf("what was written is not read: %v\n%s", err, once)
		}
		twice, err := h.Marshal()
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s\nbecame\n%s", once, twice)
		}
	})
}
