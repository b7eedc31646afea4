package devicelink_test

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"russet/device/devicelink"
	"russet/internal/plist"
)

func TestHandshake(t *testing.T) {
	for device, want := range map[int64]int64{300: 300, 400: 400, 500: 400} {
		p, c := connect(t)
		done := make(chan error, 1)
		go func() { done <- c.Handshake(t.Context()) }()
		p.send(list{"DLMessageVersionExchange", device, 0})
		if got := p.receive(); !reflect.DeepEqual(got, list{"DLMessageVersionExchange", "DLVersionsOk", want}) {
			t.Errorf("version %d is answered %v", device, got)
		}
		p.send(list{"DLMessageDeviceReady"})
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestHandshakeRefused(t *testing.T) {
	refusals := map[string]func(*phone){
		"closed":    func(p *phone) { _ = p.conn.Close() },
		"no list":   func(p *phone) { p.send(plist.Dict{}) },
		"no name":   func(p *phone) { p.send(list{400}) },
		"no plist":  func(p *phone) { p.write(framed([]byte("SSH-2.0"))) },
		"other":     func(p *phone) { p.send(list{"DLMessageDisconnect", "no"}) },
		"not ready": func(p *phone) { p.send(list{"DLMessageVersionExchange", 400, 0}); p.receive(); p.send(list{"Bye"}) },
	}
	for name, refuse := range refusals {
		t.Run(name, func(t *testing.T) {
			p, c := connect(t)
			done := make(chan error, 1)
			go func() { done <- c.Handshake(t.Context()) }()
			refuse(p)
			if _, ok := errors.AsType[*devicelink.HandshakeError](<-done); !ok {
				t.Error("no HandshakeError")
			}
		})
	}
}

func TestUpload(t *testing.T) {
	d := newDir(t)
	d.put(t, udid+"/Snapshot/ab/old", "the old contents, longer than the new")
	d.put(t, udid+"/Snapshot/ab/broken", "stays")
	p, c := connect(t)
	var unread []devicelink.Unread
	done := serve(t.Context(), c, devicelink.Service{
		Files:  d,
		Unread: func(u devicelink.Unread) { unread = append(unread, u) },
	})
	long := strings.Repeat("0123456789", 60_000) // more than the buffer
	code, extra := p.upload(new(batch).
		file(udid+"/Snapshot/ab/old", "new").
		file(udid+"/Snapshot/cd/empty").
		file(udid+"/Snapshot/cd/two", "one ", "two").
		name("/var/x").name(udid+"/Snapshot/ab/broken").frame(0x0C, "partial").frame(0x0B, "Input/output error (5)").
		name("/var/y").name(udid+"/Snapshot/ab/never").frame(0x06, "gone").
		file(udid+"/Snapshot/ef/long", long, "end").
		file("/"+udid+"/Status.plist", "only looks absolute"))
	if code != 0 || len(extra) != 0 {
		t.Errorf("answer %d, %v", code, extra)
	}
	p.finish(done)
	want := map[string]string{
		udid + "/": "", udid + "/Snapshot/": "",
		udid + "/Snapshot/ab/": "", udid + "/Snapshot/cd/": "", udid + "/Snapshot/ef/": "",
		udid + "/Snapshot/ab/old":    "new",
		udid + "/Snapshot/ab/broken": "stays",
		udid + "/Snapshot/cd/empty":  "",
		udid + "/Snapshot/cd/two":    "one two",
		udid + "/Snapshot/ef/long":   long + "end",
		udid + "/Status.plist":       "only looks absolute",
	}
	if got := d.files(t); !maps.Equal(got, want) {
		t.Errorf("there are %v", slices.Sorted(maps.Keys(got)))
	}
	wantUnread := []devicelink.Unread{
		{Device: "/var/x", Name: udid + "/Snapshot/ab/broken", Code: -0x0B, Text: "Input/output error (5)"},
		{Device: "/var/y", Name: udid + "/Snapshot/ab/never", Code: -6, Text: "gone"},
	}
	if !slices.Equal(unread, wantUnread) {
		t.Errorf("unread: %v", unread)
	}
	if n := c.Traffic().Files; n != 5 {
		t.Errorf("%d files counted", n)
	}
}

// Whatever fails here, the batch is read to its end and the rest is kept.
func TestUploadStaysInStep(t *testing.T) {
	inside := udid + "/Snapshot/ab/"
	tests := map[string]struct {
		op   string
		err  error
		code int64
		item int64
	}{
		"cannot create": {"create", fs.ErrPermission, -13, -1},
		"cannot write":  {"write", syscall.EIO, -13, -11},
		"cannot commit": {"commit", syscall.EIO, -13, -11},
		"full":          {"write", &fs.PathError{Op: "write", Err: syscall.ENOSPC}, -15, -15},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDir(t)
			d.fault = func(op, name string) error {
				if op == tt.op && strings.HasSuffix(name, "bad") {
					return tt.err
				}
				return nil
			}
			p, c := connect(t)
			var failed []*devicelink.FileError
			done := serve(t.Context(), c, devicelink.Service{
				Files:  d,
				Failed: func(e *devicelink.FileError) { failed = append(failed, e) },
			})
			code, extra := p.upload(new(batch).
				file(inside+"first", "1").
				file(inside+"bad", "x", strings.Repeat("y", 300_000), "z").
				file(inside+"last", "2"))
			want := plist.Dict{inside + "bad": plist.Dict{
				"DLFileErrorCode":   tt.item,
				"DLFileErrorString": extra.Dict(inside + "bad").String("DLFileErrorString"),
			}}
			if code != tt.code || !reflect.DeepEqual(extra, want) {
				t.Errorf("answer %d, %v", code, extra)
			}
			if code, extra := p.upload(new(batch).file(inside+"next", "3")); code != 0 {
				t.Errorf("the next batch: %d, %v", code, extra)
			}
			p.finish(done)
			if len(failed) != 1 || failed[0].Name != inside+"bad" || !errors.Is(failed[0], tt.err) {
				t.Errorf("told of %v", failed)
			}
			got := d.files(t)
			for _, dir := range []string{udid + "/", udid + "/Snapshot/", inside} {
				delete(got, dir)
			}
			if want := (map[string]string{inside + "first": "1", inside + "last": "2", inside + "next": "3"}); !maps.Equal(got, want) {
				t.Errorf("there are %v", got)
			}
		})
	}
}

