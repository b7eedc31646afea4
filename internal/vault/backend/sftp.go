package backend

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/kopia/kopia/repo/blob"
	kopiasftp "github.com/kopia/kopia/repo/blob/sftp"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"russet/internal/secrets"
)

const sftpPort = 22

// openSFTP leaves the credentials of o ready for withSFTP.
func openSFTP(ctx context.Context, o *Options) (blob.Storage, error) {
	l := o.Location
	if l.User != "" {
		o.Credentials.User = l.User
	}
	if err := checkSFTP(&o.Credentials); err != nil {
		return nil, err
	}
	c := o.Credentials
	if err := lookSFTP(ctx, *o); err != nil {
		return nil, err
	}
	port := l.Port
	if port == 0 {
		port = sftpPort
	}
	host := Location{Host: l.Host}.address(0)
	return kopiasftp.New(ctx, &kopiasftp.Options{
		Path: l.Path, Host: host, Port: port, Username: c.User, Password: string(c.Password), KeyData: string(c.PrivateKey),
		KnownHostsData: c.KnownHosts, Options: shards(),
	}, o.Create)
}

// checkSFTP refuses what kopia would make up from the home of the user, and
// opens a private key that has a passphrase.
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

// lookSFTP finds the folder, or makes it. Kopia would make it unasked.
func lookSFTP(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	return withSFTP(ctx, o, func(client *sftp.Client) error {
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

// withSFTP lends a connection of its own, which ends with ctx.
func withSFTP(ctx context.Context, o Options, use func(*sftp.Client) error) error {
	check, err := hostKeyCheck(o.Credentials.KnownHosts)
	if err != nil {
		return err
	}
	auth := ssh.Password(string(o.Credentials.Password))
	if o.Credentials.Password == "" {
		signer, err := ssh.ParsePrivateKey([]byte(o.Credentials.PrivateKey))
		if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
			return refuse("the private key has a passphrase", "give the passphrase, too")
		}
		if err != nil {
			return refuse("the private key cannot be read", "give the whole file, beginning with -----BEGIN")
		}
		auth = ssh.PublicKeys(signer)
	}
	conn, err := dialSSH(ctx, o.Location, &ssh.ClientConfig{User: o.Credentials.User, Auth: []ssh.AuthMethod{auth}, HostKeyCallback: check})
	if err != nil {
		return err
	}
	defer conn.Close()
	client, err := sftp.NewClient(conn)
	if err != nil {
		return err
	}
	defer client.Close()
	return use(client)
}

// dialSSH connects. The connection ends with ctx, whatever the server does.
func dialSSH(ctx context.Context, l Location, config *ssh.ClientConfig) (*ssh.Client, error) {
	address := l.address(sftpPort)
	conn, err := (&net.Dialer{Timeout: firstLook}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	c, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		stop()
		return nil, errors.Join(err, conn.Close())
	}
	return ssh.NewClient(c, channels, requests), nil
}

// hostKeyCheck compares host keys with lines of known_hosts. The package that
// reads them takes only files; they are no secret.
func hostKeyCheck(lines string) (ssh.HostKeyCallback, error) {
	f, err := os.CreateTemp("", "russet-known-hosts-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(lines)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	check, err := knownhosts.New(f.Name())
	if err != nil {
		return nil, refuse("the known host keys cannot be read", "give lines as in known_hosts")
	}
	return check, nil
}
