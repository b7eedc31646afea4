package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// The two copies of a keys file.
const (
	Name     = "russet.keys"
	CopyName = "russet.keys.1"
)

var (
	// ErrChanged: somebody else changed the file since it was loaded.
	ErrChanged = errors.New("the keys were changed by someone else at the same time")
	// ErrCopy: the change holds, but the second copy of the file still says what
	// was so before.
	ErrCopy = errors.New("the keys are changed, but their second copy is not")
	// ErrUnsettled: a rotation was interrupted, and nobody has said yet which of
	// the two masters opens the storage: [Settle] if the new one does, else
	// [Loaded.Revert].
	ErrUnsettled = errors.New("a change of the vault's key was interrupted and is to be settled first")
)

// Blobs is where a vault keeps small files. One that is not there is
// fs.ErrNotExist.
type Blobs interface {
	Get(ctx context.Context, name string, limit int64) ([]byte, error)
	Put(ctx context.Context, name string, data []byte) error
}

// Loaded is what the copies of a keys file say.
type Loaded struct {
	*File // the newest whole one
	// Other is the other copy when it says something else: a change was
	// interrupted. After a rotation it may hold the master that still counts.
	Other *File
	// Problems tells of copies that are missing or spoiled. The next Save mends
	// them.
	Problems []string

	raw    []byte // of File
	other  []byte // of Other
	lagged bool   // the second copy is not what File is, and File is not the second copy
}

// Load reads the keys of a vault. A place without any is fs.ErrNotExist, and
// never one whose copies merely cannot be read.
func Load(ctx context.Context, blobs Blobs) (*Loaded, error) {
	first, rawFirst, errFirst := read(ctx, blobs, Name)
	second, rawSecond, errSecond := read(ctx, blobs, CopyName)
	l := &Loaded{File: first, Other: second, raw: rawFirst, other: rawSecond}
	if first == nil || (second != nil && second.betterThan(first)) {
		l.File, l.Other, l.raw, l.other = second, first, rawSecond, rawFirst
	} else {
		l.lagged = !bytes.Equal(rawFirst, rawSecond)
	}
	if l.File == nil {
		// What tells of damage or of a newer version comes before "not there".
		if errors.Is(errFirst, fs.ErrNotExist) && !errors.Is(errSecond, fs.ErrNotExist) {
			errFirst = errSecond
		}
		return nil, fmt.Errorf("read the keys of the vault: %w", errFirst)
	}
	if errors.Is(errFirst, ErrVersion) || errors.Is(errSecond, ErrVersion) {
		return nil, fmt.Errorf("read the keys of the vault: %w", errors.Join(errFirst, errSecond))
	}
	for i, err := range []error{errFirst, errSecond} {
		if err != nil {
			l.Problems = append(l.Problems, fmt.Sprintf("%s: %v", []string{Name, CopyName}[i], err))
		}
	}
	if bytes.Equal(rawFirst, rawSecond) {
		l.Other = nil
	}
	return l, nil
}

func read(ctx context.Context, blobs Blobs, name string) (*File, []byte, error) {
	raw, err := blobs.Get(ctx, name, MaxSize)
	if err != nil {
		return nil, nil, err
	}
	f, err := Parse(raw)
	return f, raw, err
}

// betterThan orders copies: whole ones before damaged ones, then the newer.
func (f *File) betterThan(g *File) bool {
	if f.damaged != g.damaged {
		return g.damaged
	}
	return f.generation > g.generation
}

// Unsettled reports whether the copies hold different masters: a rotation was
// interrupted.
func (l *Loaded) Unsettled() bool {
	return l.Other != nil && !l.Other.damaged && l.Other.vault == l.vault && !bytes.Equal(l.Other.check, l.check)
}

// Revert takes an interrupted rotation back: Other is what counts again.
func (l *Loaded) Revert(ctx context.Context, blobs Blobs) error {
	if !l.Unsettled() {
		return nil
	}
	if err := blobs.Put(ctx, Name, l.other); err != nil {
		return fmt.Errorf("take the change of the vault's key back: %w", err)
	}
	return nil
}

// Save writes the keys. At any moment at least one copy is whole, says what was
// so before or what is so now, and is found by [Load].
func Save(ctx context.Context, blobs Blobs, f *File) error {
	if err := Stage(ctx, blobs, f); err != nil {
		return err
	}
	return Settle(ctx, blobs, f)
}

// Stage writes the first copy, and sees to it that the second one holds what is
// so until then.
func Stage(ctx context.Context, blobs Blobs, f *File) error {
	now, err := Load(ctx, blobs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case now.generation != f.generation || now.vault != f.vault:
		return fmt.Errorf("write the keys: %w", ErrChanged)
	case now.Unsettled():
		return fmt.Errorf("write the keys: %w", ErrUnsettled)
	case now.lagged:
		if err := blobs.Put(ctx, CopyName, now.raw); err != nil {
			return fmt.Errorf("write the keys: %w", err)
		}
	}
	next := *f
	next.generation++
	data, err := next.Marshal()
	if err != nil {
		return err
	}
	if err := blobs.Put(ctx, Name, data); err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	if back, err := blobs.Get(ctx, Name, MaxSize); err != nil || !bytes.Equal(back, data) {
		return fmt.Errorf("write the keys: what was written does not come back: %w", errors.Join(err, ErrDamaged))
	}
	f.generation, f.damaged = next.generation, false
	return nil
}

// Settle makes the second copy say what the first says: what was so before is
// gone. A failure is [ErrCopy].
func Settle(ctx context.Context, blobs Blobs, f *File) error {
	data, err := f.Marshal()
	if err == nil {
		err = blobs.Put(ctx, CopyName, data)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCopy, err)
	}
	return nil
}