func TestUploadRefusesNames(t *testing.T) {
	d := newDir(t)
	p, c := connect(t)
	done := serve(t.Context(), c, devicelink.Service{Files: d})
	u := new(batch)
	for _, name := range outside {
		u.file(name, "evil")
	}
	code, extra := p.upload(u)
	if code != -13 || len(extra) == 0 {
		t.Errorf("answer %d with %d of %d items", code, len(extra), len(outside))
	}
	p.finish(done)
	if got := d.files(t); len(got) != 0 {
		t.Errorf("there are %v", got)
	}
}

func TestDownload(t *testing.T) {
	d := newDir(t)
	long := strings.Repeat("abcdefg", 100_000)
	d.put(t, udid+"/ab/long", long)
	d.put(t, udid+"/ab/empty", "")
	d.put(t, udid+"/ab/ill", "ill")
	d.put(t, udid+"/ab/last", "last")
	d.fault = func(op, name string) error {
		if op == "read" && strings.HasSuffix(name, "ill") {
			return syscall.EIO
		}
		return nil
	}
	p, c := connect(t)
	done := serve(t.Context(), c, devicelink.Service{Files: d})

	got, code, extra := p.download(udid+"/ab/long", udid+"/none", udid+"/ab", "../etc/passwd", udid+"/ab/ill", udid+"/ab/empty", udid+"/ab/last")
	want := []received{
		{udid + "/ab/long", []byte(long), 0, ""},
		{udid + "/none", nil, 6, "No such file or directory"},
		{udid + "/ab", nil, 9, "Is a directory"},
		{"../etc/passwd", nil, 3, "Invalid argument"},
		{udid + "/ab/ill", []byte("ill"), 11, "Input/output error"},
		{udid + "/ab/empty", nil, 0, ""},
		{udid + "/ab/last", []byte("last"), 0, ""},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("received %.300v", got)
	}
	if code != -13 || len(extra) != 4 || extra.Dict(udid+"/none").Int("DLFileErrorCode") != -6 {
		t.Errorf("answer %d, %v", code, extra)
	}
	if got, code, extra := p.download(udid + "/ab/last"); len(got) != 1 || code != 0 || extra == nil {
		t.Errorf("a good one: %v, %d, %v", got, code, extra)
	}
	if got, code, extra := p.download(); got != nil || code != 0 || extra == nil {
		t.Errorf("no name at all: %v, %d, %v", got, code, extra)
	}
	p.finish(done)
}

