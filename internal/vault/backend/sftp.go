package backend

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"

	"github.com/kopia/kopia/repo/blob"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"russet/internal/secrets"
)

const sftpPort = 22

// openSFTP leaves the credentials of o ready for dialSFTP. heard is told whenever
// the server says something.
func openSFTP(ctx context.Context, o *Options, heard func()) (blob.Storage, error) {
	l := o.Location
	if l.User != "" {
		o.Credentials.User = l.User
	}
	if err := checkSFTP(&o.Credentials); err != nil {
		return nil, err
	}
	if err := lookSFTP(ctx, *o); err != nil {
		return nil, err
	}
	return newSFTP(*o, heard), nil
}

// checkSFTP refuses what is incomplete, and opens a private key that has a
// passphrase.
func checkSFTP(c *Credentials) error {
	switch {
	case c.User == "":
		return refuse("the vault has no user name", "write vault:sftp://user@host/folder")
	case c.KnownHosts == "":
		return refuse("the host key of the server is not known", "compare the server's fingerprints with those its owner tells you, then accept them")
	case c.Password == "" && c.PrivateKey == "":
		return refuse("the vault has neither a password nor a private key", "give one of them")
	case c.Password != "" || c.Passphrase == "":
		return nil
	}
	key, err := ssh.ParseRawPrivateKeyWithPassphrase([]byte(c.PrivateKey), []byte(c.Passphrase))
	if err != nil {
		return refuse("the private key cannot be opened", "check its passphrase")
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return fmt.Errorf("private key: %w", err)
	}
	c.PrivateKey = secrets.Secret(pem.EncodeToMemory(block))
	return nil
}

// lookSFTP finds the folder, or makes it.
func lookSFTP(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	return withSFTP(ctx, o, func() {}, func(client *sftp.Client) error {
		folder := o.Location.Path
		info, err := client.Stat(folder)
		switch {
		case err == nil && !info.IsDir():
			return refuse(fmt.Sprintf("%q is no folder", folder), "choose another place for the vault")
		case errors.Is(err, fs.ErrNotExist) && o.Create && !o.ReadOnly:
			if err := client.MkdirAll(folder); err != nil {
				return fmt.Errorf("make the folder %q: %w", folder, err)
			}
			return client.Chmod(folder, 0o700)
		}
		return err
	})
}
