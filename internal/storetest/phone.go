package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/mobilesync"
)

// Device is the phone of these tests, Other another one.
const (
	Device russet.UDID = "00008101-000A11112222001E"
	Other  russet.UDID = "0123456789abcdef0123456789abcdef01234567"
)

// Folder is a backup as a device writes it: its files by name.
type Folder map[string]string

// Contents is what is on a phone: files by domain and path, "HomeDomain/a/b".
type Contents map[string]string

// Make makes the folder of a finished backup of these contents. day tells
// states apart: it is in the dates.
func Make(tb testing.TB, device russet.UDID, day int, contents Contents) Folder {
	tb.Helper()
	dir := tb.TempDir()
	w, err := mobilesync.Create(dir, nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer w.Close()
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		domain, file, _ := strings.Cut(name, "/")
		r := mobilesync.Record{Domain: domain, Path: file, Kind: mobilesync.File}
		r.Size, r.Mode = int64(len(contents[name])), 0o100644
		if domain == "HomeDomain" {
			r.Digest = []byte{} // one of the domains with digests
		}
		if err := w.Add(tb.Context(), r, strings.NewReader(contents[name])); err != nil {
			tb.Fatal(err)
		}
	}
	when := time.Date(2026, 1, day, 12, 0, 0, 0, time.UTC)
	err = w.Finish(&mobilesync.Info{}, mobilesync.Manifest{Date: when, Lockdown: mobilesync.Lockdown{
		DeviceName: "A phone", ProductVersion: "26.0", UniqueDeviceID: string(device),
	}})
	if err != nil {
		tb.Fatal(err)
	}
	return Read(tb, os.DirFS(dir))
}

