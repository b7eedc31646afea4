package lockdown

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"strings"
)

// tagSize is how much of the HMAC a device announces.
const tagSize = 8

// Advertised reports whether a device that announces these TXT strings of
// _apple-mobdev2._tcp trusts this host: since iOS 26.4 the address in its name
// is a random one, and instead it announces "identifier=…" and, for every host
// it trusts, "authTag=…", "authTag#0=…", "authTag#1=…". Several devices may have
// been paired under one HostID, so this says where to knock, not who opens.
//
// The scheme is that of netmuxd and pymobiledevice3: the key is HKDF-SHA512 of
// the HostID, without salt and info, 32 bytes; the tag is the first 8 bytes of
// HMAC-SHA256(key, identifier), as base64.
func (r *PairRecord) Advertised(text []string) bool {
	identifier, tags := "", [][]byte(nil)
	for _, s := range text {
		key, value, _ := strings.Cut(s, "=")
		switch key = strings.ToLower(strings.TrimSpace(key)); {
		case key == "identifier":
			identifier = value
		case key == "authtag", strings.HasPrefix(key, "authtag#"):
			if tag, ok := decodeTag(value); ok {
				tags = append(tags, tag)
			}
		}
	}
	if identifier == "" || len(tags) == 0 || r.HostID == "" {
		return false
	}
	key, err := hkdf.Key(sha512.New, []byte(r.HostID), nil, "", 32)
	if err != nil {
		return false // only under FIPS rules that forbid short secrets
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(identifier))
	ours := mac.Sum(nil)[:tagSize]
	for _, tag := range tags {
		if hmac.Equal(tag, ours) {
			return true
		}
	}
	return false
}

// decodeTag reads a tag, with or without padding. Others than those of 8 bytes
// are ignored, as netmuxd does.
func decodeTag(s string) ([]byte, bool) {
	tag, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(s), "="))
	return tag, err == nil && len(tag) == tagSize
}
