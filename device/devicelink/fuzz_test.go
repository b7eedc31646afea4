package devicelink_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"russet/device/devicelink"
	"russet/internal/plist"
)

// guard is a Files that holds nothing and fails the test when a name arrives
// that should not have.
type guard struct{ t *testing.T }

func (g guard) check(names ...string) {
	for _, name := range names {
		first, _, _ := strings.Cut(name, "/")
		if !fs.ValidPath(name) || !strings.HasPrefix(first, udid) {
			g.t.Errorf("the name %q arrived", name)
		}
	}
}

func (g guard) Open(name string) (fs.File, error) {
	g.check(name)
	return fstest.MapFS{"f": {Data: []byte("some contents")}}.Open("f")
}

func (g guard) Create(name string) (devicelink.Upload, error) {
	g.check(name)
	return nothing{}, nil
}

func (g guard) ReadDir(name string) ([]fs.DirEntry, error) {
	g.check(name)
	return nil, fs.ErrNotExist
}

func (g guard) Mkdir(name string) error      { g.check(name); return nil }
func (g guard) Rename(from, to string) error { g.check(from, to); return nil }
func (g guard) Copy(from, to string) error   { g.check(from, to); return nil }
func (g guard) Remove(name string) error     { g.check(name); return nil }
func (g guard) Free() (int64, error)         { return 1 << 40, nil }

func (g guard) Purge(context.Context, int64, int) (int64, error) {
	return 0, errors.ErrUnsupported
}

// nothing is an upload that is dropped.
type nothing struct{}

func (nothing) Write(p []byte) (int, error) { return len(p), nil }
func (nothing) Commit() error               { return nil }
func (nothing) Abort() error                { return nil }

// script is a connection from which fixed bytes can be read, and to which
// anything can be written.
type script struct {
	net.Conn
	*bytes.Reader
}

func (s script) Read(p []byte) (int, error)       { return s.Reader.Read(p) }
func (s script) Write(p []byte) (int, error)      { return len(p), nil }
func (s script) Close() error                     { return nil }
func (s script) SetReadDeadline(time.Time) error  { return nil }
func (s script) SetWriteDeadline(time.Time) error { return nil }

// FuzzServe feeds the host whatever a device might send.
func FuzzServe(f *testing.F) {
	seed := func(parts ...any) {
		var b []byte
		for _, part := range parts {
			switch part := part.(type) {
			case []byte:
				b = append(b, part...)
			default:
				body, err := plist.MarshalBinary(part)
				if err != nil {
					f.Fatal(err)
				}
				b = append(b, framed(body)...)
			}
		}
		f.Add(b)
	}
	u := new(batch).file(udid+"/a", "1", "2").name("/x").name("../b").frame(0x0C, "x").frame(0x0B, "ill").end()
	seed(list{"DLMessageUploadFiles", plist.Dict{}, 1.0, 5}, u, list{"DLMessageProcessMessage", plist.Dict{"MessageName": "Response"}})
	seed(list{"DLMessageDownloadFiles", list{udid + "/a", "../x", 7}, plist.Dict{}, 1.0, 5}, list{"DLMessageDisconnect", "x"})
	seed(list{"DLMessageMoveItems", plist.Dict{udid + "/a": udid + "/b", "/x": "y"}, plist.Dict{}, 1.0}, list{})
	seed(list{"DLMessageRemoveItems", list{udid, ".."}}, list{"DLMessageCopyItem", udid, udid + "-20260131-235959"})
	seed(list{"DLContentsOfDirectory", udid}, list{"DLMessageCreateDirectory", "/" + udid}, list{"DLMessageGetFreeDiskSpace"})
	seed(list{"DLMessagePurgeDiskSpace", -1, uint64(1 << 63)}, list{"DLMessagePing"}, list{"?"}, []byte{0xFF})
	f.Fuzz(func(t *testing.T, stream []byte) {
		c := devicelink.NewConn(script{Reader: bytes.NewReader(stream)}, slog.New(slog.DiscardHandler))
		_, err := c.Serve(t.Context(), devicelink.Service{Files: guard{t}, Folders: []string{udid}})
		if err == nil || errors.Is(err, io.ErrUnexpectedEOF) ||
			errors.As(err, new(*devicelink.ProtocolError)) || errors.As(err, new(*devicelink.DisconnectError)) {
			return
		}
		t.Errorf("Serve = %v", err)
	})
}

// bigFiles is a folder in which every file is one of zeros.
type bigFiles struct{ size int64 }

func (b *bigFiles) Open(string) (fs.File, error) {
	return zeros{io.LimitReader(zeroReader{}, b.size)}, nil
}

type zeros struct{ io.Reader }

func (zeros) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
func (zeros) Close() error               { return nil }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }
