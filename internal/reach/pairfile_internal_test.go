package reach

import "testing"

// FuzzParsePairing: whatever is in an exported pairing, what is taken is safe
// to use elsewhere.
func FuzzParsePairing(f *testing.F) {
	f.Add([]byte(`{"format":"russet pairing 1","device":{"udid":"00008110-0001ABCD12345678","name":"Anna"},"addresses":["10.0.0.1"],"pair_record":"<plist/>"}`))
	f.Add([]byte(`{"format":"russet pairing 1"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, record, err := parsePairing(data)
		if err != nil {
			return
		}
		if !p.Device.UDID.Valid() || record.HostID == "" || len(p.Addresses) > MaxAddresses {
			t.Errorf("%+v", p)
		}
		for _, a := range p.Addresses {
			if CheckAddress(a) != nil {
				t.Errorf("address %q", a)
			}
		}
	})
}