// Read reads a folder whole.
func Read(tb testing.TB, fsys fs.FS) Folder {
	tb.Helper()
	f := Folder{}
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		f[name] = string(data)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// differ says how two folders differ; "" if they do not.
func differ(got, want Folder) string {
	for name, data := range want {
		if _, ok := got[name]; !ok {
			return name + " is missing"
		}
		if got[name] != data {
			return fmt.Sprintf("%s has other bytes (%x, not %x)", name, sha256.Sum256([]byte(got[name])), sha256.Sum256([]byte(data)))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			return name + " is too much"
		}
	}
	return ""
}

func (f Folder) payloads() []string {
	var names []string
	for name := range f {
		if strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// phone plays what a device does during a run.
type phone struct {
	d      russet.Draft
	device russet.UDID
	to     Folder
	sent   int // payloads uploaded
}

// Play plays a run that takes the device's folder to the given state, from
// whatever the draft offers: the last backup, or the half of an interrupted run.
func Play(d russet.Draft, device russet.UDID, to Folder) (sent int, err error) {
	p := &phone{d: d, device: device, to: to}
	for _, step := range []func() error{p.begin, p.upload, p.move, p.remove, p.verify} {
		if err := step(); err != nil {
			return p.sent, err
		}
	}
	return p.sent, nil
}

func (p *phone) name(name string) string { return path.Join(string(p.device), name) }

func (p *phone) begin() error {
	if err := p.put("Info.plist", p.to["Info.plist"]); err != nil {
		return err
	}
	if _, err := p.d.Free(); err != nil {
		return err
	}
	for _, name := range append([]string{"Snapshot"}, p.to.payloads()...) {
		dir, _, _ := strings.Cut(name, "/")
		if err := errors.Join(p.d.Mkdir(p.name(dir)), p.d.Mkdir(p.name("Snapshot/"+dir))); err != nil {
			return err
		}
	}
	return p.status("uploading")
}

// upload sends what the host has neither in Snapshot nor in its place.
func (p *phone) upload() error {
	for _, name := range p.to.payloads() {
		inPlace, err := p.has(name)
		inSnapshot, err2 := p.sentBefore(name)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if inPlace || inSnapshot {
			continue
		}
		p.sent++
		if err := p.put("Snapshot/"+name, p.to[name]); err != nil {
			return err
		}
	}
	for _, name := range []string{"Manifest.plist", "Manifest.db"} {
		if err := p.put("Snapshot/"+name, p.to[name]); err != nil {
			return err
		}
	}
	return p.status("moving")
}

func (p *phone) move() error {
	for _, name := range append(p.to.payloads(), "Manifest.plist", "Manifest.db") {
		if ok, err := p.sentBefore(name); err != nil {
			return err
		} else if !ok {
			continue // moved before an interruption, or of an earlier state
		}
		if err := p.d.Rename(p.name("Snapshot/"+name), p.name(name)); err != nil {
			return err
		}
	}
	return p.status("removing")
}

func (p *phone) remove() error {
	listed, err := p.list()
	if err != nil {
		return err
	}
	for _, name := range listed {
		if _, ok := p.to[name]; !ok && strings.Contains(name, "/") && !strings.HasPrefix(name, "Snapshot/") {
			if err := p.d.Remove(p.name(name)); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(p.d.Remove(p.name("Manifest.mbdx")), p.d.Remove(p.name("Snapshot"))); err != nil {
		return err
	}
	return p.put("Status.plist", p.to["Status.plist"])
}

// verify is the walk at the end: every file is listed with its size, the
// manifests read back as they were sent.
func (p *phone) verify() error {
	listed, err := p.list()
	if err != nil {
		return err
	}
	for _, name := range p.to.payloads() {
		if !slices.Contains(listed, name) {
			return fmt.Errorf("the host does not list %s", name)
		}
	}
	for _, name := range []string{"Status.plist", "Manifest.plist", "Manifest.db"} {
		if got, err := p.read(name); err != nil || got != p.to[name] {
			return fmt.Errorf("%s reads back wrong: %w", name, err)
		}
	}
	return nil
}

func (p *phone) status(state string) error {
	data, err := mobilesync.Status{Version: "3.3", UUID: "0", BackupState: "new", SnapshotState: state}.Marshal()
	if err != nil {
		return err
	}
	return p.put("Status.plist", string(data))
}

func (p *phone) put(name, data string) error {
	u, err := p.d.Create(p.name(name))
	if err != nil {
		return err
	}
	if _, err := io.Copy(struct{ io.Writer }{u}, bytes.NewBufferString(data)); err != nil {
		return errors.Join(err, u.Abort())
	}
	return u.Commit()
}

// has reports whether the host holds the file as it is on the phone. (A phone
// knows from its own notes; it does not read payloads back.)
func (p *phone) has(name string) (bool, error) {
	got, err := p.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return got == p.to[name], err
}

// sentBefore reports whether the file arrived in Snapshot. Like a phone it
// believes the listing.
func (p *phone) sentBefore(name string) (bool, error) {
	got, err := p.read("Snapshot/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return len(got) == len(p.to[name]), err
}

func (p *phone) read(name string) (string, error) {
	f, err := p.d.Open(p.name(name))
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	return string(data), err
}

// list lists all files the host has for the device, with their sizes.
func (p *phone) list() ([]string, error) {
	var all []string
	var walk func(dir string) error
	walk = func(dir string) error {
		entries, err := p.d.ReadDir(p.name(dir))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			info, err := e.Info()
			switch {
			case err != nil:
				return err
			case e.IsDir():
				err = walk(name)
			default:
				if want, ok := p.to[name]; ok && int64(len(want)) != info.Size() && strings.Contains(name, "/") {
					return fmt.Errorf("the host says %s has %d bytes, not %d", name, info.Size(), len(want))
				}
				all = append(all, name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return all, walk("")
}

// Backup begins a draft, plays a run and commits it.
func Backup(ctx context.Context, s russet.Store, device russet.UDID, to Folder) (russet.Backup, error) {
	d, err := s.Begin(ctx, russet.BeginOptions{Device: device, Allow: -1})
	if err != nil {
		return russet.Backup{}, err
	}
	if _, err := Play(d, device, to); err != nil {
		return russet.Backup{}, errors.Join(err, d.Suspend(ctx))
	}
	return d.Commit(ctx)
}
