// Package backend is where a vault keeps its bytes: a folder, an S3 bucket, an
// SFTP or a WebDAV server, as one type that kopia uses as its storage.
package backend
