package depot

// poolSizes are the sizes of the buffers that writers fill: most files fit the
// smallest.
var poolSizes = [...]int{64 << 10, 512 << 10, 2 << 20}

// buffer returns an empty buffer for at least n bytes, of a size that is
// pooled.
func (d *Depot) buffer(n int) *[]byte {
	for i, size := range poolSizes {
		if n <= size {
			if b, ok := d.pools[i].Get().(*[]byte); ok {
				return b
			}
			b := make([]byte, 0, size)
			return &b
		}
	}
	b := make([]byte, 0, n)
	return &b
}

// recycle gives a buffer back.
func (d *Depot) recycle(b *[]byte) {
	for i, size := range poolSizes {
		if cap(*b) == size {
			*b = (*b)[:0]
			d.pools[i].Put(b)
			return // b is another's now: not even its size may be looked at
		}
	}
}
