package disk

import (
	"bytes"
	"testing"
	"time"
)

func FuzzDecodeRecord(f *testing.F) {
	n := &node{
		Entry: Entry{
			Domain: "HomeDomain", Path: "a/b", Kind: File, Mode: 0o100644, GID: -2, Size: 3, ModTime: time.Unix(1, 2).UTC(),
			XAttrs: map[string][]byte{"x": {1}, "y": nil}, EncryptedOnly: true, ScanSize: 8,
		},
		blob: blob{kept: keptAsPattern, number: 1 << 60, size: 3, head: &blob{kept: keptInPack, number: 5, size: 2}},
	}
	for _, r := range []record{
		{op: recordPut, node: n},
		{op: recordRemove, at: place{"HomeDomain", "a"}},
		{op: recordCut, at: place{"HomeDomain", ""}},
		{op: recordBorn, recipe: Recipe{Seed: 1, Rows: 2, Bytes: 3}},
	} {
		f.Add(r.append(nil))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := decodeRecord(payload)
		if err != nil {
			return
		}
		once := r.append(nil)
		again, err := decodeRecord(once)
		if err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		if !bytes.Equal(once, again.append(nil)) {
			t.Error("encoding is not stable")
		}
	})
}