// The bytes of a missing Status.plist, as recorded from libimobiledevice.
func TestDownloadMissingBytes(t *testing.T) {
	p, c := connect(t)
	done := serve(t.Context(), c, devicelink.Service{Files: newDir(t)})
	p.send(list{"DLMessageDownloadFiles", list{udid + "/Status.plist"}, plist.Dict{}, 0.0, 0})
	want := "00000026" + hex.EncodeToString([]byte(udid+"/Status.plist")) +
		"0000001a06" + hex.EncodeToString([]byte("No such file or directory")) + "00000000"
	if got := hex.EncodeToString(p.bytes(uint32(len(want) / 2))); got != want {
		t.Errorf("sent %s", got)
	}
	p.status()
	p.finish(done)
}

func TestContents(t *testing.T) {
	d := newDir(t)
	d.put(t, udid+"/ab/full", "12345")
	d.put(t, udid+"/ab/empty", "")
	d.put(t, udid+"/ab/sub/x", "")
	p, c := connect(t)
	done := serve(t.Context(), c, devicelink.Service{Files: d})
	code, extra := p.ask("DLContentsOfDirectory", udid+"/ab", plist.Dict{}, 0.0)
	got := map[string]string{}
	sizes := map[string]int64{}
	for name := range extra.(plist.Dict) {
		info := extra.(plist.Dict).Dict(name)
		got[name], sizes[name] = info.String("DLFileType"), info.Int("DLFileSize")
		if info.Time("DLFileModificationDate").IsZero() {
			t.Errorf("%s has no date", name)
		}
	}
	want := map[string]string{"full": "DLFileTypeRegular", "empty": "DLFileTypeRegular", "sub": "DLFileTypeDirectory"}
	if code != 0 || !maps.Equal(got, want) || sizes["full"] != 5 || sizes["empty"] != 0 {
		t.Errorf("%d, %v, %v", code, got, sizes)
	}
	code, extra = p.ask("DLContentsOfDirectory", udid+"/none", plist.Dict{}, 0.0)
	if d, ok := extra.(plist.Dict); code != 0 || !ok || len(d) != 0 {
		t.Errorf("a missing folder: %d, %v", code, extra)
	}
	if code, _ = p.ask("DLContentsOfDirectory", ".."); code != -3 {
		t.Errorf("a folder outside: %d", code)
	}
	p.finish(done)
}

