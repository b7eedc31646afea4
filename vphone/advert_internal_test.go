package vphone

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The tag was computed with Python's hmac and hashlib.
func TestAuthTags(t *testing.T) {
	const identifier = "8BF9F267-1D4B-403F-809C-20B5F24AE760"
	got := authTags(identifier, []string{"11111111-2222-3333-4444-555555555555", "B", "C"})
	if got[0] != "identifier="+identifier || got[1] != "authTag=dt6JxGTsQ1w=" || len(got) != 4 ||
		!strings.HasPrefix(got[2], "authTag#1=") || !strings.HasPrefix(got[3], "authTag#2=") {
		t.Errorf("%q", got)
	}
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	if got := authTags(identifier, many); len(got) != 1+maxTags {
		t.Errorf("%d strings", len(got))
	}
}

func TestHostLabel(t *testing.T) {
	for name, want := range map[string]string{
		"Anna's iPhone": "Annas-iPhone", "…": "iPhone", "a.b": "ab", "Jürgen": "Jrgen", " -x- ": "x",
		strings.Repeat("long ", 20): strings.TrimSuffix(strings.Repeat("long-", 8), "-"),
	} {
		if got := hostLabel(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// What is announced depends on the version, and lockdownd tells the same.
func TestAdvertOfVersions(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ios                   string
		private, real, tagged bool
	}{
		{ios: "18.6", real: true},
		{ios: "18.6", private: true},
		{ios: "26.3", real: true},
		{ios: "26.4", tagged: true},
		{ios: "27.0", private: true, tagged: true},
	} {
		p, err := New(Options{Key: key, Identity: Identity{ProductVersion: c.ios}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if err := p.SetPrivateAddress(c.private); err != nil {
			t.Fatal(err)
		}
		if err := p.update(func(s *state) { s.Hosts = map[string]host{"B": {}, "A": {}} }); err != nil {
			t.Fatal(err)
		}
		if err := p.JoinNetwork(); err != nil {
			t.Fatal(err)
		}
		a := p.advert()
		mac, _, _ := strings.Cut(a.Instance, "@")
		if (mac == p.WiFiAddress()) != c.real {
			t.Errorf("iOS %s, private %v: %q", c.ios, c.private, a.Instance)
		}
		if want := authTags(p.state.Private.Identifier, []string{"A", "B"}); c.tagged != slices.Equal(a.Text, want) || !c.tagged && len(a.Text) > 0 {
			t.Errorf("iOS %s: TXT %q", c.ios, a.Text)
		}
		full := p.values(domainWireless, true)
		if full["BonjourFullServiceName"] != a.Instance+"._apple-mobdev2._tcp.local." || full["InstanceName"] != a.Instance || len(full) != 6 {
			t.Errorf("lockdownd says %v", full)
		}
		if err := p.RotateAddress(); err != nil {
			t.Fatal(err)
		}
		if changed := p.InstanceName() != a.Instance; changed == c.real {
			t.Errorf("iOS %s: after rotation %q", c.ios, p.InstanceName())
		}
	}
}
