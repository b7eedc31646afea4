package vphone

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"time"

	"russet/vphone/internal/lockdown"
)

// A link is the phone as lockdownd sees it from one connection.
type link struct {
	phone *Phone
	conn  *connection // nil for what the phone does itself
}

var _ lockdown.Phone = link{}

// escrowLen is the length of the EscrowBag on real devices.
const escrowLen = 32

// Pair asks the owner. A host may ask again with another HostID while the
// dialog is open, and gets the trust: idevicepair does that.
func (l link) Pair(r lockdown.PairRecord) ([]byte, error) {
	if l.from().overNetwork() {
		return nil, lockdown.ErrPairingOverNetwork
	}
	escrow, err := l.phone.pair(r)
	if err == nil {
		l.phone.trustChanged()
	}
	return escrow, err
}

// from is whose connection it is.
func (l link) from() guest {
	if l.conn == nil {
		return guest{}
	}
	return l.conn.guest
}

func (p *Phone) pair(r lockdown.PairRecord) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.protected() {
		return nil, lockdown.ErrPasswordProtected
	}
	if err := p.checkCertificate(r.DeviceCertificate); err != nil {
		return nil, err
	}
	known, ok := p.state.Hosts[r.HostID]
	if !ok || !bytes.Equal(known.RootCertificate, r.RootCertificate) {
		if err := p.askTrust(); err != nil {
			return nil, err
		}
	}
	escrow := make([]byte, escrowLen)
	rand.Read(escrow)
	if p.state.Hosts == nil {
		p.state.Hosts = map[string]host{}
	}
	p.state.Hosts[r.HostID] = host{
		SystemBUID:        r.SystemBUID,
		DeviceCertificate: r.DeviceCertificate,
		HostCertificate:   r.HostCertificate,
		RootCertificate:   r.RootCertificate,
		EscrowBag:         escrow,
	}
	if err := p.state.save(p.dir); err != nil {
		p.log.Error("pair", "error", err)
		return nil, lockdown.ErrSavePairRecord
	}
	return escrow, nil
}

// askTrust shows the Trust dialog or looks at its answer. Phone.mu is held.
func (p *Phone) askTrust() error {
	switch p.owner.trust {
	case Yes:
		return nil
	case No:
		return lockdown.ErrUserDenied
	}
	switch p.owner.dialog {
	case dialogAgreed:
		p.owner.dialog = dialogNone
		return nil
	case dialogRefused:
		return lockdown.ErrUserDenied
	}
	p.owner.dialog = dialogShown
	p.wake()
	return lockdown.ErrDialogPending
}

// checkCertificate wants the host's certificate for this very device. More is
// not checked: hosts sign with SHA-1 and serial number 0.
func (p *Phone) checkCertificate(data []byte) error {
	block, _ := pem.Decode(data)
	if block == nil {
		return lockdown.ErrInvalidPairRecord
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		p.log.Debug("device certificate that Go cannot read", "error", err)
		return lockdown.ErrInvalidPairRecord
	}
	if key, ok := cert.PublicKey.(*rsa.PublicKey); !ok || !key.Equal(&p.key.PublicKey) {
		return lockdown.ErrInvalidPairRecord
	}
	return nil
}

func (l link) ValidatePair(hostID string) error {
	p := l.phone
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.protected() {
		return lockdown.ErrPasswordProtected
	}
	if _, ok := p.state.Hosts[hostID]; !ok {
		return lockdown.ErrInvalidHostID
	}
	return nil
}

func (l link) Unpair(hostID string) error {
	p := l.phone
	p.mu.Lock()
	_, known := p.state.Hosts[hostID]
	p.mu.Unlock()
	if !known {
		return lockdown.ErrInvalidHostID
	}
	defer p.trustChanged()
	return p.update(func(s *state) { delete(s.Hosts, hostID) })
}

// ForgetHosts makes the phone trust no computer any more, as "Reset Location
// & Privacy" does.
func (p *Phone) ForgetHosts() error {
	defer p.trustChanged()
	return p.update(func(s *state) { s.Hosts = nil })
}

// trustChanged has the advert tell the computers that are trusted now.
func (p *Phone) trustChanged() { p.tellWatchers() }

// SetTrustTime makes the phone forget its computers when none of them has
// opened a session for that long, as phones seem to do after about 30 days; 0
// is the default, never. The time begins now.
func (p *Phone) SetTrustTime(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.expiry != nil {
		p.expiry.Stop()
		p.expiry = nil
	}
	p.owner.trustTime = d
	if d > 0 {
		p.expiry = time.AfterFunc(d, func() {
			if err := p.ForgetHosts(); err != nil {
				p.log.Error("forget computers", "error", err)
			}
		})
	}
}

// Session presents the certificate as the host sent it, byte for byte.
func (l link) Session(hostID string) (*tls.Config, error) {
	p := l.phone
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.state.Hosts[hostID]
	if !ok {
		return nil, lockdown.ErrInvalidHostID
	}
	block, _ := pem.Decode(h.DeviceCertificate)
	if block == nil {
		return nil, lockdown.ErrInvalidHostID
	}
	if l.conn != nil {
		l.conn.host = hostID
	}
	if p.expiry != nil {
		p.expiry.Reset(p.owner.trustTime)
	}
	return tlsConfig(tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: p.key}), nil
}

// Start makes a service listen.
//
// While the screen is locked the backup needs the host's EscrowBag; that all
// other services start nevertheless is an assumption. Since the phone was
// switched on and until it is unlocked once, there is nothing the bag could
// open, and none of them start: how a phone refuses those that want no bag is
// an assumption, too.
func (l link) Start(name string, escrow []byte, session *tls.Config) (port uint16, secure bool, err error) {
	p := l.phone
	s, ok := serviceNamed(name)
	if !ok {
		return 0, false, lockdown.ErrInvalidService
	}
	if session == nil && !s.sessionless {
		return 0, false, lockdown.ErrSessionInactive
	}
	p.mu.Lock()
	err = p.admit(s, escrow)
	from := l.from()
	p.mu.Unlock()
	if err != nil {
		return 0, false, err
	}
	if s.sessionless {
		session = nil
	}
	port, err = p.open(s, session, from)
	return port, session != nil, err
}

// admit says whether a service may start while the phone is as it is.
// Phone.mu is held.
func (p *Phone) admit(s service, escrow []byte) error {
	switch {
	case p.owner.limited[s.name]:
		return lockdown.ErrServiceLimit
	case s.sessionless || !p.protected():
		return nil
	case !s.sealed && p.owner.unlockedOnce:
		return nil
	case !s.sealed:
		return lockdown.ErrPasswordProtected
	case !p.owner.unlockedOnce && len(escrow) > 0:
		return lockdown.ErrMissingValue
	case len(escrow) == 0:
		return lockdown.ErrPasswordProtected
	}
	for _, h := range p.state.Hosts {
		if subtle.ConstantTimeCompare(h.EscrowBag, escrow) == 1 {
			return nil
		}
	}
	return lockdown.ErrEscrowLocked
}

// LimitService makes lockdownd refuse a service with ServiceLimit, or no
// longer.
func (p *Phone) LimitService(name string, refuse bool) {
	p.act(func(o *ownerState) {
		if o.limited == nil {
			o.limited = map[string]bool{}
		}
		o.limited[name] = refuse
	})
}
