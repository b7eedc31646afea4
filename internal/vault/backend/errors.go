package backend

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/kopia/kopia/repo/blob"
	"github.com/minio/minio-go/v7"
	"github.com/pkg/sftp"
	"github.com/studio-b12/gowebdav"
	"golang.org/x/crypto/ssh/knownhosts"

	"russet"
	"russet/internal/durable"
)

// explain turns the failure of a place into what a person should know and do.
// What kopia must recognise, and what is nobody's fault, stays as it is.
func explain(l Location, doing string, err error) error {
	if err == nil || plain(err) {
		return err
	}
	e := &russet.Error{Doing: doing, Err: err}
	for _, known := range []func(Location, error, *russet.Error) bool{noRoom, refused, wrongKey, wrongCertificate, notThere, offline} {
		if known(l, err, e) {
			return e
		}
	}
	if l.Local() && errors.Is(err, fs.ErrPermission) {
		e.Kind, e.What = russet.Usage, fmt.Sprintf("this user may not use the folder %q", l.Path)
		e.Hint = "give the folder to the user that russet runs as"
		return e
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// plain errors need no explanation.
func plain(err error) bool {
	if _, ok := errors.AsType[*russet.Error](err); ok {
		return true
	}
	for _, known := range []error{
		context.Canceled, ErrReadOnly, errors.ErrUnsupported, blob.ErrBlobNotFound, blob.ErrInvalidRange, blob.ErrSetTimeUnsupported,
		blob.ErrBlobAlreadyExists, blob.ErrUnsupportedPutBlobOption, blob.ErrUnsupportedObjectLock, blob.ErrNotAVolume,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// status is the HTTP status in err, or 0.
func status(err error) int {
	if e, ok := errors.AsType[gowebdav.StatusError](err); ok {
		return e.Status
	}
	if e, ok := errors.AsType[minio.ErrorResponse](err); ok {
		return e.StatusCode
	}
	return 0
}

// code is the S3 code in err, or "".
func code(err error) string {
	e, _ := errors.AsType[minio.ErrorResponse](err)
	return e.Code
}

// Codes of SFTP, from version 5 on; servers of version 3 send them, too.
const (
	sftpNoSpace = 14
	sftpQuota   = 15
)

func noRoom(l Location, err error, e *russet.Error) bool {
	s, _ := errors.AsType[*sftp.StatusError](err)
	switch {
	case durable.IsFull(err), status(err) == http.StatusInsufficientStorage, s != nil && (s.Code == sftpNoSpace || s.Code == sftpQuota):
	case strings.Contains(code(err), "QuotaExceeded"), strings.Contains(code(err), "StorageFull"):
	default:
		return false
	}
	e.Kind, e.What = russet.NoSpace, "there is no space left "+where(l)
	e.Hint = "make room there, or delete backups"
	return true
}

func refused(l Location, err error, e *russet.Error) bool {
	s := status(err)
	switch {
	case errors.Is(err, blob.ErrInvalidCredentials), code(err) == "ExpiredToken":
		e.What, e.Hint = "the access key has expired", "give the vault a new one"
	case l.Kind == S3 && (s == http.StatusUnauthorized || s == http.StatusForbidden):
		e.What = fmt.Sprintf("%s refuses the access key, or the key may not use the bucket %q", l.address(0), l.Bucket)
		e.Hint = "check the access key, the secret key and what they are allowed to do; the clock of this computer must be right, too"
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		e.What, e.Hint = l.address(0)+" refuses the user name or the password", "check both, and whether the user may use the folder"
	case l.Kind == SFTP && strings.Contains(err.Error(), "unable to authenticate"):
		e.What, e.Hint = l.address(0)+" refuses the user name, the password or the private key", "check them by logging in with sftp"
	case l.Kind == SFTP && errors.Is(err, fs.ErrPermission):
		e.What, e.Hint = fmt.Sprintf("%s does not let this user use the folder %q", l.address(0), l.Path), "check whom the folder belongs to"
	default:
		return false
	}
	e.Kind = russet.Usage
	return true
}

func wrongKey(l Location, err error, e *russet.Error) bool {
	if _, ok := errors.AsType[*knownhosts.RevokedError](err); ok {
		e.Kind, e.What = russet.Usage, l.address(0)+" shows a host key that is marked as revoked"
		e.Hint = "do not use this server until its owner says why"
		return true
	}
	k, ok := errors.AsType[*knownhosts.KeyError](err)
	if !ok {
		return false
	}
	e.Kind, e.What = russet.Usage, "the host key of "+l.address(0)+" is not known"
	e.Hint = "compare the server's fingerprints with those its owner tells you, then accept them"
	if len(k.Want) > 0 {
		e.What = l.address(0) + " shows another host key than the known one"
		e.Hint = "the server was set up anew, has a kind of key that was not accepted yet, or someone stands between; ask its owner, then accept its keys anew"
	}
	return true
}

func wrongCertificate(l Location, err error, e *russet.Error) bool {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case unknown || name || invalid:
		e.What = "the certificate of " + l.address(0) + " is not to be trusted: it is made out by an unknown authority, to another name, or has run out"
		e.Hint = "check the server's name in the address; a private authority's certificate belongs into the system's store"
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		e.What, e.Hint = l.address(0)+" does not speak TLS", "write tls=off after the bucket (S3) or webdav instead of webdavs, if its network is to be trusted"
	default:
		return false
	}
	e.Kind = russet.Usage
	return true
}

// notThere is for what is opened; a blob that is not there is plain.
func notThere(l Location, err error, e *russet.Error) bool {
	switch {
	case code(err) == minio.NoSuchBucket:
		e.What, e.Hint = fmt.Sprintf("%s has no bucket %q", l.address(0), l.Bucket), "make the bucket there, or correct its name"
		e.Err = errors.Join(fs.ErrNotExist, err)
	case errors.Is(err, fs.ErrNotExist), l.Kind == WebDAV && status(err) == http.StatusNotFound:
		e.What, e.Hint = "there is no folder "+quoted(l), "correct the address, connect the disk, or make a new vault there"
		e.Err = errors.Join(fs.ErrNotExist, err)
	default:
		return false
	}
	e.Kind = russet.Usage
	return true
}

func offline(l Location, err error, e *russet.Error) bool {
	if l.Local() {
		return false
	}
	_, network := errors.AsType[net.Error](err)
	switch s := status(err); {
	case network, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
	case errors.Is(err, sftp.ErrSSHFxConnectionLost), errors.Is(err, sftp.ErrSSHFxNoConnection):
	case s == http.StatusBadGateway, s == http.StatusServiceUnavailable, s == http.StatusGatewayTimeout:
	default:
		return false
	}
	e.Kind, e.What = russet.NotConnected, l.address(0)+" does not answer"
	e.Hint = "check the network, the server's name and port, and that the server runs; what was stored is safe"
	return true
}

func where(l Location) string {
	if l.Local() {
		return fmt.Sprintf("on the disk of %q", l.Path)
	}
	return "on " + l.address(0)
}

func quoted(l Location) string {
	if l.Local() {
		return fmt.Sprintf("%q", l.Path)
	}
	return fmt.Sprintf("%q on %s", l.Path, l.address(0))
}
