package host

import (
	"context"
	"fmt"

	"russet"
	"russet/internal/vault"
)

// keeper is a store that needs some work beside its backups: a vault.
type keeper interface {
	Convert(ctx context.Context, pass russet.Passwords) (vault.Converted, error)
	Upkeep(ctx context.Context) (vault.Maintained, error)
	Maintain(ctx context.Context, now bool) (vault.Maintained, error)
	TakeOver(ctx context.Context) error
}

// upkeep does what a vault needs after a backup, as long as ctx lets it: the
// backup is done. What fails is said and done after the next one.
func (a *attempt) upkeep(ctx context.Context, store russet.Store) {
	k, ok := store.(keeper)
	if !ok {
		return
	}
	done, err := k.Convert(ctx, a.host.passwords)
	if err == nil && done.Bytes > 0 {
		a.note("%s that had come before their keys were known are now kept as content", bytesText(done.Bytes))
	}
	if err == nil {
		_, err = k.Upkeep(ctx)
	}
	if err != nil && ctx.Err() == nil {
		a.note("the backup is there, but the vault could not be tidied: %v", err)
	}
}

// Maintained is what the maintenance of a vault did.
type Maintained struct {
	Store     string `json:"store"`
	Converted int64  `json:"converted"` // bytes of ciphertext that are content now
	Freed     int64  `json:"freed"`     // bytes; negative when more was written than freed
	Took      string `json:"took"`
}

// Maintain does the work a vault needs beside its backups. now frees at once
// what was deleted; takeOver makes this computer the one that does it from now on.
func (h *Host) Maintain(ctx context.Context, name string, now, takeOver bool) (Maintained, error) {
	st, err := h.chooseStore(name)
	if err != nil {
		return Maintained{}, err
	}
	store, err := h.openStore(ctx, st)
	if err != nil {
		return Maintained{}, err
	}
	k, ok := store.(keeper)
	if !ok {
		return Maintained{}, &russet.Error{
			Kind: russet.Usage, What: fmt.Sprintf("%q is a folder, which needs no maintenance", st.Name),
			Hint: "only vaults do",
		}
	}
	if takeOver {
		if err := k.TakeOver(ctx); err != nil {
			return Maintained{}, err
		}
	}
	done, err := k.Convert(ctx, h.passwords)
	if err != nil {
		return Maintained{}, err
	}
	m, err := k.Maintain(ctx, now)
	return Maintained{Store: st.Name, Converted: done.Bytes, Freed: m.Freed, Took: m.Took.Round(1e6).String()}, err
}
