package devicelink_test

import (
	"context"
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

func TestUploadStaysInStep(t *testing.T) {
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
		t.Run(name, func(t *testing.T) { uploadFailing(t, tt.op, tt.err, tt.code, tt.item) })
	}
}

// uploadFailing has op fail for one file of several.
func uploadFailing(t *testing.T, op string, fault error, wantCode, wantItem int64) {
	inside := udid + "/Snapshot/ab/"
	d := newDir(t)
	d.fault = func(at, name string) error {
		if at == op && strings.HasSuffix(name, "bad") {
			return fault
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
		"DLFileErrorCode":   wantItem,
		"DLFileErrorString": extra.Dict(inside + "bad").String("DLFileErrorString"),
	}}
	if code != wantCode || !reflect.DeepEqual(extra, want) {
		t.Errorf("answer %d, %v", code, extra)
	}
	if code, extra := p.upload(new(batch).file(inside+"next", "3")); code != 0 {
		t.Errorf("the next batch: %d, %v", code, extra)
	}
	p.finish(done)
	if len(failed) != 1 || failed[0].Name != inside+"bad" || !errors.Is(failed[0], fault) {
		t.Errorf("told of %v", failed)
	}
	got := d.files(t)
	for _, dir := range []string{udid + "/", udid + "/Snapshot/", inside} {
		delete(got, dir)
	}
	if want := (map[string]string{inside + "first": "1", inside + "last": "2", inside + "next": "3"}); !maps.Equal(got, want) {
		t.Errorf("there are %v", got)
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
