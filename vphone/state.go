package vphone

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// What lies in a phone's folder.
const (
	stateFile = "phone.json" // identity and state
	keyFile   = "device.pem" // the device's RSA key
	diskDir   = "disk"       // what is on the phone: russet/vphone/disk
	mediaDir  = "media"      // what afc shows: /var/mobile/Media
	agentDir  = "agent"      // the backup agent's own
)

// keyBits is what current devices have; DevicePublicKey is 426 bytes then.
const keyBits = 2048

// state is what survives a restart. The folder holds a pretended phone and
// pretended secrets: they lie in the clear so that people can read them.
type state struct {
	Identity       Identity
	Passcode       string `json:",omitempty"`
	BackupPassword string `json:",omitempty"`
	// EverEncrypted is the difference between a WillEncrypt that is false
	// and one that is not there.
	EverEncrypted bool                      `json:",omitempty"`
	Conditions    map[string]bool           `json:",omitempty"`
	Hosts         map[string]host           `json:",omitempty"` // by HostID
	Values        map[string]map[string]any `json:",omitempty"` // what hosts wrote, by domain and key
	Private       private
}

// host is a computer the phone trusts, as it paired.
type host struct {
	SystemBUID        string
	DeviceCertificate []byte
	HostCertificate   []byte
	RootCertificate   []byte
	EscrowBag         []byte
}

func loadState(dir string) (state, error) {
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return state{}, fmt.Errorf("open virtual iPhone: %w", err)
	}
	var s state
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&s); err != nil {
		return state{}, fmt.Errorf("read %q: %w", filepath.Join(dir, stateFile), err)
	}
	for _, domain := range s.Values {
		for key, v := range domain {
			domain[key] = number(v)
		}
	}
	return s, nil
}

// number gives JSON's numbers the types property lists have.
func number(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	return f
}

func (s state) save(dir string) error {
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return fmt.Errorf("write virtual iPhone: %w", err)
	}
	return replaceFile(filepath.Join(dir, stateFile), append(data, '\n'))
}

// update changes the state and keeps it.
func (p *Phone) update(change func(*state)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.state)
	return p.state.save(p.dir)
}

// replaceFile writes a file so that readers find the old or the new one whole.
func replaceFile(name string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// NewKey makes a device key. That takes a while: tests make one per process
// and hand it to every phone in [Options].
func NewKey() (*rsa.PrivateKey, error) {
	return rsa.GenerateKey(rand.Reader, keyBits)
}

// deviceKey returns the key in the folder, or keeps the one given, or makes one.
func deviceKey(dir string, given *rsa.PrivateKey) (*rsa.PrivateKey, error) {
	name := filepath.Join(dir, keyFile)
	data, err := os.ReadFile(name)
	if err == nil {
		return parseKey(name, data)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if given == nil {
		if given, err = NewKey(); err != nil {
			return nil, err
		}
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(given)}
	return given, replaceFile(name, pem.EncodeToMemory(block))
}

func parseKey(name string, data []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("read %q: no PEM block", name)
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	return key, nil
}
