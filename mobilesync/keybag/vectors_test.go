package keybag_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"russet/mobilesync/keybag"
)

// hexBytes is bytes written in hexadecimal; present tells them from null.
type hexBytes struct {
	b       []byte
	present bool
}

func (h *hexBytes) UnmarshalJSON(data []byte) error {
	var s *string
	if err := json.Unmarshal(data, &s); err != nil || s == nil {
		return err
	}
	h.present = true
	var err error
	h.b, err = hex.DecodeString(*s)
	return err
}

type classVector struct {
	Wrap      uint32
	WPKY      hexBytes
	Unwrapped hexBytes
	Usable    bool
}

type bagVector struct {
	Name, Password, Expect string
	KEK, TLV, UUID         hexBytes
	Iter, DPIC             int
	Classes                map[uint32]classVector
}

type cipherVector struct {
	Name          string
	EncryptionKey hexBytes `json:"encryption_key"`
	FileKey       hexBytes `json:"file_key"`
	Plain, Cipher hexBytes
	PlainLen      int      `json:"plain_len"`
	CipherSHA256  hexBytes `json:"cipher_sha256"`
	Reencrypts    bool     `json:"reencrypts_identically"`
	Expect        string
}

func load(t testing.TB, name string, to any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func bags(t testing.TB) (good, bad []bagVector) {
	var v struct{ Cases, Negative []bagVector }
	load(t, "keybag.json", &v)
	return v.Cases, v.Negative
}

func bag(t testing.TB, name string) bagVector {
	t.Helper()
	good, _ := bags(t)
	for _, c := range good {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no bag %q", name)
	return bagVector{}
}

func parse(t testing.TB, v bagVector) *keybag.Bag {
	t.Helper()
	b, err := keybag.Parse(v.TLV.b)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unlocked(t testing.TB, name string) *keybag.Unlocked {
	t.Helper()
	v := bag(t, name)
	u, err := parse(t, v).UnlockKey(key(t, v.KEK.b))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func key(t testing.TB, b []byte) keybag.Key {
	t.Helper()
	k, err := keybag.NewKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ciphertexts(t testing.TB) []cipherVector {
	var v struct{ Cases []cipherVector }
	load(t, "ciphertext.json", &v)
	return v.Cases
}

// plain is a vector's content; long ones are generated: SHA-256 of
// "russet-vector|" + label + "|" + i for i = 0, 1, 2, …
func (v *cipherVector) plain() []byte {
	if v.Plain.present {
		return v.Plain.b
	}
	var out bytes.Buffer
	for i := 0; out.Len() < v.PlainLen; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "russet-vector|pt%d|%d", v.PlainLen, i))
		out.Write(sum[:])
	}
	return out.Bytes()[:v.PlainLen]
}

// stored is a vector's ciphertext, made where it is not given.
func (v *cipherVector) stored(t testing.TB) []byte {
	if v.Cipher.present {
		return v.Cipher.b
	}
	out := encrypt(t, v.plain(), key(t, v.FileKey.b))
	if sum := sha256.Sum256(out); !bytes.Equal(sum[:], v.CipherSHA256.b) {
		t.Fatalf("%s: encrypts to %x", v.Name, sum)
	}
	return out
}

func encrypt(t testing.TB, plain []byte, k keybag.Key) []byte {
	var out bytes.Buffer
	w := keybag.EncryptWriter(&out, k)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