func TestMoveRemoveCopy(t *testing.T) {
	d := newDir(t)
	d.put(t, udid+"/Snapshot/ab/1", "new")
	d.put(t, udid+"/ab/1", "old")
	d.put(t, udid+"/cd/2", "2")
	p, c := connect(t)
	done := serve(t.Context(), c, devicelink.Service{Files: d})

	code, extra := p.ask("DLMessageMoveItems", plist.Dict{
		udid + "/Snapshot/ab/1": udid + "/ab/1",
		udid + "/Snapshot/none": udid + "/ab/none",
		udid + "/cd/2":          "../2",
	}, plist.Dict{}, 80.0)
	failing := extra.(plist.Dict)
	if code != -13 || len(failing) != 2 || failing.Dict(udid+"/Snapshot/none").Int("DLFileErrorCode") != -6 ||
		failing.Dict(udid+"/cd/2").Int("DLFileErrorCode") != -3 {
		t.Errorf("move: %d, %v", code, extra)
	}
	code, extra = p.ask("DLMessageCopyItem", udid, udid+"-20260131-235959", plist.Dict{}, 80.0, 0)
	if _, ok := extra.(plist.Dict); code != 0 || !ok {
		t.Errorf("copy: %d, %v", code, extra)
	}
	if code, _ = p.ask("DLMessageCopyItem", udid+"/none", udid+"/x"); code != -6 {
		t.Errorf("copy of nothing: %d", code)
	}
	code, extra = p.ask("DLMessageRemoveItems", list{udid + "/Snapshot", udid + "/none"}, plist.Dict{}, 90.0)
	if d, ok := extra.(plist.Dict); code != 0 || !ok || len(d) != 0 {
		t.Errorf("remove: %d, %v", code, extra)
	}
	if code, _ = p.ask("DLMessageRemoveDirectory", udid+"/cd"); code != 0 {
		t.Errorf("remove folder: %d", code)
	}
	if code, _ = p.ask("DLMessageRemoveItems", list{"/etc", 5, ""}); code != -13 {
		t.Errorf("remove outside: %d", code)
	}
	if code, extra = p.ask("DLMessageCreateDirectory", udid+"/ff", plist.Dict{}, 0.0); code != 0 || extra != "___EmptyParameterString___" {
		t.Errorf("make folder: %d, %v", code, extra)
	}
	if code, _ = p.ask("DLMessageCreateDirectory", "../ff"); code != -3 {
		t.Errorf("make folder outside: %d", code)
	}
	p.finish(done)
	dated := udid + "-20260131-235959/"
	want := []string{
		dated, dated + "Snapshot/", dated + "Snapshot/ab/", dated + "ab/", dated + "ab/1", dated + "cd/", dated + "cd/2",
		udid + "/", udid + "/ab/", udid + "/ab/1", udid + "/ff/",
	}
	got := d.files(t)
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) || got[udid+"/ab/1"] != "new" {
		t.Errorf("there are %v", names)
	}
}

func TestSpace(t *testing.T) {
	d := newDir(t)
	d.free = 123456789012
	p, c := connect(t)
	var free, asked int64
	done := serve(t.Context(), c, devicelink.Service{Files: d, Short: func(f, a int64) { free, asked = f, a }})
	if code, extra := p.ask("DLMessageGetFreeDiskSpace"); code != 0 || extra != d.free {
		t.Errorf("free: %d, %v", code, extra)
	}
	if code, _ := p.ask("DLMessagePurgeDiskSpace", 26418026591, 4); code != -1 {
		t.Errorf("purge: %d", code)
	}
	if free != d.free || asked != 26418026591 {
		t.Errorf("told of %d, %d", free, asked)
	}
	d.fault = func(string, string) error { return fs.ErrInvalid }
	if code, extra := p.ask("DLMessageGetFreeDiskSpace"); code != -1 || extra != int64(0) {
		t.Errorf("free, unknown: %d, %v", code, extra)
	}
	p.finish(done)
}

