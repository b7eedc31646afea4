package vault

import (
	"bytes"
	"testing"

	"russet/mobilesync/keybag"
)

// TestStandsFor: what is kept as it came has the key of what it stands for.
func TestStandsFor(t *testing.T) {
	keyOf := func(b byte) secretKey {
		k, err := keybag.NewKey(bytes.Repeat([]byte{b}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return secretKey{&k}
	}
	for _, test := range []struct {
		ours, theirs entry
		stands       bool
	}{
		{entry{Why: whyForeign, Key: keyOf(1)}, entry{Why: whyForeign, Key: keyOf(1)}, true},
		{entry{Why: whyForeign, Key: keyOf(1)}, entry{Why: whyForeign, Key: keyOf(2)}, false},
		{entry{Why: whyForeign, Key: keyOf(1)}, entry{Why: whyForeign}, false},
		{entry{Why: whyTruncated}, entry{Why: whyTruncated}, true},
		{entry{Rebuild: rebuildCBC, Key: keyOf(1)}, entry{Rebuild: rebuildCBC, Key: keyOf(1)}, true},
		{entry{Rebuild: rebuildCBC, Key: keyOf(1)}, entry{Rebuild: rebuildCBC, Key: keyOf(2)}, false},
		{entry{Rebuild: rebuildCBC, Key: keyOf(1)}, entry{Why: whyPassword}, true},
	} {
		if got := test.ours.standsFor(&test.theirs, true); got != test.stands {
			t.Errorf("%+v stands for %+v: %v", test.ours, test.theirs, got)
		}
	}
}
