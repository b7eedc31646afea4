package devicelink_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"russet/device/devicelink"
	"russet/internal/plist"
)

// outside are names that no device may use for files of udid.
var outside = []string{
	"../outside.txt",
	"../../etc/passwd",
	"/etc/passwd",
	"//etc/passwd",
	"",
	"/",
	".",
	"..",
	udid + "/../outside",
	udid + "/..",
	udid + "/a/../../outside",
	udid + "//../x",
	udid + "/./../x",
	udid + "/x/../",
	"./../" + udid,
	"././",
	udid + "/nul\x00byte",
	udid + "/\xff\xfe",
	udid + "/" + strings.Repeat("x", 256),
	udid + "x/file",
	udid + "-20260131-23595/x",
	udid + "-2026013x-235959/x",
	udid + "-20260131-235959x/x",
	"." + udid + "/x",
	strings.ToLower(udid) + "/x",
	"00008110-0001ABCD12345679/Status.plist",
	".b/6/Containers/x",
	".russet/journal",
}

func TestWithin(t *testing.T) {
	for _, name := range outside {
		if len(name) > devicelink.MaxPath {
			t.Fatalf("%.40q could not even be sent", name)
		}
		if got, err := devicelink.Within([]string{"", udid}, name); !errors.As(err, new(*devicelink.NameError)) {
			t.Errorf("%.60q is taken as %.60q, %v", name, got, err)
		}
	}
	inside := map[string]string{
		udid:                                   udid,
		udid + "/Status.plist":                 udid + "/Status.plist",
		"/" + udid + "/ab/cd":                  udid + "/ab/cd",
		udid + "-20260131-235959":              udid + "-20260131-235959",
		udid + "-20260131-235959/x":            udid + "-20260131-235959/x",
		udid + `/back\slash`:                   udid + `/back\slash`,
		udid + "/new\nline/日本語":                udid + "/new\nline/日本語",
		udid + "/" + strings.Repeat("x", 255):  udid + "/" + strings.Repeat("x", 255),
		udid + "/...":                          udid + "/...",
		udid + "/":                             udid,
		udid + "/Snapshot/":                    udid + "/Snapshot",
		udid + "//Snapshot":                    udid + "/Snapshot",
		"./" + udid + "/./ab//":                udid + "/ab",
		udid + "/-20260131-235959":             udid + "/-20260131-235959",
		"///" + udid + "/Snapshot/Manifest.db": udid + "/Snapshot/Manifest.db",
	}
	for name, want := range inside {
		if got, err := devicelink.Within([]string{udid}, name); err != nil || got != want {
			t.Errorf("%.60q is taken as %.60q, %v", name, got, err)
		}
	}
}

func TestNameTooLong(t *testing.T) {
	if _, err := devicelink.Name(strings.Repeat("a/", 2048) + "b"); err == nil {
		t.Error("a name of 4097 bytes passes")
	}
}

func FuzzWithin(f *testing.F) {
	for _, name := range outside {
		f.Add(name)
	}
	f.Add(udid + "/Snapshot/ab/cd")
	f.Fuzz(func(t *testing.T, name string) {
		got, err := devicelink.Within([]string{udid}, name)
		if err != nil {
			return
		}
		if !fs.ValidPath(got) || !strings.HasPrefix(got, udid) || strings.ContainsRune(got, 0) {
			t.Errorf("%q is taken as %q", name, got)
		}
	})
}

// No request gets at a name outside, nor from one inside to one outside.
func TestRequestsStayInside(t *testing.T) {
	d := newDir(t)
	d.put(t, udid+"/x", "stays")
	p, c := connect(t)
	done := serve(t.Context(), c, devicelink.Service{Files: d})
	for _, name := range outside {
		if !utf8.ValidString(name) {
			continue // no property list can hold it
		}
		for _, request := range []list{
			{"DLMessageCreateDirectory", name},
			{"DLContentsOfDirectory", name},
			{"DLMessageMoveItems", plist.Dict{udid + "/x": name}},
			{"DLMessageMoveItems", plist.Dict{name: udid + "/y"}},
			{"DLMessageCopyItem", udid + "/x", name},
			{"DLMessageCopyItem", name, udid + "/y"},
			{"DLMessageRemoveItems", list{name}},
			{"DLMessageRemoveDirectory", name},
		} {
			if code, _ := p.ask(request...); code >= 0 {
				t.Errorf("%.100q is answered %d", request, code)
			}
		}
	}
	p.finish(done)
	if got := d.files(t); len(got) != 2 || got[udid+"/x"] != "stays" {
		t.Errorf("there are %v", got)
	}
}
