package vault_test

import (
	"fmt"
	"strings"
	"testing"

	"russet"
	"russet/internal/storetest"
	"russet/internal/vault"
)

// TestDeduplication: what is the same is stored once, whatever key it came
// under and whatever phone it came from.
func TestDeduplication(t *testing.T) {
	t.Parallel()
	s := newSeal(t)
	dir := t.TempDir()
	v := store(t, dir, vault.Options{})
	defer func() { must(t, v.Close()) }()
	opts := russet.BeginOptions{Encrypted: true, Passwords: fixed(storetest.Password)}
	rows := func(device russet.UDID) []row {
		var rows []row
		for i := range 10 {
			rows = append(rows, s.padded(t, "CameraRollDomain", fmt.Sprintf("Media/%d.JPG", i), "\xFF\xD8\xFF"+randomText(uint64(50+i), 700_000)))
		}
		for i := range 60 {
			rows = append(rows, s.padded(t, "AppDomain-a", fmt.Sprintf("Documents/%d", i), strings.Repeat(fmt.Sprint(device, i), 20)))
		}
		return rows
	}
	added := func(what string, to storetest.Folder, rows []row, most int64, full bool, device russet.UDID) {
		t.Helper()
		before, err := v.Usage(t.Context())
		must(t, err)
		opts.Full, opts.Device = full, device
		b := send(t, v, opts, to, rows)
		after, err := v.Usage(t.Context())
		must(t, err)
		grown := after.Stored - before.Stored
		t.Logf("%s: %d bytes, of %d that the phone has", what, grown, b.Size)
		if grown > most {
			t.Errorf("%s adds %d bytes, more than %d", what, grown, most)
		}
		c, err := v.Open(t.Context(), b.ID)
		must(t, err)
		defer c.Close()
		sameFolder(t, what, storetest.Read(t, c.Folder()), to)
	}
	first := rows(storetest.Device)
	size := int64(0)
	for i := range first {
		size += int64(len(first[i].stored))
	}
	added("the first run", s.folder(t, storetest.Device, 1, first, ""), first, size*11/10, false, storetest.Device)
	added("an unchanged run", s.folder(t, storetest.Device, 2, first, ""), first, 100_000, false, storetest.Device)
	again := rows(storetest.Device) // the same under other keys
	added("a full run under other keys", s.folder(t, storetest.Device, 3, again, ""), again, size/50, true, storetest.Device)
	other := rows(storetest.Other)
	added("another phone with the same photos", s.folder(t, storetest.Other, 4, other, ""), other, size/50, false, storetest.Other)

	// With a spool that holds none of it ciphertext goes to the vault, and is
	// gone once it is converted and the vault was maintained.
	before, err := v.Usage(t.Context())
	must(t, err)
	must(t, v.Close())
	v = store(t, dir, vault.Options{Spool: 1 << 20})
	again = rows(storetest.Device)
	again = append(again, s.padded(t, "CameraRollDomain", "Media/film.mov", randomText(99, 9<<20)))
	added("a full run past the spool", s.folder(t, storetest.Device, 5, again, ""), again, 2*size+20<<20, true, storetest.Device)
	_, err = v.Convert(t.Context(), nil)
	must(t, err)
	_, err = v.Maintain(t.Context(), true)
	must(t, err)
	after, err := v.Usage(t.Context())
	must(t, err)
	if grown := after.Stored - before.Stored - 9<<20; grown > size/50 {
		t.Errorf("converted and maintained, a full run past the spool has added %d bytes", grown)
	}
}
