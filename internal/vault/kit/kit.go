// Package kit writes the recovery kit of a vault: a page or two, as text or as
// PDF, that open the vault when its password is forgotten, and that tell how to
// read it with a stock kopia when there is no russet.
//
// A kit is a key. It is written only where its owner says, readable by the
// owner alone, and never over something.
package kit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"russet/docs/recovery"
	"russet/internal/secrets"
)

// Kit is what a kit tells.
type Kit struct {
	Store string // what the owner calls the vault
	Vault string // its identifier
	Place Place
	Code  secrets.Secret // the recovery code, in groups
	Made  time.Time
}

// The kinds of places.
const (
	Folder = "file"
	S3     = "s3"
	SFTP   = "sftp"
	WebDAV = "webdav"
)

// Place is where the vault is. It holds no secret.
type Place struct {
	Address string // as russet writes it: vault:…
	Kind    string // Folder, S3, SFTP or WebDAV
	Path    string
	Host    string
	Port    int // 0 is the usual one
	User    string
	Bucket  string
	Prefix  string // without slashes at its ends
	Region  string
	TLS     bool
}

// ScriptName is the name of the script among the vault's blobs.
const ScriptName = "russet.open-keys.py"

// Script opens a keys file with Python alone. It lies in the vault, beside the
// keys.
func Script() string { return recovery.OpenKeys() }

// ErrKind: a kit's name must tell which of the two kinds it is.
var ErrKind = errors.New("the name of a kit ends in .txt or .pdf")

// CheckName refuses names of files that cannot become a kit, before anything
// else is done.
func CheckName(name string) error {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".txt", ".pdf":
		return nil
	}
	return fmt.Errorf("%q: %w", name, ErrKind)
}

// Write writes a kit to a new file, as text or PDF as the name says. A file
// that is there already is fs.ErrExist.
func (k Kit) Write(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	data := []byte(k.Text())
	if strings.EqualFold(filepath.Ext(name), ".pdf") {
		data = k.PDF()
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the recovery kit: %w", err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write the recovery kit: %w", err), os.Remove(name))
	}
	return nil
}
