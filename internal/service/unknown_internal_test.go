package service

import (
	"path/filepath"
	"testing"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
)

// TestEncryptionNotTold: a look at which a phone does not tell whether its backups
// are encrypted is no change of that, and neither is the next one.
func TestEncryptionNotTold(t *testing.T) {
	h := host.Open(host.Options{Home: home.Place{Dir: filepath.Join(t.TempDir(), "home"), Moved: true}})
	defer h.Close()
	s := New(Options{Host: h})
	if err := s.load(false); err != nil {
		t.Fatal(err)
	}
	d := russet.Device{UDID: "00008140-0003", Name: "Anna", IOS: "26.0", Paired: true, Encrypted: true}
	silent := d
	silent.Encrypted, silent.EncryptedUnknown = false, true
	for i, seen := range []russet.Device{silent, d, silent, d} {
		s.remember(sight{at: s.now(), devices: []russet.Device{seen}})
		if st := s.states[d.UDID]; len(st.Outbox) != 0 || i > 0 && st.Device != d {
			t.Errorf("look %d: %+v, told %+v", i, st.Device, st.Outbox)
		}
	}
}
