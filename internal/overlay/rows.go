package overlay

import (
	"bytes"
	"encoding/hex"
	"slices"
)

// key is a file ID: a name of 40 lower-case hexadecimal digits as 20 bytes.
type key [20]byte

func parseKey(name string) (k key, ok bool) {
	if len(name) != 2*len(k) {
		return k, false
	}
	for i := range k {
		hi, lo := unhex(name[2*i]), unhex(name[2*i+1])
		if hi > 15 || lo > 15 {
			return k, false
		}
		k[i] = hi<<4 | lo
	}
	return k, true
}

// unhex is the value of a lower-case digit; more than 15 if it is none.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	default:
		return 255
	}
}

func (k key) String() string { return hex.EncodeToString(k[:]) }

type row struct {
	key key
	id  ID // 0 hides a file of the base
}

// rows are names with their objects, sorted by name. A sorted slice takes 24
// bytes a file and lists in order; a folder of a phone with a million files
// has four thousand, so that inserting moves 50 KB at most.
type rows []row

func (rs rows) find(k key) (int, bool) {
	return slices.BinarySearchFunc(rs, k, func(r row, k key) int { return bytes.Compare(r.key[:], k[:]) })
}

func (rs rows) get(k key) (ID, bool) {
	if i, ok := rs.find(k); ok {
		return rs[i].id, true
	}
	return 0, false
}

func (rs *rows) set(k key, id ID) {
	i, ok := rs.find(k)
	if ok {
		(*rs)[i].id = id
		return
	}
	*rs = slices.Insert(*rs, i, row{k, id})
}

// remove forgets a name, and the memory when most names are gone: all files
// leave Snapshot one by one.
func (rs *rows) remove(k key) {
	i, ok := rs.find(k)
	if !ok {
		return
	}
	*rs = slices.Delete(*rs, i, i+1)
	if n := len(*rs); n == 0 {
		*rs = nil
	} else if cap(*rs) > 64 && n < cap(*rs)/2 {
		*rs = append(make(rows, 0, n+n/8), *rs...)
	}
}
