package devicelink_test

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"testing"

	"russet/device/devicelink"
	"russet/internal/plist"
)

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
	for request, names := range map[string]any{
		"DLMessageMoveItems": list{udid + "/a", udid + "/b"}, "DLMessageRemoveItems": udid + "/a", "DLMessageRemoveFiles": 5,
	} {
		if code, _ := p.ask(request, names); code != -3 {
			t.Errorf("%s of %v: %d", request, names, code)
		}
	}
	p.send(list{"DLMessageDownloadFiles", udid + "/a"})
	if end := p.uint32(); end != 0 {
		t.Errorf("files of no list: %x", end)
	}
	if code, _, _ := p.status(); code != -3 {
		t.Errorf("files of no list: %d", code)
	}
	p.send(list{"DLMessageDisconnect", "Session complete"})
	if got := <-done; !errors.As(got.err, new(*devicelink.DisconnectError)) {
		t.Errorf("after a goodbye: %v", got.err)
	}
}
