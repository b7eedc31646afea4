package backend

import (
	"context"
	"time"

	"github.com/kopia/kopia/repo/blob"
	"github.com/kopia/kopia/repo/blob/s3"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// firstLook is how long a server may take for its first answers.
const firstLook = 30 * time.Second

func openS3(ctx context.Context, o Options) (blob.Storage, error) {
	l, c := o.Location, o.Credentials
	if c.AccessKey == "" || c.SecretKey == "" {
		// Kopia would look for keys in the environment and in the cloud's own net.
		return nil, refuse("the vault has no access key", "give the access key and the secret key of the bucket")
	}
	prefix := l.Prefix
	if prefix != "" {
		prefix += "/"
	}
	if err := lookS3(ctx, o, prefix); err != nil {
		return nil, err
	}
	return s3.New(ctx, &s3.Options{
		BucketName: l.Bucket, Prefix: prefix, Endpoint: l.address(0), DoNotUseTLS: !l.TLS, Region: l.Region,
		AccessKeyID: c.AccessKey, SecretAccessKey: string(c.SecretKey), SessionToken: string(c.SessionToken),
		RootCA: []byte(c.Certificate),
	}, o.Create)
}

// lookS3 lists what the vault would list: that needs the bucket, the key and
// the right to see this prefix, and asks once instead of ten times.
func lookS3(ctx context.Context, o Options, prefix string) error {
	l, c := o.Location, o.Credentials
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	transport, err := webTransport(o)
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	client, err := minio.New(l.address(0), &minio.Options{
		Creds: credentials.NewStaticV4(c.AccessKey, string(c.SecretKey), string(c.SessionToken)), Secure: l.TLS, Region: l.Region,
		Transport: transport, MaxRetries: 2,
	})
	if err != nil {
		return err
	}
	for o := range client.ListObjects(ctx, l.Bucket, minio.ListObjectsOptions{Prefix: prefix, MaxKeys: 1}) {
		return o.Err // the first answer is enough
	}
	return nil
}
