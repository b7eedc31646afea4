package keybag_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"russet/mobilesync/keybag"
)

func TestEveryBagOpens(t *testing.T) {
	good, _ := bags(t)
	for _, v := range good {
		t.Run(v.Name, func(t *testing.T) {
			b := parse(t, v)
			if b.Type != 1 || !bytes.Equal(b.UUID[:], v.UUID.b) || len(b.Classes) != len(v.Classes) {
				t.Errorf("type %d, UUID %x, %d classes", b.Type, b.UUID, len(b.Classes))
			}
			var u *keybag.Unlocked
			var err error
			if v.DPIC > 1_000_000 { // the real rounds take seconds: see BenchmarkDerive
				u, err = b.UnlockKey(key(t, v.KEK.b))
			} else {
				u, err = b.Unlock(t.Context(), v.Password, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			if k := u.Key(); !bytes.Equal(k.Bytes(), v.KEK.b) {
				t.Errorf("derived %x, want %x", k.Bytes(), v.KEK.b)
			}
			for i := range b.Classes {
				checkClass(t, u, &b.Classes[i], v.Classes[b.Classes[i].Number])
			}
		})
	}
}

func checkClass(t *testing.T, u *keybag.Unlocked, c *keybag.Class, want classVector) {
	t.Helper()
	if c.Wrap != want.Wrap || c.Usable() != want.Usable || !bytes.Equal(c.Wrapped, want.WPKY.b) {
		t.Errorf("class %d: wrap %d, usable %v", c.Number, c.Wrap, c.Usable())
	}
	got, ok := u.ClassKey(c.Number)
	if ok != want.Usable || (ok && !bytes.Equal(got.Bytes(), want.Unwrapped.b)) {
		t.Errorf("class %d: key %x (%v), want %x (%v)", c.Number, got.Bytes(), ok, want.Unwrapped.b, want.Usable)
	}
	// A key bound to the device unwraps as well; it must only not be used.
	if got, err := keybag.Unwrap(u.Key(), c.Wrapped); err != nil || !bytes.Equal(got.Bytes(), want.Unwrapped.b) {
		t.Errorf("class %d unwraps to %x, %v", c.Number, got.Bytes(), err)
	}
}

func TestEveryBadBag(t *testing.T) {
	want := map[string]error{
		"wrong-password": keybag.ErrPassword, "truncated-in-value": keybag.ErrSyntax, "huge-length": keybag.ErrSyntax,
		"dpic-absurd": keybag.ErrSyntax, "trailing-short-header": nil, "unknown-tag-is-skipped": nil,
	}
	_, bad := bags(t)
	for _, v := range bad {
		b, err := keybag.Parse(v.TLV.b)
		if err == nil {
			_, err = b.Unlock(t.Context(), v.Password, nil)
		}
		expected, known := want[v.Name]
		if !known || !errors.Is(err, expected) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

func TestEveryDerivation(t *testing.T) {
	var v struct {
		Cases []struct {
			Name, Password  string
			Salt, DPSL, KEK hexBytes
			Iter, DPIC      uint32
			PasswordUTF8    hexBytes `json:"password_utf8"`
		}
	}
	load(t, "kdf.json", &v)
	for _, c := range v.Cases {
		if c.DPIC > 1_000_000 {
			continue
		}
		tlv := entry("SALT", c.Salt.b) + entry("ITER", be32(c.Iter)) + entry("UUID", make([]byte, 16))
		if c.DPSL.present {
			tlv += entry("DPSL", c.DPSL.b) + entry("DPIC", be32(c.DPIC))
		}
		b, err := keybag.Parse([]byte(tlv + entry("UUID", make([]byte, 16))))
		if err != nil {
			t.Fatal(c.Name, err)
		}
		got, err := b.Derive(t.Context(), string(c.PasswordUTF8.b), nil)
		if err != nil || !bytes.Equal(got.Bytes(), c.KEK.b) || c.Password != string(c.PasswordUTF8.b) {
			t.Errorf("%s: %x, %v", c.Name, got.Bytes(), err)
		}
	}
}

func entry(tag string, value []byte) string {
	return tag + string(be32(uint32(len(value)))) + string(value)
}

func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func TestMalformedBags(t *testing.T) {
	id := entry("UUID", make([]byte, 16))
	head := id + entry("SALT", make([]byte, 20)) + entry("ITER", be32(1))
	for name, tlv := range map[string]string{
		"empty":          "",
		"no classes":     head,
		"no salt":        id + id + entry("ITER", be32(1)),
		"no rounds":      id + entry("SALT", []byte{1}) + id,
		"short UUID":     entry("UUID", []byte{1}),
		"short class id": head + entry("UUID", []byte{1}),
		"short number":   head + id + entry("CLAS", []byte{1}),
		"half a stage":   head + entry("DPIC", be32(5)) + id,
		"the other half": head + entry("DPSL", []byte{5}) + id,
		"rounds":         id + entry("SALT", []byte{1}) + entry("ITER", be32(100_000_001)) + id,
		"many classes":   head + strings.Repeat(id, 300),
	} {
		if b, err := keybag.Parse([]byte(tlv)); !errors.Is(err, keybag.ErrSyntax) {
			t.Errorf("%s: %v, %v", name, b, err)
		}
	}
	b, err := keybag.Parse([]byte(head + id + entry("WRAP", be32(3))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Unlock(t.Context(), "x", nil); !errors.Is(err, keybag.ErrSyntax) {
		t.Errorf("a bag without a class for a password: %v", err)
	}
}

func TestADamagedClassDoesNotHideTheOthers(t *testing.T) {
	v := bag(t, "fast-ascii")
	at := bytes.Index(v.TLV.b, v.Classes[3].WPKY.b)
	v.TLV.b[at] ^= 1
	u, err := parse(t, v).Unlock(t.Context(), v.Password, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := u.Damaged(); len(d) != 1 || d[0] != 3 {
		t.Errorf("damaged: %v", d)
	}
	if _, ok := u.ClassKey(4); !ok {
		t.Error("class 4 is lost too")
	}
}

func TestDerivationTellsHowFarItIsAndStops(t *testing.T) {
	v := bag(t, "real-rounds")
	b := parse(t, v)
	ctx, cancel := context.WithCancel(t.Context())
	last := 0
	_, err := b.Unlock(ctx, v.Password, func(done, total int) {
		if done <= last || total != v.DPIC+2*v.Iter {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		if last = done; done > 100_000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || last > 200_000 {
		t.Errorf("after %d rounds: %v", last, err)
	}
	v = bag(t, "fast-ascii")
	if _, err = parse(t, v).Unlock(t.Context(), v.Password, func(done, total int) {
		if done > total {
			t.Errorf("%d of %d", done, total)
		}
		last = total - done
	}); err != nil || last != 0 {
		t.Errorf("ended %d rounds early, %v", last, err)
	}
}

func TestAKeptKeyFitsItsBagOnly(t *testing.T) {
	u := unlocked(t, "fast-ascii")
	kept, err := keybag.NewKey(u.Key().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(t, bag(t, "fast-ascii")).UnlockKey(kept); err != nil {
		t.Error(err)
	}
	if _, err := parse(t, bag(t, "legacy-no-dp")).UnlockKey(kept); !errors.Is(err, keybag.ErrPassword) {
		t.Errorf("another bag: %v", err)
	}
	if _, err := keybag.NewKey(make([]byte, 31)); err == nil {
		t.Error("a short key was taken")
	}
}

func TestKeyWrap(t *testing.T) {
	var v struct {
		Cases []struct {
			Name              string
			KEK, Key, Wrapped hexBytes
			OK                bool
		}
	}
	load(t, "keywrap.json", &v)
	for _, c := range v.Cases {
		got, err := keybag.Unwrap(key(t, c.KEK.b), c.Wrapped.b)
		if c.OK != (err == nil) || (!c.OK && !errors.Is(err, keybag.ErrIntegrity)) {
			t.Errorf("%s: %v", c.Name, err)
		}
		if !c.OK {
			continue
		}
		if !bytes.Equal(got.Bytes(), c.Key.b) {
			t.Errorf("%s: unwraps to %x", c.Name, got.Bytes())
		}
		if w := keybag.Wrap(key(t, c.KEK.b), got); !bytes.Equal(w, c.Wrapped.b) {
			t.Errorf("%s: wraps to %x", c.Name, w)
		}
	}
	if _, err := keybag.Unwrap(keybag.Key{}, make([]byte, 39)); !errors.Is(err, keybag.ErrIntegrity) {
		t.Errorf("39 bytes: %v", err)
	}
}

func TestFileKeysFollowTheirPrefix(t *testing.T) {
	u := unlocked(t, "fast-class17")
	secret := key(t, bytes.Repeat([]byte{7}, keybag.KeySize))
	wrapped, err := u.WrapFileKey(17, secret)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := append([]byte{99, 0, 0, 0}, wrapped[4:]...) // a class the bag has not
	wrong := append([]byte{3, 0, 0, 0}, wrapped[4:]...)      // one whose key does not fit
	for _, in := range [][]byte{wrapped, elsewhere, wrong} {
		if got, err := u.FileKey(in); err != nil || got != secret {
			t.Errorf("prefix %d: %v", in[0], err)
		}
	}
	if _, err := unlocked(t, "fast-ascii").FileKey(wrapped); !errors.Is(err, keybag.ErrNoKey) {
		t.Errorf("another bag: %v", err)
	}
	for _, n := range []int{0, 40, 43, 45, 76} {
		if _, err := u.FileKey(make([]byte, n)); !errors.Is(err, keybag.ErrKeyForm) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := u.WrapFileKey(9, secret); err == nil {
		t.Error("wrapped under a class that is bound to the device")
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	k := unlocked(t, "fast-ascii").Key()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		if got := fmt.Sprintf(verb, k); got != "…" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if got, err := json.Marshal(struct{ K keybag.Key }{k}); err != nil || string(got) != `{"K":{}}` {
		t.Errorf("JSON: %s, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	good, bad := bags(f)
	for _, v := range append(good, bad...) {
		f.Add(v.TLV.b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := keybag.Parse(data)
		if err != nil {
			return
		}
		if _, err := b.UnlockKey(keybag.Key{}); err == nil {
			t.Error("a key of zeros opens the bag")
		}
	})
}
