package devicelink_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"

	"russet/device/devicelink"
	"russet/internal/plist"
)

// sockets gives both ends of a Unix socket, which costs what a connection to
// usbmuxd costs.
func sockets(b *testing.B) (theirs, ours net.Conn) {
	b.Helper()
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			b.Error(err)
		}
		accepted <- conn
	}()
	if ours, err = net.Dial("unix", l.Addr().String()); err != nil {
		b.Fatal(err)
	}
	theirs = <-accepted
	b.Cleanup(func() { _ = theirs.Close(); _ = ours.Close(); _ = l.Close() })
	return theirs, ours
}

// run serves what say sends until it is done.
func run(b *testing.B, say func(*phone)) {
	b.Helper()
	theirs, ours := sockets(b)
	p := &phone{t: b, conn: theirs, in: newReader(theirs)}
	c := devicelink.NewConn(ours, slog.New(slog.DiscardHandler))
	done := serve(b.Context(), c, devicelink.Service{Files: guard{}})
	b.ReportAllocs()
	b.ResetTimer()
	say(p)
	p.finish(done)
}

func BenchmarkUploadLarge(b *testing.B) {
	const frames, size = 16, 256 << 10
	u := new(batch).name("/.b/7/x").name(udid + "/Snapshot/ab/x")
	for range frames {
		u.frame(0x0C, string(make([]byte, size)))
	}
	u.frame(0, "")
	b.SetBytes(frames * size)
	run(b, func(p *phone) {
		p.send(list{"DLMessageUploadFiles", plist.Dict{}, 40.0, 100})
		for range b.N {
			p.write(u.b)
		}
		p.write(make([]byte, 4))
		p.status()
	})
}

func BenchmarkUploadSmall(b *testing.B) {
	const files = 128
	u := new(batch)
	for i := range files {
		u.file(fmt.Sprintf("%s/Snapshot/%02x/%040x", udid, i, i), string(make([]byte, 4000)))
	}
	batch := u.end()
	run(b, func(p *phone) {
		for range (b.N + files - 1) / files { // b.N counts files
			p.send(list{"DLMessageUploadFiles", plist.Dict{}, 40.0, 100})
			p.write(batch)
			p.status()
		}
	})
}

func BenchmarkDownload(b *testing.B) {
	big := &bigFiles{size: 4 << 20}
	theirs, ours := sockets(b)
	p := &phone{t: b, conn: theirs, in: newReader(theirs)}
	c := devicelink.NewConn(ours, slog.New(slog.DiscardHandler))
	done := serve(b.Context(), c, devicelink.Service{Files: devicelink.ReadOnly(big, udid, nil)})
	b.SetBytes(big.size)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		p.send(list{"DLMessageDownloadFiles", list{udid + "/x"}, plist.Dict{}, 0.0, 0})
		frames := (big.size + 32<<10 - 1) / (32 << 10)
		sent := 4 + int64(len(udid)+2) + big.size + 5*(frames+1) + 4
		if _, err := io.CopyN(io.Discard, p.in, sent); err != nil {
			b.Fatal(err)
		}
		p.status()
	}
	p.finish(done)
}

func BenchmarkCreateDirectory(b *testing.B) {
	run(b, func(p *phone) {
		for range b.N {
			p.ask("DLMessageCreateDirectory", udid+"/Snapshot/ab", plist.Dict{}, 5.0)
		}
	})
}
