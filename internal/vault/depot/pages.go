package depot

import (
	"bytes"
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// A database is cut at pages, and where is said by the pages themselves: one
// begins a chunk when the hash of its last bytes is less than those of its
// neighbours. So a phone that stores a database packed anew, in which most
// pages are as they were but in other places, gives the same chunks again; and
// nothing has to be remembered to find them.
//
// It is the last bytes because SQLite fills a page from its end: what is added
// to a page, or changed in it, seldom changes them, and the cuts stay.
const (
	tailSize  = 64       // bytes that are hashed
	wantChunk = 12 << 10 // bytes of a chunk, on average
	maxPages  = 32 << 10 // bytes of the longest chunk, unless a page is longer

	sqliteMagic = "SQLite format 3\x00"
)

// pageCutter cuts one database.
type pageCutter struct {
	page  int // bytes in a page
	reach int // how many neighbours on each side a page is compared with
	most  int // pages in a chunk
}

// newPageCutter reads how long the pages of a database are; false if it is
// none.
func newPageCutter(head []byte) (pageCutter, bool) {
	if len(head) < 18 || !bytes.HasPrefix(head, []byte(sqliteMagic)) {
		return pageCutter{}, false
	}
	page := int(binary.BigEndian.Uint16(head[16:]))
	if page == 1 {
		page = 64 << 10
	}
	if page < 512 || page&(page-1) != 0 {
		return pageCutter{}, false
	}
	// Of 2×reach+1 pages one is the least.
	return pageCutter{page: page, reach: max(wantChunk/page-1, 0) / 2, most: max(maxPages/page, 1)}, true
}

// cut calls each with the length of every chunk that is sure in data, which
// begins where a chunk does. With end nothing follows, and all of it is cut.
func (c pageCutter) cut(data []byte, end bool, each func(n int)) {
	tails := make([]uint64, len(data)/c.page)
	for i := range tails {
		p := data[i*c.page : (i+1)*c.page]
		tails[i] = xxh3.Hash(p[len(p)-tailSize:])
	}
	start := 0
	for i := 1; i < len(tails); i++ {
		if !end && i+c.reach >= len(tails) {
			return
		}
		if i-start == c.most || c.begins(tails[start:], i-start) {
			each((i - start) * c.page)
			start = i
		}
	}
	if rest := len(data) - start*c.page; end && rest > 0 {
		each(rest)
	}
}

// begins says whether page i begins a chunk; the one before began at page 0.
// Looking no further back makes no difference after a page that is the least.
func (c pageCutter) begins(tails []uint64, i int) bool {
	for j := max(i-c.reach, 0); j <= min(i+c.reach, len(tails)-1); j++ {
		if j != i && tails[j] <= tails[i] {
			return false
		}
	}
	return true
}
