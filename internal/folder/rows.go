package folder

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"path"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"russet/internal/durable"
	"russet/internal/facts"
	"russet/internal/overlay"
	"russet/mobilesync"
)

// digest is the SHA-1 the device recorded of a file it sent.
type digest struct {
	id  overlay.ID
	sum [sha1.Size]byte
}

func keyOf(payload string) (k payloadKey) {
	hex.Decode(k[:], []byte(payload[3:])) //nolint:errcheck // isPayload has seen that it is hexadecimal
	return k
}

// rows compares Manifest.db with what is there, and collects the digests of
// what was received. Without the password of an encrypted backup the rows
// cannot be read; the record says so.
func (v *surveyor) rows(ctx context.Context) ([]digest, error) {
	b, err := facts.OpenBackup(ctx, view{v.d}, v.d.note.Device, v.d.pass, v.d.early, false)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if b.Locked() {
		v.rec.Unchecked = append(v.rec.Unchecked, "whether every file of the manifest is there: the backup's password is not known")
	}
	var (
		digests []digest
		odd     int
	)
	for r, err := range b.Records(ctx) {
		if errors.Is(err, mobilesync.ErrEncrypted) {
			return nil, nil
		}
		if _, ok := errors.AsType[*mobilesync.RowError](err); ok {
			odd++
			continue
		}
		if err != nil {
			return nil, facts.NotWhole(err)
		}
		if r.Kind != mobilesync.File {
			continue
		}
		if _, ok := slices.BinarySearchFunc(v.keys, payloadKey(r.ID), compareKeys); !ok {
			return nil, damaged("%s of %q (%s) was not received", r.Path, r.Domain, r.ID)
		}
		if dg, ok := v.digestOf(&r); ok {
			digests = append(digests, dg)
		}
	}
	if odd > 0 {
		v.rec.Unchecked = append(v.rec.Unchecked, fmt.Sprintf("%d rows of the manifest that make no sense", odd))
	}
	slices.SortFunc(digests, func(a, b digest) int { return cmp.Compare(a.id, b.id) })
	return digests, nil
}

// digestOf finds the recorded digest of a file that was received in this run.
func (v *surveyor) digestOf(r *mobilesync.Record) (digest, bool) {
	if len(r.Digest) != sha1.Size {
		return digest{}, false
	}
	it, err := v.d.over.Lookup(path.Join(string(v.d.note.Device), r.ID.Name()))
	if err != nil || it.ID == 0 {
		return digest{}, false
	}
	return digest{it.ID, [sha1.Size]byte(r.Digest)}, true
}

func compareKeys(a, b payloadKey) int { return bytes.Compare(a[:], b[:]) }

// readBack reads what was received in this run and compares it with what was
// written, on as many cores as there are.
func (d *draft) readBack(ctx context.Context, digests []digest) error {
	var (
		next  atomic.Uint32
		group sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	last := uint32(d.over.Next()-1) >> shardBits
	for range min(runtime.GOMAXPROCS(0), 4) {
		group.Go(func() {
			r := reader{d: d, digests: digests, buf: make([]byte, 256<<10), sha: sha1.New()}
			for {
				shard := next.Add(1) - 1
				if shard > last {
					return
				}
				err := cmp.Or(ctx.Err(), r.shard(shard))
				if err != nil {
					mu.Lock()
					first = cmp.Or(first, err)
					mu.Unlock()
					next.Store(last + 1)
					return
				}
			}
		})
	}
	group.Wait()
	return first
}

// reader reads objects back.
type reader struct {
	d       *draft
	digests []digest
	buf     []byte
	sha     hash.Hash
}

// shard reads the objects of one folder.
func (r *reader) shard(n uint32) error {
	dir, err := r.d.objects.dir.Sub(fmt.Sprint(n))
	if err != nil {
		return err
	}
	defer dir.Close()
	for i := range uint32(1) << shardBits {
		id := overlay.ID(n<<shardBits | i)
		if o, live := r.d.over.Object(id); live {
			if err := r.object(dir, id, o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) object(dir *durable.Dir, id overlay.ID, want overlay.Object) error {
	f, err := dir.Open(objectName(id))
	if err != nil {
		return err
	}
	defer f.Close()
	i, ok := slices.BinarySearchFunc(r.digests, id, func(d digest, id overlay.ID) int { return cmp.Compare(d.id, id) })
	var size int64
	var sum [16]byte
	if ok {
		r.sha.Reset()
		size, sum, err = hashFile(f, r.buf, r.sha)
	} else {
		size, sum, err = hashFile(f, r.buf)
	}
	switch {
	case err != nil:
		return err
	case size != want.Size || sum != want.Sum:
		return damaged("a received file (object %d of %d bytes) does not read back as it was written", id, want.Size)
	case ok && !bytes.Equal(r.sha.Sum(nil), r.digests[i].sum[:]):
		return damaged("a received file (object %d of %d bytes) is not what the device says it sent", id, want.Size)
	}
	return nil
}
