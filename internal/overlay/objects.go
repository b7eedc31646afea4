package overlay

const chunkSize = 1 << 12

// chunk holds some objects without a pointer for the collector to follow.
type chunk struct {
	size [chunkSize]int64
	sum  [chunkSize][16]byte
	live [chunkSize / 64]uint64
}

// objects are the objects by number, 24 bytes each.
type objects struct {
	chunks []*chunk
	last   ID         // the highest number in use or used before
	more   map[ID]int // how many files beside the first refer to an object
}

func (os *objects) at(id ID) (*chunk, int) {
	return os.chunks[id/chunkSize], int(id % chunkSize)
}

func (os *objects) put(id ID, o Object) {
	for len(os.chunks) <= int(id/chunkSize) {
		os.chunks = append(os.chunks, nil)
	}
	if os.chunks[id/chunkSize] == nil {
		os.chunks[id/chunkSize] = new(chunk)
	}
	c, i := os.at(id)
	c.size[i], c.sum[i] = o.Size, o.Sum
	c.live[i/64] |= 1 << (i % 64)
	os.last = max(os.last, id)
}

func (os *objects) get(id ID) Object {
	c, i := os.at(id)
	return Object{Size: c.size[i], Sum: c.sum[i]}
}

func (os *objects) live(id ID) bool {
	if int(id/chunkSize) >= len(os.chunks) || os.chunks[id/chunkSize] == nil {
		return false
	}
	c, i := os.at(id)
	return c.live[i/64]&(1<<(i%64)) != 0
}

// retain counts one more file that refers to the object.
func (os *objects) retain(id ID) {
	if os.more == nil {
		os.more = map[ID]int{}
	}
	os.more[id]++
}

// release counts one file less and reports whether it was the last.
func (os *objects) release(id ID) bool {
	if n := os.more[id]; n > 0 {
		if os.more[id]--; n == 1 {
			delete(os.more, id)
		}
		return false
	}
	c, i := os.at(id)
	c.live[i/64] &^= 1 << (i % 64)
	return true
}
