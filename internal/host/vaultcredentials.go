package host

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"russet"
	"russet/internal/home"
	"russet/internal/secrets"
	"russet/internal/vault/backend"
)

// maxCredentials bounds a file of credentials.
const maxCredentials = 256 << 10

// storageSecret names what opens the storage of a vault.
func storageSecret(store string) string { return "storage/" + store }

// keptCredentials are what opens the storage of a vault; a folder of this
// computer needs none.
func (h *Host) keptCredentials(st StoreSettings, l backend.Location) (backend.Credentials, error) {
	if l.Local() {
		return backend.Credentials{}, nil
	}
	data, err := h.home.Secret(storageSecret(st.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return backend.Credentials{}, &russet.Error{
			Kind: russet.Usage, Doing: fmt.Sprintf("open the vault %q", st.Name), What: "this computer does not know what opens its storage", Err: err,
			Hint: fmt.Sprintf("add it again: \"russet store remove %s\", \"russet store add %s %s\"", st.Name, st.Name, st.URL),
		}
	}
	if err != nil {
		return backend.Credentials{}, err
	}
	return backend.DecodeCredentials(data)
}

func (h *Host) keepCredentials(store string, l backend.Location, c backend.Credentials) error {
	if l.Local() {
		return nil
	}
	data, err := c.Encode()
	if err != nil {
		return errors.New("keep what opens the storage: it cannot be written down")
	}
	return h.home.PutSecret(storageSecret(store), data)
}

// CredentialsFromFile reads what opens the storage of a vault: JSON (see
// docs/formats/keys.md) or the ini form of AWS.
func CredentialsFromFile(name string) (backend.Credentials, error) {
	f, err := os.Open(name)
	if err != nil {
		return backend.Credentials{}, &russet.Error{
			Kind: russet.Usage, Doing: "read the credentials", What: home.FileProblem(err), Err: err,
			Hint: "--credentials-file names JSON, or a file as the aws program keeps it",
		}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCredentials+1))
	if err != nil {
		return backend.Credentials{}, fmt.Errorf("read the credentials: %w", err)
	}
	return ParseCredentials(data)
}

// ParseCredentials reads credentials in either form. No error quotes them.
func ParseCredentials(data []byte) (backend.Credentials, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	switch {
	case len(data) > maxCredentials:
		return backend.Credentials{}, badCredentials("the file is too long")
	case bytes.HasPrefix(data, []byte("{")):
		return credentialsJSON(data)
	default:
		return credentialsINI(data)
	}
}

func badCredentials(what string) error {
	return &russet.Error{
		Kind: russet.Usage, Doing: "read the credentials", What: what,
		Hint: `write JSON such as {"accessKey": "…", "secretKey": "…"} or {"user": "…", "password": "…"}, or the ini form of the aws program`,
	}
}

// credentialsFile is the JSON a person writes.
type credentialsFile struct {
	AccessKey    string `json:"accessKey"`
	SecretKey    string `json:"secretKey"`
	SessionToken string `json:"sessionToken"`
	User         string `json:"user"`
	Password     string `json:"password"`
	PrivateKey   string `json:"privateKey"` // PEM
	KeyFile      string `json:"privateKeyFile"`
	Passphrase   string `json:"passphrase"`
	KnownHosts   string `json:"knownHosts"` // lines
	HostsFile    string `json:"knownHostsFile"`
	Certificate  string `json:"certificate"` // PEM, of an S3 server nobody vouches for
	CertFile     string `json:"certificateFile"`
}

func credentialsJSON(data []byte) (backend.Credentials, error) {
	var c credentialsFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields() // a mistyped name would be a riddle later
	if err := d.Decode(&c); err != nil {
		// The error of encoding/json may quote a secret.
		return backend.Credentials{}, badCredentials("it is no JSON of credentials, or has a member that is not one of accessKey, secretKey, sessionToken, " +
			"user, password, privateKey, privateKeyFile, passphrase, knownHosts, knownHostsFile, certificate, certificateFile")
	}
	for _, from := range []struct {
		file string
		to   *string
	}{{c.KeyFile, &c.PrivateKey}, {c.HostsFile, &c.KnownHosts}, {c.CertFile, &c.Certificate}} {
		if from.file == "" {
			continue
		}
		text, err := readSmall(from.file)
		if err != nil {
			return backend.Credentials{}, err
		}
		*from.to = text
	}
	return backend.Credentials{
		AccessKey: c.AccessKey, SecretKey: secrets.Secret(c.SecretKey), SessionToken: secrets.Secret(c.SessionToken), User: c.User,
		Password: secrets.Secret(c.Password), PrivateKey: secrets.Secret(c.PrivateKey), Passphrase: secrets.Secret(c.Passphrase),
		KnownHosts: c.KnownHosts, Certificate: c.Certificate,
	}, nil
}

// PrivateKeyFromFile reads a private key for SFTP.
func PrivateKeyFromFile(name string) (secrets.Secret, error) {
	key, err := readSmall(name)
	return secrets.Secret(key), err
}

func readSmall(name string) (string, error) {
	path, err := absolute(name)
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", &russet.Error{Kind: russet.Usage, Doing: "read the credentials", What: home.FileProblem(err), Err: err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCredentials+1))
	if err != nil || len(data) > maxCredentials {
		return "", badCredentials(fmt.Sprintf("%q cannot be read or is too long", name))
	}
	return string(data), nil
}

// credentialsINI reads the first section of a file as the aws program keeps it
// in ~/.aws/credentials.
func credentialsINI(data []byte) (backend.Credentials, error) {
	var c backend.Credentials
	sections := 0
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			if sections++; sections > 1 {
				break
			}
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found {
			return backend.Credentials{}, badCredentials("a line of the file is no \"name = value\"")
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "aws_access_key_id":
			c.AccessKey = value
		case "aws_secret_access_key":
			c.SecretKey = secrets.Secret(value)
		case "aws_session_token":
			c.SessionToken = secrets.Secret(value)
		}
	}
	if lines.Err() != nil || c.AccessKey == "" || c.SecretKey == "" {
		return backend.Credentials{}, badCredentials("the file names no aws_access_key_id and aws_secret_access_key")
	}
	return c, nil
}

// CredentialsFromEnvironment are those of the variables every program for S3
// knows; false when they are not set.
func CredentialsFromEnvironment(getenv func(string) string) (backend.Credentials, bool) {
	c := backend.Credentials{
		AccessKey: getenv("AWS_ACCESS_KEY_ID"), SecretKey: secrets.Secret(getenv("AWS_SECRET_ACCESS_KEY")),
		SessionToken: secrets.Secret(getenv("AWS_SESSION_TOKEN")),
	}
	return c, c.AccessKey != "" && c.SecretKey != ""
}
