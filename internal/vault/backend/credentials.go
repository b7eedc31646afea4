package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"russet/internal/secrets"
)

// Credentials open a place that is not a folder. Printed, logged or given to
// encoding/json they show nothing; Encode and DecodeCredentials are the way
// into and out of a sealed file.
type Credentials struct {
	AccessKey    string         // S3
	SecretKey    secrets.Secret // S3
	SessionToken secrets.Secret // S3, for keys that expire
	User         string         // SFTP and WebDAV, when the address names none
	Password     secrets.Secret // SFTP and WebDAV
	PrivateKey   secrets.Secret // SFTP: PEM
	Passphrase   secrets.Secret // SFTP: of the private key
	KnownHosts   string         // SFTP: lines as in known_hosts, for every kind of key the server has
	Certificate  string         // S3: PEM of the server's own, when no known authority vouches for it
}

// sealed is how credentials lie in a sealed file.
type sealed struct {
	AccessKey    string `json:"accessKey,omitempty"`
	SecretKey    string `json:"secretKey,omitempty"`
	SessionToken string `json:"sessionToken,omitempty"`
	User         string `json:"user,omitempty"`
	Password     string `json:"password,omitempty"`
	PrivateKey   string `json:"privateKey,omitempty"`
	Passphrase   string `json:"passphrase,omitempty"`
	KnownHosts   string `json:"knownHosts,omitempty"`
	Certificate  string `json:"certificate,omitempty"`
}

// Encode gives the credentials as JSON, secrets and all: for a sealed file,
// nothing else.
func (c Credentials) Encode() ([]byte, error) {
	return json.Marshal(sealed{
		AccessKey: c.AccessKey, SecretKey: string(c.SecretKey), SessionToken: string(c.SessionToken), User: c.User,
		Password: string(c.Password), PrivateKey: string(c.PrivateKey), Passphrase: string(c.Passphrase), KnownHosts: c.KnownHosts,
		Certificate: c.Certificate,
	})
}

// DecodeCredentials reads what Encode gave.
func DecodeCredentials(data []byte) (Credentials, error) {
	if len(data) > secrets.MaxSize {
		return Credentials{}, errors.New("read credentials: too long")
	}
	var s sealed
	if err := json.Unmarshal(data, &s); err != nil {
		// The error of encoding/json may quote what it could not read.
		return Credentials{}, errors.New("read credentials: not the JSON they were kept as")
	}
	return Credentials{
		AccessKey: s.AccessKey, SecretKey: secrets.Secret(s.SecretKey), SessionToken: secrets.Secret(s.SessionToken), User: s.User,
		Password: secrets.Secret(s.Password), PrivateKey: secrets.Secret(s.PrivateKey), Passphrase: secrets.Secret(s.Passphrase), KnownHosts: s.KnownHosts,
		Certificate: s.Certificate,
	}, nil
}

// Format prints nothing, whatever the verb.
func (Credentials) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "…") }

// LogValue gives nothing away.
func (Credentials) LogValue() slog.Value { return slog.StringValue("…") }
