package vault

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzIndex: whoever can write into a vault writes its indexes. What is read
// makes sense, and comes back as it was when it is written again.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"name":"3d/3d0d7e5fb2ce288813306e4d4636395e047a3d28","size":3,"stored":16,"sha256":"` + zeros(64) + `","content":"` + zeros(64) + `","rebuild":"cbc","key":"` + zeros(64) + `"}` + "\n"))
	f.Add([]byte(`{"name":"Info.plist","size":3,"stored":3,"sha256":"` + zeros(64) + `"}` + "\n"))
	f.Add([]byte(`{"name":"../x","size":-1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseIndex(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		for i := range list {
			if err := list[i].valid(); err != nil {
				t.Fatalf("what was read is not valid: %v", err)
			}
			line, err := json.Marshal(&list[i])
			if err != nil {
				t.Fatal(err)
			}
			again.Write(append(line, '\n'))
		}
		second, err := parseIndex(&again)
		if err != nil || len(second) != len(list) {
			t.Fatalf("%d entries became %d: %v", len(list), len(second), err)
		}
	})
}

// FuzzPlace: a record that is believed is written as it was read.
func FuzzPlace(f *testing.F) {
	x := place{seg: 1, off: 2, size: 3, id: "Ik0123", length: 3}
	f.Add(x.append(nil, 7))
	f.Add(make([]byte, placeSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) != placeSize {
			return
		}
		id, x, ok := parsePlace(data)
		if !ok {
			return
		}
		if id2, y, ok := parsePlace(x.append(nil, id)); !ok || id2 != id || y != x {
			t.Fatalf("%d %+v became %d %+v, %v", id, x, id2, y, ok)
		}
	})
}

func zeros(n int) string { return string(bytes.Repeat([]byte("0"), n)) }
