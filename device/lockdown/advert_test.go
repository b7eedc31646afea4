package lockdown_test

import (
	"strings"
	"testing"

	"russet/device/lockdown"
)

// TestAdvertised: the tags were made with Python's hmac and hashlib, after
// RFC 5869.
func TestAdvertised(t *testing.T) {
	const (
		identifier = "identifier=4C0F1A2B-9D3E-4F56-8A77-1122334455AA"
		ours       = "kvwmXHmeCuU="
		other      = "urc/YiywvbU="
	)
	rec := &lockdown.PairRecord{HostID: "6F9619FF-8B86-D011-B42D-00C04FC964FF"}
	for _, c := range []struct {
		name string
		text []string
		want bool
	}{
		{"one tag", []string{identifier, "authTag=" + ours}, true},
		{"another order", []string{"authTag=" + ours, identifier}, true},
		{"the first of several", []string{identifier, "authTag#0=" + ours, "authTag#1=" + other}, true},
		{"the last of several", []string{identifier, "authTag=" + other, "authTag#1=" + other, "authTag#2=" + ours}, true},
		{"white space", []string{identifier, "authTag= " + ours + "\n"}, true},
		{"no padding", []string{identifier, "authTag=" + strings.TrimRight(ours, "=")}, true},
		{"keys in other letters", []string{strings.Replace(identifier, "identifier", "Identifier", 1), "AuthTag=" + ours}, true},
		{"another host's", []string{identifier, "authTag=" + other}, false},
		{"another identifier", []string{"identifier=x", "authTag=" + ours}, false},
		{"a tag's beginning", []string{identifier, "authTag=" + ours[:8]}, false},
		{"a longer tag", []string{identifier, "authTag=kvwmXHmeCuUA"}, false},
		{"no base64", []string{identifier, "authTag=kvwmXHm*CuU="}, false},
		{"an empty tag", []string{identifier, "authTag="}, false},
		{"no tag", []string{identifier}, false},
		{"no identifier", []string{"authTag=" + ours}, false},
		{"another key", []string{identifier, "authTags=" + ours}, false},
		{"nothing", nil, false},
	} {
		if got := rec.Advertised(c.text); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if (&lockdown.PairRecord{}).Advertised([]string{identifier, "authTag=" + ours}) {
		t.Error("a record without a HostID was announced")
	}
}
