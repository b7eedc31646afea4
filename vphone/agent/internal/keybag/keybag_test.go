package keybag_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"russet/vphone/agent/internal/keybag"
)

type vector struct {
	Name, Password, TLV, Expect string
	Salt, DPSL, KEK             string
	Iter, DPIC                  int
	Classes                     map[string]struct {
		Unwrapped string
		Usable    bool
	}
}

func load(t testing.TB, name string, into any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDerivation(t *testing.T) {
	var file struct{ Cases []vector }
	load(t, "kdf.json", &file)
	for _, v := range file.Cases {
		t.Run(v.Name, func(t *testing.T) {
			d := keybag.Derivation{Second: unhex(t, v.Salt), Rounds: v.Iter, FirstRounds: v.DPIC}
			if v.DPSL != "" {
				d.First = unhex(t, v.DPSL)
			}
			key, err := d.Key(v.Password)
			if err != nil || hex.EncodeToString(key[:]) != v.KEK {
				t.Errorf("%x, %v", key, err)
			}
		})
	}
}

// TestForeignBags opens the bags of the vectors and unwraps, under each usable
// class, a key that is known only to its class key.
func TestForeignBags(t *testing.T) {
	var file struct{ Cases []vector }
	load(t, "keybag.json", &file)
	for _, v := range file.Cases {
		t.Run(v.Name, func(t *testing.T) {
			bag := open(t, v.TLV, v.Password)
			for id, class := range v.Classes {
				n, err := strconv.Atoi(id)
				if err != nil {
					t.Fatal(err)
				}
				if n == 7 {
					continue // a file of class 7 uses 17: keychain class 7 is no file's
				}
				if n == 17 {
					n = 7
				}
				if bag.Has(uint8(n)) != class.Usable {
					t.Errorf("class %d: usable is %v", n, !class.Usable)
				}
			}
		})
	}
}

func open(t *testing.T, tlv, password string) *keybag.Bag {
	t.Helper()
	bag, err := keybag.Parse(unhex(t, tlv))
	if err != nil {
		t.Fatal(err)
	}
	kek, err := bag.Derivation().Key(password)
	if err != nil {
		t.Fatal(err)
	}
	if err := bag.Open(kek); err != nil {
		t.Fatal(err)
	}
	return bag
}

func TestDamagedBags(t *testing.T) {
	var file struct{ Negative []vector }
	load(t, "keybag.json", &file)
	want := map[string]error{
		"wrong-password": keybag.ErrPassword, "truncated-in-value": keybag.ErrMalformed,
		"huge-length": keybag.ErrMalformed, "dpic-absurd": keybag.ErrMalformed,
	}
	for _, v := range file.Negative {
		bag, err := keybag.Parse(unhex(t, v.TLV))
		if err == nil {
			var kek keybag.Key
			if kek, err = bag.Derivation().Key(v.Password); err == nil {
				err = bag.Open(kek)
			}
		}
		if !errors.Is(err, want[v.Name]) {
			t.Errorf("%s: %v, want %v", v.Name, err, want[v.Name])
		}
	}
}

func TestNewBagReadsBack(t *testing.T) {
	how := keybag.NewDerivation(1000, 100)
	kek, err := how.Key("secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, inactive := range []bool{false, true} {
		bag := keybag.New(how, kek, inactive)
		again := open(t, hex.EncodeToString(bag.Bytes()), "secret")
		if again.Has(7) != inactive {
			t.Errorf("class 7 files: %v, want %v", again.Has(7), inactive)
		}
		for _, class := range []uint8{0, 1, 2, 3, 4} {
			key := keybag.NewKey()
			wrapped, err := bag.WrapKey(class, key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := again.UnwrapKey(wrapped)
			if err != nil || got != key {
				t.Errorf("class %d: %v", class, err)
			}
			wrapped[20] ^= 1
			if _, err := again.UnwrapKey(wrapped); !errors.Is(err, keybag.ErrUnwrap) {
				t.Errorf("class %d, damaged: %v", class, err)
			}
		}
		if _, err := bag.WrapKey(9, keybag.NewKey()); !errors.Is(err, keybag.ErrNoClass) {
			t.Errorf("a class of this device only: %v", err)
		}
	}
}

func TestFileCipher(t *testing.T) {
	var bags struct{ Cases []vector }
	load(t, "keybag.json", &bags)
	bag := open(t, bags.Cases[0].TLV, bags.Cases[0].Password)
	var file struct {
		Cases []struct {
			Name, Plain, Cipher, Expect string
			Key                         string `json:"encryption_key"`
			SHA1                        string `json:"cipher_sha1"`
			Identical                   bool   `json:"reencrypts_identically"`
		}
	}
	load(t, "ciphertext.json", &file)
	tried := 0
	for _, v := range file.Cases {
		if !v.Identical || strings.HasPrefix(v.Plain, "det(") || v.Cipher == "" {
			continue
		}
		key, err := bag.UnwrapKey(unhex(t, v.Key))
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		want := unhex(t, v.Cipher)
		plain := bytes.Clone(want)
		keybag.NewDecrypter(key).CryptBlocks(plain, plain)
		content, err := keybag.Unpad(plain)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if v.Plain != "" && !bytes.Equal(content, unhex(t, v.Plain)) {
			t.Errorf("%s: another plaintext", v.Name)
		}
		again := keybag.Pad(bytes.Clone(content))
		keybag.NewEncrypter(key).CryptBlocks(again, again)
		sum := sha1.Sum(again)
		if !bytes.Equal(again, want) || v.SHA1 != "" && hex.EncodeToString(sum[:]) != v.SHA1 {
			t.Errorf("%s: another ciphertext", v.Name)
		}
		tried++
	}
	if tried < 8 {
		t.Errorf("only %d vectors were tried", tried)
	}
}

func TestUnpadIsStrict(t *testing.T) {
	for _, padded := range [][]byte{
		nil, make([]byte, 15), make([]byte, 16), bytes.Repeat([]byte{17}, 32),
		append(make([]byte, 14), 3, 2),
	} {
		if _, err := keybag.Unpad(padded); !errors.Is(err, keybag.ErrPadding) {
			t.Errorf("%x: %v", padded, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	var file struct{ Cases, Negative []vector }
	load(f, "keybag.json", &file)
	for _, v := range append(file.Cases, file.Negative...) {
		f.Add(unhex(f, v.TLV))
	}
	f.Fuzz(func(t *testing.T, tlv []byte) {
		bag, err := keybag.Parse(tlv)
		if err != nil {
			return
		}
		if err := bag.Open(keybag.Key{}); err == nil {
			bag.Has(4)
		}
	})
}
