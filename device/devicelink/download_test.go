package devicelink_test

import (
	"encoding/hex"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"russet/device/devicelink"
	"russet/internal/plist"
)

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
