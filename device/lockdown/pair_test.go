package lockdown_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"russet/device/lockdown"
	"russet/internal/plist"
)

// pairingDevice answers each Pair with the next of these errors and then with
// an escrow bag; it notes what it was asked.
func pairingDevice(t *testing.T, asked *[]plist.Dict, refusals ...string) *lockdown.Client {
	t.Helper()
	key := devicePublicKey(t)
	return device(t, func(req plist.Dict) plist.Dict {
		switch {
		case req.String("Key") == "DevicePublicKey":
			return said(req, plist.Dict{"Value": key})
		case req.String("Key") == "WiFiAddress":
			return said(req, plist.Dict{"Value": "aa:bb:cc:dd:ee:ff"})
		case req.String("Request") != "Pair":
			return said(req, plist.Dict{"Error": "InvalidRequest"})
		}
		*asked = append(*asked, req)
		if len(refusals) == 0 {
			return said(req, plist.Dict{"EscrowBag": []byte("bag")})
		}
		answer := said(req, plist.Dict{"Error": refusals[0]})
		refusals = refusals[1:]
		return answer
	})
}

func TestPairWaitsForTrust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []plist.Dict
		pending := string(lockdown.PairingDialogResponsePending)
		c := pairingDevice(t, &asked, pending, pending, pending)
		waiting, start := 0, time.Now()
		rec, err := c.Pair(t.Context(), lockdown.PairOptions{SystemBUID: "BUID", Waiting: func() { waiting++ }})
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 3*time.Second || d > 4*time.Second || waiting != 1 || len(asked) != 4 {
			t.Errorf("after %v, %d calls of Waiting, %d requests", d, waiting, len(asked))
		}
		for _, req := range asked {
			sent := req.Dict("PairRecord")
			if sent.String("HostID") != rec.HostID || !bytes.Equal(sent.Data("DeviceCertificate"), rec.DeviceCertificate) {
				t.Error("another host asks each time")
			}
			keys := slices.Sorted(maps.Keys(sent))
			if want := "DeviceCertificate HostCertificate HostID RootCertificate SystemBUID"; strings.Join(keys, " ") != want {
				t.Errorf("the device was sent %v", keys)
			}
			if req.String("ProtocolVersion") != "2" || !req.Dict("PairingOptions").Bool("ExtendedPairingErrors") {
				t.Errorf("the device was asked %v", req)
			}
		}
		if rec.SystemBUID != "BUID" || string(rec.EscrowBag) != "bag" || rec.WiFiMACAddress != "aa:bb:cc:dd:ee:ff" || len(rec.HostID) != 36 {
			t.Error("the record lacks something")
		}
		checkCertificates(t, rec)
	})
}

// checkCertificates holds them against the form devices accept.
func checkCertificates(t *testing.T, rec *lockdown.PairRecord) {
	t.Helper()
	root := certificate(t, rec.RootCertificate)
	for name, cert := range map[string]*x509.Certificate{
		"root": root, "host": certificate(t, rec.HostCertificate), "device": certificate(t, rec.DeviceCertificate),
	} {
		years := time.Until(cert.NotAfter).Hours() / 24 / 365
		if cert.SerialNumber.Cmp(big.NewInt(1)) != 0 || len(cert.RawSubject) != 2 || len(cert.RawIssuer) != 2 ||
			cert.SignatureAlgorithm != x509.SHA256WithRSA || years < 9.9 || years > 10.1 || !cert.BasicConstraintsValid {
			t.Errorf("%s certificate: %+v", name, cert)
		}
		if cert.IsCA != (name == "root") {
			t.Errorf("%s certificate: authority %v", name, cert.IsCA)
		}
		if name != "root" && cert.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment {
			t.Errorf("%s certificate: usage %v", name, cert.KeyUsage)
		}
		if err := cert.CheckSignatureFrom(root); err != nil {
			t.Errorf("%s certificate: %v", name, err)
		}
	}
	if len(certificate(t, rec.DeviceCertificate).SubjectKeyId) != 20 {
		t.Error("device certificate without a key identifier")
	}
}

func certificate(t *testing.T, data []byte) *x509.Certificate {
	t.Helper()
	block, rest := pem.Decode(data)
	if block == nil || len(rest) != 0 {
		t.Fatal("no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestPairRefusals(t *testing.T) {
	for code, text := range map[lockdown.Code]string{
		lockdown.PasswordProtected:                   "locked",
		lockdown.UserDeniedPairing:                   "declined",
		lockdown.MCChallengeRequired:                 "supervised",
		lockdown.PairingProhibitedOverThisConnection: "cable",
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked []plist.Dict
			c := pairingDevice(t, &asked, string(lockdown.PairingDialogResponsePending), string(code))
			_, err := c.Pair(t.Context(), lockdown.PairOptions{})
			if !errors.Is(err, code) || !strings.Contains(err.Error(), text) || len(asked) != 2 {
				t.Errorf("%s: %v after %d requests", code, err, len(asked))
			}
		})
	}
}

func TestPairIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []plist.Dict
		c := pairingDevice(t, &asked, slices.Repeat([]string{string(lockdown.PairingDialogResponsePending)}, 100)...)
		ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
		defer cancel()
		if _, err := c.Pair(ctx, lockdown.PairOptions{}); !errors.Is(err, context.DeadlineExceeded) || len(asked) != 6 {
			t.Errorf("%v after %d requests", err, len(asked))
		}
	})
}

func TestPairWithStrangeKeys(t *testing.T) {
	for name, value := range map[string]any{
		"none": nil, "text": "-----BEGIN RSA PUBLIC KEY-----", "no PEM": []byte("x"),
		"empty PEM": []byte("-----BEGIN RSA PUBLIC KEY-----\n-----END RSA PUBLIC KEY-----\n"),
	} {
		c := device(t, func(req plist.Dict) plist.Dict {
			if req.String("Key") != "DevicePublicKey" || value == nil {
				return said(req, plist.Dict{"Error": "MissingValue"})
			}
			return said(req, plist.Dict{"Value": value})
		})
		if _, err := c.Pair(t.Context(), lockdown.PairOptions{}); err == nil {
			t.Errorf("%s: paired", name)
		}
	}
}

func TestUnpair(t *testing.T) {
	var got plist.Dict
	c := device(t, func(req plist.Dict) plist.Dict {
		got = req
		return plist.Dict{"Request": "Pair"} // devices were seen to say so
	})
	rec := record(t)
	if err := c.Unpair(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	sent := got.Dict("PairRecord")
	if got.String("Request") != "Unpair" || sent.String("HostID") != rec.HostID ||
		!bytes.Equal(sent.Data("EscrowBag"), rec.EscrowBag) || sent.String("WiFiMACAddress") != rec.WiFiMACAddress {
		t.Error("the device was asked something else")
	}
	if sent.Has("HostPrivateKey") || sent.Has("RootPrivateKey") {
		t.Error("private keys went to the device")
	}
}
