package depot

import (
	"github.com/kopia/kopia/repo/compression"
	"github.com/kopia/kopia/repo/content"
)

// Kind is how an object is cut into chunks.
type Kind uint8

// The kinds. All of them are read in the same way.
const (
	Stream    Kind = iota + 1 // cut where the content says; compressed
	Media                     // large equal chunks, not compressed: for what is compressed already
	Pages                     // chunks of a few pages: for databases; see pageCutter
	Pieces                    // every Write is one chunk, kept apart like Meta
	Meta                      // kept apart from the data, with trees and indexes: for small files needed first
	MetaPages                 // Pages kept apart from the data: for a second copy of a database
)

// cut is how a kind is stored. The stock tool's own splitters stop at 128 KiB,
// so we cut ourselves and write the seek table it reads.
type cut struct {
	chunk      int // bytes in a chunk
	batch      int // bytes handed to a worker at once
	prefix     content.IDPrefix
	compressor compression.Name
	dynamic    bool
	pages      bool
}

const (
	pageSize = 16 << 10 // of what is to be cut like a database and is none
	maxChunk = 8 << 20  // kopia's writer would cut there

	maxQueued = 2048 // chunks of one writer whose place in its table is not settled
)

func (k Kind) cut() cut {
	switch k {
	case Media:
		return cut{chunk: 2 << 20, batch: 2 << 20}
	case Pages:
		return cut{chunk: pageSize, batch: 32 * pageSize, compressor: compressor, pages: true}
	case Pieces:
		return cut{chunk: 2 << 20, batch: 2 << 20, prefix: "k", compressor: compressor}
	case MetaPages:
		return cut{chunk: pageSize, batch: 32 * pageSize, prefix: "k", compressor: compressor, pages: true}
	case Meta:
		return cut{chunk: 1 << 20, batch: 1 << 20, prefix: "k", compressor: compressor}
	default:
		return cut{chunk: 2 << 20, batch: 2 << 20, compressor: compressor, dynamic: true}
	}
}
