package lockdown

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 5280 names SHA-1 for key identifiers; nothing is secured by it
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Certificates have the form that other hosts give them and devices accept: RSA
// 2048, SHA-256, serial number 1, no names, ten years.
const (
	keyBits         = 2048
	certificateLife = 10 // years
)

// newIdentity fills the certificates and keys of a record: a root, this host
// and the device, the last around the device's own public key.
func (r *PairRecord) newIdentity(devicePublicKey []byte, now time.Time) error {
	deviceKey, err := parsePublicKey(devicePublicKey)
	if err != nil {
		return fmt.Errorf("public key of the device: %w", err)
	}
	rootKey, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	hostKey, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	root := certificateTemplate(now)
	root.IsCA = true
	leaf := certificateTemplate(now)
	leaf.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	device := certificateTemplate(now)
	device.KeyUsage = leaf.KeyUsage
	keyID := sha1.Sum(x509.MarshalPKCS1PublicKey(deviceKey))
	device.SubjectKeyId = keyID[:]

	for _, c := range []struct {
		into     *[]byte
		template *x509.Certificate
		key      crypto.PublicKey
	}{
		{&r.RootCertificate, root, &rootKey.PublicKey},
		{&r.HostCertificate, leaf, &hostKey.PublicKey},
		{&r.DeviceCertificate, device, deviceKey},
	} {
		der, err := x509.CreateCertificate(rand.Reader, c.template, root, c.key, rootKey)
		if err != nil {
			return err
		}
		*c.into = pemBlock("CERTIFICATE", der)
	}
	r.RootPrivateKey = pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rootKey))
	r.HostPrivateKey = pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(hostKey))
	return nil
}

// certificateTemplate is what the three have in common. Validity begins a day
// ago, since the clocks of phones and computers differ.
func certificateTemplate(now time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{},
		NotBefore:             now.AddDate(0, 0, -1),
		NotAfter:              now.AddDate(certificateLife, 0, 0),
		SignatureAlgorithm:    x509.SHA256WithRSA,
		BasicConstraintsValid: true,
	}
}

// parsePublicKey reads what devices call their public key: PEM around PKCS #1,
// in some programs around a SubjectPublicKeyInfo.
func parsePublicKey(data []byte) (*rsa.PublicKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("no PEM data")
	}
	if key, err := x509.ParsePKCS1PublicKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	rsaKey, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("a key of type %T", key)
	}
	return rsaKey, nil
}

func pemBlock(name string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: name, Bytes: der})
}
