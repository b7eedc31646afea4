package vphone

import (
	"cmp"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"russet/vphone/internal/lockdown"
	"russet/vphone/internal/mdns"
)

// mobdev is the service that phones announce on a network.
const mobdev = "_apple-mobdev2._tcp"

// maxTags is how many computers an advert has room for.
const maxTags = 40

// private is what the phone calls itself where it does not want to be known.
type private struct {
	On         bool   `json:",omitempty"` // "Private Wi-Fi Address", which matters before iOS 26.4
	MAC        string // made up
	Identifier string // of the advert since iOS 26.4
}

// newPrivate makes up an address that is marked as made up.
func newPrivate() private {
	var b [6]byte
	rand.Read(b[:])
	b[0] = b[0]&^1 | 2
	return private{MAC: net.HardwareAddr(b[:]).String(), Identifier: lockdown.NewUUID()}
}

func (p private) or(other private) private {
	return private{On: p.On, MAC: cmp.Or(p.MAC, other.MAC), Identifier: cmp.Or(p.Identifier, other.Identifier)}
}

// advertised is what is being announced. Phone.advertising guards it.
type advertised struct {
	responder *mdns.Responder // nil: nothing
	at        *wifi
	advert    mdns.Advert
	silent    bool
}

// Announce has the phone tell the network by multicast DNS that it is there,
// or no longer. The default is not to. The error is that of the present
// network; on later ones announcing is tried again.
func (p *Phone) Announce(on bool) error {
	p.mu.Lock()
	p.announce = on
	p.mu.Unlock()
	return p.advertise()
}

// SetPrivateAddress is the switch of the network's "Private Wi-Fi Address":
// before iOS 26.4 the phone is announced under a made-up MAC address. Since
// then it always is.
func (p *Phone) SetPrivateAddress(on bool) error {
	defer p.tellWatchers()
	return p.update(func(s *state) { s.Private.On = on })
}

// RotateAddress makes up another private MAC address and identifier.
func (p *Phone) RotateAddress() error {
	defer p.tellWatchers()
	return p.update(func(s *state) {
		fresh := newPrivate()
		fresh.On = s.Private.On
		s.Private = fresh
	})
}

// InstanceName is the name under which the phone is announced.
func (p *Phone) InstanceName() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.instance()
}

// instance is InstanceName. Phone.mu is held.
func (p *Phone) instance() string {
	mac := p.advertMAC()
	address := linkLocal(mac)
	if p.wifi != nil {
		for _, addr := range p.wifi.addrs {
			if addr.Is6() && addr.IsLinkLocalUnicast() {
				address = addr.WithZone("").String()
			}
		}
	}
	return mac + "@" + address + "-supportsRP-24"
}

// advertMAC is the MAC address that the phone is announced under. Phone.mu is
// held.
func (p *Phone) advertMAC() string {
	if p.taggedAdvert() || p.state.Private.On {
		return p.state.Private.MAC
	}
	return p.state.Identity.WiFiAddress
}

// taggedAdvert says whether computers know the phone by tags in its advert.
// Phone.mu is held.
func (p *Phone) taggedAdvert() bool { return p.state.Identity.atLeast(26, 4) }

// advert is what there is to announce. Phone.mu is held, and the phone is on
// a network.
func (p *Phone) advert() mdns.Advert {
	mac := strings.ReplaceAll(p.advertMAC(), ":", "")
	a := mdns.Advert{
		Instance: p.instance(), Service: mobdev, Port: lockdown.Port,
		// With half a MAC address two phones of the same name differ.
		Host:  hostLabel(p.state.Identity.Name) + "-" + mac[max(0, len(mac)-6):],
		Addrs: p.wifi.addrs,
	}
	if p.taggedAdvert() {
		a.Text = authTags(p.state.Private.Identifier, slices.Sorted(maps.Keys(p.state.Hosts)))
	}
	return a
}