func TestOddMessages(t *testing.T) {
	p, c := connect(t)
	done := serve(t.Context(), c, devicelink.Service{Files: newDir(t)})
	if code, _ := p.ask("DLMessageFromTheFuture", 1, 2, 3); code != -1 {
		t.Errorf("an unknown message: %d", code)
	}
	p.send(list{"DLMessagePing", "hello"})
	p.send(list{})
	xml, err := plist.MarshalXML(list{"DLMessageCreateDirectory", udid + "/00"})
	if err != nil {
		t.Fatal(err)
	}
	p.write(framed(xml))
	if code, _, _ := p.status(); code != 0 {
		t.Errorf("a message in XML: %d", code)
	}
	for _, short := range []string{
		"DLMessageCreateDirectory", "DLMessageCopyItem", "DLMessageMoveItems", "DLMessageRemoveItems",
		"DLContentsOfDirectory", "DLMessagePurgeDiskSpace", "DLMessageRemoveDirectory",
	} {
		if _, extra := p.ask(short); extra == nil {
			t.Errorf("%s without items gets no proper answer", short)
		}
	}
	p.send(list{"DLMessageDisconnect", "Session complete"})
	if got := <-done; !errors.As(got.err, new(*devicelink.DisconnectError)) {
		t.Errorf("after a goodbye: %v", got.err)
	}
}

func TestDeviceGone(t *testing.T) {
	d := newDir(t)
	p, c := connect(t)
	done := serve(t.Context(), c, devicelink.Service{Files: d})
	p.send(list{"DLMessageUploadFiles", plist.Dict{}, 40.0, 100})
	p.write(new(batch).file(udid+"/whole", "1").name("/x").name(udid+"/torn").frame(0x0C, "half").b)
	_ = p.conn.Close()
	if got := <-done; !errors.As(got.err, new(*devicelink.LostError)) {
		t.Errorf("Serve = %v", got.err)
	}
	if got := d.files(t); !maps.Equal(got, map[string]string{udid + "/": "", udid + "/whole": "1"}) {
		t.Errorf("there are %v", got)
	}
}

func TestReadOnly(t *testing.T) {
	d := newDir(t)
	d.put(t, "Status.plist", "finished")
	d.put(t, "ab/1", "one")
	const target = "1234567890123456789012345678901234567890"
	p, c := connect(t)
	served := devicelink.ReadOnly(d.root.FS(), udid, func() (int64, error) { return 42, nil })
	done := serve(t.Context(), c, devicelink.Service{Files: served, Folders: []string{udid, target}})
	got, code, _ := p.download(udid+"/ab/1", target+"/Info.plist", udid+"2/Status.plist")
	if code != -13 || len(got) != 3 || string(got[0].data) != "one" || got[1].code != 6 || got[2].code != 3 {
		t.Errorf("%d, %v", code, got)
	}
	if code, extra := p.ask("DLContentsOfDirectory", udid); code != 0 || len(extra.(plist.Dict)) != 2 {
		t.Errorf("contents: %d, %v", code, extra)
	}
	if code, extra := p.ask("DLMessageGetFreeDiskSpace"); code != 0 || extra != int64(42) {
		t.Errorf("free: %d, %v", code, extra)
	}
	refusals := []list{
		{"DLMessageCreateDirectory", udid + "/x"},
		{"DLMessageRemoveItems", list{udid}},
		{"DLMessageMoveItems", plist.Dict{udid: target}},
		{"DLMessageCopyItem", udid, target},
		{"DLMessagePurgeDiskSpace", 1, 4},
	}
	for _, r := range refusals {
		if code, _ := p.ask(r...); code >= 0 {
			t.Errorf("%v is answered %d", r, code)
		}
	}
	if code, _ := p.upload(new(batch).file(udid+"/x", "y")); code != -13 {
		t.Errorf("an upload is answered %d", code)
	}
	p.finish(done)
}

func TestServeNeedsNoWatchers(t *testing.T) {
	p, c := connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := serve(ctx, c, devicelink.Service{Files: newDir(t)})
	if code, _ := p.upload(new(batch).name("d").name("../h").frame(0x0B, "x")); code != -13 {
		t.Errorf("answer %d", code)
	}
	cancel()
	if got := <-done; !errors.Is(got.err, context.Canceled) {
		t.Errorf("Serve = %v", got.err)
	}
}
