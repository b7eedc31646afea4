package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/kopia/kopia/repo/blob"
	"github.com/minio/minio-go/v7"
	"github.com/pkg/sftp"
	"github.com/studio-b12/gowebdav"

	"russet"
)

// TestExplain: what the places say, in a person's words. The servers of the
// other tests say some of it themselves; a full disk is hard to have.
func TestExplain(t *testing.T) {
	folder := Location{Kind: File, Path: "/srv/vault"}
	s3 := Location{Kind: S3, Host: "nas", Port: 9000, Bucket: "phones"}
	dav := Location{Kind: WebDAV, Host: "nas", Path: "/vault"}
	ssh := Location{Kind: SFTP, Host: "nas", Path: "/vault"}
	for _, c := range []struct {
		l    Location
		err  error
		kind russet.Kind
		says string
	}{
		{folder, &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, russet.NoSpace, "no space left on the disk"},
		{folder, fmt.Errorf("wrapped: %w", fs.ErrPermission), russet.Usage, "may not use the folder"},
		{folder, syscall.EIO, russet.Failed, "input/output"},
		{folder, io.ErrUnexpectedEOF, russet.Failed, "EOF"},
		{s3, minio.ErrorResponse{Code: "QuotaExceeded", StatusCode: 403}, russet.NoSpace, "no space"},
		{s3, minio.ErrorResponse{Code: "XMinioStorageFull", StatusCode: 507}, russet.NoSpace, "no space"},
		{s3, minio.ErrorResponse{Code: "SignatureDoesNotMatch", StatusCode: 403}, russet.Usage, "refuses the access key"},
		{s3, blob.ErrInvalidCredentials, russet.Usage, "expired"},
		{s3, minio.ErrorResponse{Code: "NoSuchBucket", StatusCode: 404}, russet.Usage, `no bucket "phones"`},
		{s3, minio.ErrorResponse{Code: "SlowDown", StatusCode: 503}, russet.NotConnected, "does not answer"},
		{s3, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, russet.NotConnected, "does not answer"},
		{dav, gowebdav.NewPathError("Write", "x", 507), russet.NoSpace, "no space"},
		{dav, gowebdav.NewPathError("Write", "x", 401), russet.Usage, "password"},
		{dav, gowebdav.NewPathError("Write", "x", 502), russet.NotConnected, "does not answer"},
		{dav, &net.DNSError{Err: "no such host"}, russet.NotConnected, "does not answer"},
		{ssh, &sftp.StatusError{Code: sftpNoSpace}, russet.NoSpace, "no space"},
		{ssh, &sftp.StatusError{Code: 4}, russet.Failed, "write"},
		{ssh, fmt.Errorf("x: %w", os.ErrPermission), russet.Usage, "does not let"},
		{ssh, sftp.ErrSSHFxConnectionLost, russet.NotConnected, "does not answer"},
		{ssh, context.DeadlineExceeded, russet.NotConnected, "does not answer"},
	} {
		err := explain(c.l, "write to the vault", c.err)
		if russet.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || !errors.Is(err, c.err) && c.kind != russet.Failed {
			t.Errorf("%s, %v: kind %d, %v", c.l.Kind, c.err, russet.KindOf(err), err)
		}
		if e, ok := errors.AsType[*russet.Error](err); ok && e.Hint == "" {
			t.Errorf("%v: no next step", c.err)
		}
	}
	for _, plain := range []error{nil, context.Canceled, blob.ErrBlobNotFound, ErrReadOnly} {
		if err := explain(s3, "x", plain); err != plain { //nolint:errorlint // the very same
			t.Errorf("%v becomes %v", plain, err)
		}
	}
}
