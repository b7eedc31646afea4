package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/kopia/kopia/repo/blob"
)

// maxMirrored bounds one mirrored blob: kopia's packs are some 20 MiB long,
// its indexes smaller.
const maxMirrored = 256 << 20

// mirrored blobs are about one hundredth of a vault, and everything else can
// be found and read with them: the format, the keys, the indexes, the packs
// of metadata.
func mirrored(id blob.ID) bool {
	for _, prefix := range []string{"kopia.repository", "kopia.blobcfg", ownPrefix, "q", "x"} {
		if strings.HasPrefix(string(id), prefix) {
			// A temporary file of durable.Dir.Replace must not look like a blob.
			return !strings.HasSuffix(string(id), ".new") && !strings.ContainsAny(string(id), "/\\")
		}
	}
	return false
}

// changing are the mirrored blobs that are written again under one name.
func changing(id blob.ID) bool { return id[0] != 'q' && id[0] != 'x' }

// mirrorPut copies a blob that was just stored. That the second copy cannot be
// made is no reason to stop a backup: it is logged, and FillMirror makes up.
func (b *Backend) mirrorPut(id blob.ID, data blob.Bytes) {
	if b.mirror == nil || !mirrored(id) {
		return
	}
	var buf bytes.Buffer
	_, err := data.WriteTo(&buf)
	if err == nil {
		err = b.mirror.Replace(string(id), buf.Bytes(), 0o600)
	}
	if err != nil {
		b.opts.Log.Warn("a blob of the vault was not mirrored", "blob", id, "folder", b.opts.Mirror, "err", err)
	}
}

func (b *Backend) mirrorDelete(id blob.ID) {
	if b.mirror == nil || !mirrored(id) {
		return
	}
	if err := b.mirror.Remove(string(id)); err != nil {
		b.opts.Log.Warn("a deleted blob of the vault stays in the mirror", "blob", id, "folder", b.opts.Mirror, "err", err)
	}
}

// sizes gives the mirrored blobs of the vault and of the mirror.
func (b *Backend) sizes(ctx context.Context) (vault, mirror map[blob.ID]int64, err error) {
	if b.mirror == nil {
		return nil, nil, fmt.Errorf("mirror of the vault: %w", errors.ErrUnsupported)
	}
	vault, mirror = map[blob.ID]int64{}, map[blob.ID]int64{}
	err = b.list(ctx, "", func(m blob.Metadata) error {
		if mirrored(m.BlobID) {
			vault[m.BlobID] = m.Length
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	entries, err := b.mirror.ReadDir(".")
	if err != nil {
		return nil, nil, fmt.Errorf("list the mirror of the vault: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, nil, fmt.Errorf("list the mirror of the vault: %w", err)
		}
		if id := blob.ID(e.Name()); info.Mode().IsRegular() && mirrored(id) {
			mirror[id] = info.Size()
		}
	}
	return vault, mirror, nil
}

// RestoreFromMirror puts blobs of the mirror back into the vault.
func (b *Backend) RestoreFromMirror(ctx context.Context, names []string) error {
	if b.mirror == nil {
		return fmt.Errorf("mirror of the vault: %w", errors.ErrUnsupported)
	}
	for _, name := range names {
		if !mirrored(blob.ID(name)) {
			return &fs.PathError{Op: "restore", Path: name, Err: fs.ErrInvalid}
		}
		data, err := b.mirror.ReadFile(name, maxMirrored)
		if err != nil {
			return fmt.Errorf("restore a blob of the vault: %w", err)
		}
		if err := b.PutBlob(ctx, blob.ID(name), input(data), blob.PutOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// FillMirror copies what the mirror lacks, such as what other hosts wrote, and
// says how many blobs that were. What the vault lacks stays in the mirror.
func (b *Backend) FillMirror(ctx context.Context) (int, error) {
	vault, mirror, err := b.sizes(ctx)
	if err != nil {
		return 0, err
	}
	copied := 0
	for id, size := range vault {
		if has, ok := mirror[id]; size == 0 || size > maxMirrored || ok && has == size && !changing(id) {
			continue
		}
		out := output{limit: maxMirrored}
		if err := b.GetBlob(ctx, id, 0, -1, &out); err != nil {
			return copied, err
		}
		if b.mirrorHolds(id, out.Bytes()) {
			continue
		}
		if err := b.mirror.Replace(string(id), out.Bytes(), 0o600); err != nil {
			return copied, fmt.Errorf("mirror a blob of the vault: %w", err)
		}
		copied++
	}
	return copied, nil
}

// mirrorHolds saves writing again what is there already.
func (b *Backend) mirrorHolds(id blob.ID, data []byte) bool {
	f, err := b.mirror.Open(string(id))
	if err != nil {
		return false
	}
	defer f.Close()
	has, err := io.ReadAll(io.LimitReader(f, int64(len(data))+1))
	return err == nil && bytes.Equal(has, data)
}

// DiffersFromMirror are the names with a prefix of blobs that the mirror has
// and that are absent from the vault, or other bytes in it; none without a
// mirror. It reads all of them.
func (b *Backend) DiffersFromMirror(ctx context.Context, prefix string) ([]string, error) {
	if b.mirror == nil {
		return nil, nil
	}
	_, mirror, err := b.sizes(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for id, size := range mirror {
		if size == 0 || !strings.HasPrefix(string(id), prefix) {
			continue
		}
		out := output{limit: maxMirrored}
		err := b.GetBlob(ctx, id, 0, -1, &out)
		if err != nil && !errors.Is(err, blob.ErrBlobNotFound) {
			return nil, err
		}
		if err != nil || !b.mirrorHolds(id, out.Bytes()) {
			names = append(names, string(id))
		}
	}
	return names, nil
}

// Indexes are the names of the blobs of the vault's index.
func (b *Backend) Indexes(ctx context.Context) ([]string, error) {
	var names []string
	err := b.list(ctx, "x", func(m blob.Metadata) error {
		names = append(names, string(m.BlobID))
		return nil
	})
	return names, err
}

// SetAside takes blobs out of the vault, once keep has them.
func (b *Backend) SetAside(ctx context.Context, names []string, keep func(name string, data []byte) error) error {
	for _, name := range names {
		out := output{limit: maxMirrored}
		err := b.GetBlob(ctx, blob.ID(name), 0, -1, &out)
		if err != nil && !errors.Is(err, blob.ErrBlobNotFound) { // one in quarantine is "not there"
			return err
		}
		if err := keep(name, out.Bytes()); err != nil {
			return err
		}
		if err := b.remove(ctx, blob.ID(name)); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a blob of the vault; its copy in the mirror stays.
func (b *Backend) remove(ctx context.Context, id blob.ID) error {
	if b.opts.ReadOnly {
		return fmt.Errorf("delete blob %s: %w", id, ErrReadOnly)
	}
	if err := b.before("deleteblob", string(id)); err != nil {
		return err
	}
	return explain(b.opts.Location, "delete in the vault", b.provider.DeleteBlob(ctx, id))
}