// hostLabel is a name as it may stand in DNS.
func hostLabel(name string) string {
	label := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		case r == ' ', r == '-', r == '_':
			return '-'
		}
		return -1
	}, name)
	return cmp.Or(strings.Trim(label[:min(len(label), 40)], "-"), "iPhone")
}

// authTags is a TXT record from which each of the computers, and nobody else,
// knows that the phone trusts it.
func authTags(identifier string, hostIDs []string) []string {
	text := []string{"identifier=" + identifier}
	for i, id := range hostIDs[:min(len(hostIDs), maxTags)] {
		key := "authTag"
		if i > 0 {
			key = fmt.Sprintf("authTag#%d", i)
		}
		text = append(text, key+"="+base64.StdEncoding.EncodeToString(authTag(identifier, id)))
	}
	return text
}

// authTag is eight bytes.
func authTag(identifier, hostID string) []byte {
	key, err := hkdf.Key(sha512.New, []byte(hostID), nil, "", 32)
	if err != nil {
		return nil // only for keys that are too long
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(identifier))
	return mac.Sum(nil)[:8]
}

// advertise makes what is announced agree with how the phone is.
func (p *Phone) advertise() error {
	p.advertising.Lock()
	defer p.advertising.Unlock()
	p.mu.Lock()
	w, ghosts := p.wifi, p.ghosts
	wanted := p.announce && p.onNetwork() && len(w.listeners) > 0
	var advert mdns.Advert
	if wanted {
		advert = p.advert()
	}
	p.mu.Unlock()
	now := &p.advertised
	if now.responder != nil && (!wanted || now.at != w) {
		if now.silent || slices.Contains(ghosts, now.at) {
			now.responder.Abandon()
		} else {
			now.responder.Close()
		}
		*now = advertised{}
	}
	if !wanted {
		return nil
	}
	return now.follow(p, w, advert)
}

// follow announces the advert. A phone that sleeps announces nothing.
func (now *advertised) follow(p *Phone, w *wifi, advert mdns.Advert) error {
	silent := w.radio.off()
	if now.responder == nil {
		if silent {
			return nil
		}
		ifi, err := interfaceOf(advert.Addrs)
		if err != nil {
			return err
		}
		responder, err := mdns.Start(advert, ifi, p.log)
		if err != nil {
			return err
		}
		*now = advertised{responder: responder, at: w, advert: advert}
		return nil
	}
	if !reflect.DeepEqual(now.advert, advert) {
		if err := now.responder.Update(advert); err != nil {
			return err
		}
		now.advert = advert
	}
	if now.silent != silent {
		now.responder.Silence(silent)
		now.silent = silent
	}
	return nil
}

// interfaceOf finds the interface that has the first of the addresses.
func interfaceOf(addrs []netip.Addr) (*net.Interface, error) {
	want := addrs[0]
	if zone := want.Zone(); zone != "" {
		ifi, err := net.InterfaceByName(zone)
		if err != nil {
			return nil, fmt.Errorf("announce at %v: %w", want, err)
		}
		return ifi, nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("announce at %v: %w", want, err)
	}
	for _, ifi := range all {
		has, err := ifi.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range has {
			prefix, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			addr, _ := netip.AddrFromSlice(prefix.IP)
			// All of 127.0.0.0/8 is this computer, though one address is listed.
			if addr.Unmap() == want || want.IsLoopback() && ifi.Flags&net.FlagLoopback != 0 {
				return &ifi, nil
			}
		}
	}
	return nil, fmt.Errorf("announce at %v: no interface has this address", want)
}

// linkLocal is the IPv6 address that goes with a MAC address, as phones write
// it into the name of their advertisement.
func linkLocal(mac string) string {
	hex := strings.ReplaceAll(mac, ":", "")
	if len(hex) != 12 {
		return "fe80::1"
	}
	return "fe80::" + hex[:4] + ":" + hex[4:6] + "ff:fe" + hex[6:8] + ":" + hex[8:]
}
