package vphone_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"russet/vphone"
	"russet/vphone/internal/wire"
)

// deviceKey is made once: that takes longer than all tests.
var deviceKey = sync.OnceValues(vphone.NewKey)

func newPhone(t *testing.T, o vphone.Options) *vphone.Phone {
	t.Helper()
	key, err := deviceKey()
	if err != nil {
		t.Fatal(err)
	}
	o.Key = key
	p, err := vphone.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// A computer is the other end of the cable: just enough of a host to try the
// phone, and nothing of russet's.
type computer struct {
	t      *testing.T
	id     string
	key    *rsa.PrivateKey // root and host at once
	root   []byte
	device []byte // certificate made for the phone, PEM
	escrow []byte
	wifi   bool // it reaches the phone by DialNetwork
}

func newComputer(t *testing.T, id string) *computer {
	t.Helper()
	key, err := deviceKey() // any key does
	if err != nil {
		t.Fatal(err)
	}
	c := &computer{t: t, id: id, key: key}
	c.root = c.certificate(&key.PublicKey)
	return c
}

func (c *computer) certificate(key *rsa.PublicKey) []byte {
	c.t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key, c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// dial connects to a port as over the cable, or over Wi-Fi.
func (c *computer) dial(p *vphone.Phone, port uint16) net.Conn {
	c.t.Helper()
	dial := p.DialPort
	if c.wifi {
		dial = p.DialNetwork
	}
	conn, err := dial(c.t.Context(), port)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	return conn
}

// lockdown is a connection to lockdownd.
func (c *computer) lockdown(p *vphone.Phone) *client {
	c.t.Helper()
	return &client{t: c.t, conn: c.dial(p, 62078)}
}

// A client sends framed property lists and reads the answers.
type client struct {
	t       *testing.T
	conn    net.Conn
	session string
}

// dict writes {k: v, …} in one line.
func dict(pairs ...any) map[string]any {
	d := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		d[pairs[i].(string)] = pairs[i+1]
	}
	return d
}

func (c *client) send(pairs ...any) {
	c.t.Helper()
	if err := wire.WriteXML(c.conn, dict(pairs...)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) receive() map[string]any {
	c.t.Helper()
	reply, err := wire.Read(c.conn)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply
}

func (c *client) ask(pairs ...any) map[string]any {
	c.t.Helper()
	c.send(pairs...)
	return c.receive()
}

// want asks lockdownd and wants an error, "" for none.
func (c *client) want(refusal string, pairs ...any) map[string]any {
	c.t.Helper()
	reply := c.ask(pairs...)
	got, _ := reply["Error"].(string)
	if got != refusal {
		c.t.Errorf("%v: error %q, want %q", pairs, got, refusal)
	}
	if reply["Request"] != dict(pairs...)["Request"] {
		c.t.Errorf("%v: answered as %v", pairs, reply["Request"])
	}
	return reply
}

// get reads a value, or returns the error's name.
func (c *client) get(domain, key string) any {
	c.t.Helper()
	pairs := []any{"Request", "GetValue"}
	if domain != "" {
		pairs = append(pairs, "Domain", domain)
	}
	if key != "" {
		pairs = append(pairs, "Key", key)
	}
	reply := c.ask(pairs...)
	if reply["Error"] != nil {
		return reply["Error"]
	}
	return reply["Value"]
}

// pairOn asks to be trusted and wants an error, "" for none.
func (c *computer) pairOn(l *client, refusal string) {
	c.t.Helper()
	public, ok := l.get("", "DevicePublicKey").([]byte)
	if !ok {
		c.t.Fatal("no DevicePublicKey")
	}
	block, _ := pem.Decode(public)
	key, err := x509.ParsePKCS1PublicKey(block.Bytes)
	if err != nil {
		c.t.Fatal(err)
	}
	c.device = c.certificate(key)
	reply := l.want(refusal, "Request", "Pair", "PairRecord", c.record())
	c.escrow, _ = reply["EscrowBag"].([]byte)
	if refusal == "" && len(c.escrow) != 32 {
		c.t.Errorf("EscrowBag of %d bytes", len(c.escrow))
	}
}

func (c *computer) record() map[string]any {
	return dict("HostID", c.id, "SystemBUID", "B", "DeviceCertificate", c.device,
		"HostCertificate", c.root, "RootCertificate", c.root)
}

// pair is a computer the phone trusts.
func pair(t *testing.T, p *vphone.Phone) *computer {
	t.Helper()
	c := newComputer(t, "11111111-2222-3333-4444-555555555555")
	c.pairOn(c.lockdown(p), "")
	return c
}

// tlsConfig wants exactly the certificate this computer made.
func (c *computer) tlsConfig(version uint16) *tls.Config {
	want, _ := pem.Decode(c.device)
	root, _ := pem.Decode(c.root)
	return &tls.Config{
		InsecureSkipVerify: true,
		MaxVersion:         version,
		Certificates:       []tls.Certificate{{Certificate: [][]byte{root.Bytes}, PrivateKey: c.key}},
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) != 1 || !bytes.Equal(raw[0], want.Bytes) {
				return fmt.Errorf("%d certificates, not the one of pairing", len(raw))
			}
			return nil
		},
	}
}

// startSession turns the connection into TLS and keeps the clear one.
func (c *computer) startSession(l *client, version uint16) (clear net.Conn) {
	c.t.Helper()
	reply := l.want("", "Request", "StartSession", "HostID", c.id, "SystemBUID", "B")
	if reply["EnableSessionSSL"] != true {
		c.t.Errorf("StartSession: %v", reply)
	}
	l.session, _ = reply["SessionID"].(string)
	clear = l.conn
	secure := tls.Client(clear, c.tlsConfig(version))
	if err := secure.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	l.conn = secure
	return clear
}

// session is a lockdownd connection in TLS.
func (c *computer) session(p *vphone.Phone) *client {
	c.t.Helper()
	l := c.lockdown(p)
	c.startSession(l, tls.VersionTLS13)
	return l
}

// service starts a service and connects to it.
func (c *computer) service(p *vphone.Phone, name string) *client {
	c.t.Helper()
	l := c.session(p)
	defer l.conn.Close()
	reply := l.want("", "Request", "StartService", "Service", name, "EscrowBag", c.escrow)
	port, _ := reply["Port"].(int64)
	conn := c.dial(p, uint16(port))
	if reply["EnableServiceSSL"] == true {
		secure := tls.Client(conn, c.tlsConfig(tls.VersionTLS13))
		if err := secure.Handshake(); err != nil {
			c.t.Fatal(err)
		}
		conn = secure
	}
	return &client{t: c.t, conn: conn}
}
