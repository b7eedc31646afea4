package content_test

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"russet/vphone/content"
	"russet/vphone/disk"
	"russet/vphone/internal/plist"
)

func TestSameSeedSamePhone(t *testing.T) {
	dir := t.TempDir()
	if err := content.Make(t.Context(), dir, content.Options{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	folder, err := disk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	memory := tiny(t)
	if found := compare(t, folder, memory, content.CompareOptions{}); len(found) > 0 {
		t.Errorf("the same seed gave %d differences: %v", len(found), found[0])
	}
	a, b := walk(t, folder), walk(t, memory)
	for i := range min(len(a), len(b)) {
		if a[i].Inode != b[i].Inode || a[i].ScanSize != b[i].ScanSize || !a[i].ChangeTime.Equal(b[i].ChangeTime) || !a[i].Birth.Equal(b[i].Birth) {
			t.Errorf("%q: %+v and %+v", a[i].Path, a[i], b[i])
		}
	}
	other := disk.NewMemory()
	if err := content.MakeOn(t.Context(), other, content.Options{Seed: 8}); err != nil {
		t.Fatal(err)
	}
	if found := compare(t, memory, other, content.CompareOptions{}); len(found) < 100 {
		t.Errorf("another seed gave only %d differences", len(found))
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		options content.Options
		files   int
		size    int64
	}{
		{content.Options{Profile: "big"}, 200, 2 << 30},
		{content.Options{Profile: "small-files", Files: 1500, Size: 6e6}, 1500, 6e6},
		{content.Options{Files: 900, Size: 60e6}, 900, 60e6},
	} {
		d, err := content.Generated(t.Context(), c.options)
		if err != nil {
			t.Fatal(err)
		}
		files, size := 0, int64(0)
		for _, e := range walk(t, d) {
			size += e.Size
			if e.Kind == disk.File {
				files++
			}
		}
		if files != c.files || size < c.size*97/100 || size > c.size*103/100 {
			t.Errorf("%+v: %d files, %d bytes", c.options, files, size)
		}
	}
}

func TestMadeUpPhone(t *testing.T) {
	dir := t.TempDir()
	if err := content.Make(t.Context(), dir, content.Options{Profile: "million", Files: 20_000, Seed: 3}); err != nil {
		t.Fatal(err)
	}
	d, err := disk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	churn(t, d, content.ChurnOptions{Seed: 3, Day: 1})
	if n := len(walk(t, d)); n < 20_000 || n > 21_500 {
		t.Errorf("%d entries", n)
	}
	if size := folderSize(t, dir); size > 8<<20 {
		t.Errorf("a made-up phone takes %d bytes", size)
	}
	exists(t, d, "HomeDomain", "Library/SMS/sms.db")
	if o, err := content.Load(dir); err != nil || o.Files != 20_000 || o.Seed != 3 {
		t.Errorf("loaded %+v, %v", o, err)
	}
}

func folderSize(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatAPhoneHolds(t *testing.T) {
	d := tiny(t)
	all := walk(t, d)
	kinds := make(map[string]int)
	for _, e := range all {
		kinds[strings.SplitN(e.Domain, "-", 2)[0]]++
		for what, is := range map[string]bool{
			"link": e.Kind == disk.Symlink && e.Target != "", "empty file": e.Kind == disk.File && e.Size == 0,
			"root": e.Path == "" && e.Kind == disk.Dir, "newline": strings.Contains(e.Path, "\n"), "backslash": strings.Contains(e.Path, `\`),
			"long name": len(e.Path[strings.LastIndexByte(e.Path, '/')+1:]) == 250, "NFD": strings.Contains(e.Path, "e\u0301"),
			"NFC": strings.Contains(e.Path, "\u00e9"), "negative group": e.GID < 0, "flag": e.Flags == 128, "class 7": e.Class == 7,
			"class 1": e.Class == 1, "class 2": e.Class == 2, "class 4": e.Class == 4, "large inode": e.Inode > 1<<53,
			"encrypted only": e.EncryptedOnly, "in iCloud": e.Kind == disk.File && e.Size == 0 && e.ScanSize > 0,
			"larger when scanned": e.Size > 0 && e.ScanSize > e.Size, "smaller when scanned": e.ScanSize > 0 && e.ScanSize < e.Size,
			"attributes": len(e.XAttrs) > 0,
		} {
			if is {
				kinds[what]++
			}
		}
		if e.Kind == disk.Dir && (e.Mode&0o170000 != 0o040000 || e.Class != 0) || e.Kind == disk.File && (e.Mode&0o170000 != 0o100000 || e.Class == 0) {
			t.Errorf("%q in %s: mode %#o, class %d", e.Path, e.Domain, e.Mode, e.Class)
		}
	}
	for _, want := range []string{
		"HomeDomain", "CameraRollDomain", "MediaDomain", "AppDomain", "AppDomainGroup", "AppDomainPlugin", "SysContainerDomain",
		"SysSharedContainerDomain", "HealthDomain", "HomeKitDomain", "KeychainDomain", "WirelessDomain", "RootDomain", "DatabaseDomain",
		"InstallDomain", "ManagedPreferencesDomain", "SystemPreferencesDomain", "KeyboardDomain", "BooksDomain", "TonesDomain",
		"link", "empty file", "root", "newline", "backslash", "long name", "NFD", "NFC", "negative group", "flag", "class 7", "class 1",
		"class 2", "class 4", "large inode", "encrypted only", "in iCloud", "larger when scanned", "smaller when scanned", "attributes",
	} {
		if kinds[want] == 0 {
			t.Errorf("nothing of the kind %q", want)
		}
	}
}

func TestPhotosCanBeSeen(t *testing.T) {
	d := tiny(t)
	photos := 0
	for _, e := range walk(t, d) {
		switch {
		case e.Kind != disk.File:
		case e.Domain == "CameraRollDomain" && strings.HasSuffix(strings.ToLower(e.Path), ".jpg"):
			if _, err := jpeg.Decode(bytes.NewReader(read(t, d, e.Domain, e.Path))); err != nil {
				t.Errorf("%s: %v", e.Path, err)
			}
			photos++
		case strings.HasSuffix(e.Path, ".plist") && e.Size > 0, strings.HasSuffix(e.Path, ".AAE"):
			if _, err := plist.Unmarshal(read(t, d, e.Domain, e.Path)); err != nil {
				t.Errorf("%s: %v", e.Path, err)
			}
		}
		if at, ok := e.XAttrs["com.apple.assetsd.addedDate"]; ok {
			if _, err := plist.Unmarshal(at); err != nil {
				t.Errorf("%s: date of addition: %v", e.Path, err)
			}
		}
	}
	if photos < 20 {
		t.Errorf("only %d photos and thumbnails", photos)
	}
}

func TestAppsHaveContainers(t *testing.T) {
	o := content.Options{Seed: 1}
	apps, err := content.Apps(o)
	if err != nil || len(apps) < 5 {
		t.Fatalf("%d applications, %v", len(apps), err)
	}
	d := tiny(t)
	for _, a := range apps {
		exists(t, d, "AppDomain-"+a.BundleID, "Library/Preferences/"+a.BundleID+".plist")
		for _, g := range a.Groups {
			exists(t, d, "AppDomainGroup-"+g, "")
		}
		for _, p := range a.Plugins {
			exists(t, d, "AppDomainPlugin-"+p, "")
		}
		icon, err := a.Icon()
		if err != nil {
			t.Fatal(err)
		}
		if m, err := png.DecodeConfig(bytes.NewReader(icon)); err != nil || m.Width != 60 {
			t.Errorf("icon of %s: %+v, %v", a.BundleID, m, err)
		}
	}
}

func TestMakeRefuses(t *testing.T) {
	if err := content.MakeOn(t.Context(), own(t), content.Options{}); err == nil {
		t.Error("a second phone was put on a disk")
	}
	if err := content.MakeOn(t.Context(), disk.NewMemory(), content.Options{Profile: "million"}); err == nil {
		t.Error("a million rows were put into memory")
	}
	if err := content.MakeOn(t.Context(), disk.NewMemory(), content.Options{Profile: "gigantic"}); err == nil {
		t.Error("an unknown profile was made")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := content.MakeOn(ctx, disk.NewMemory(), content.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling: %v", err)
	}
	dir := t.TempDir()
	if err := content.Make(t.Context(), dir, content.Options{Profile: "big"}); err != nil {
		t.Fatal(err)
	}
	if err := content.Make(t.Context(), dir, content.Options{}); err == nil {
		t.Error("a phone was made over another")
	}
	if !slices.Contains(content.Profiles(), "tiny") {
		t.Error("profiles lack the smallest")
	}
}
