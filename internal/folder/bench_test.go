//go:build unix

package folder_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"russet"
	"russet/internal/folder"
	"russet/internal/storetest"
	"russet/mobilesync"
)

// BenchmarkRun plays whole runs: 30,000 small files and 2 GiB in 200 files, as
// in bench/, once received and once with nothing changed. RUSSET_BENCH_DIR is
// where the store lies; default is memory.
func BenchmarkRun(b *testing.B) {
	for _, c := range []struct {
		name        string
		files, size int
	}{
		{"small", 30_000, 4400},
		{"big", 200, 10 << 20},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				benchRun(b, c.files, c.size)
			}
		})
	}
}

// cpuTime is what the process has used so far: on a busy machine it says more
// than the clock.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchDir(b *testing.B) string {
	b.Helper()
	parent := os.Getenv("RUSSET_BENCH_DIR")
	if parent == "" {
		parent = "/dev/shm"
	}
	dir, err := os.MkdirTemp(parent, "bench")
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func benchRun(b *testing.B, files, size int) {
	b.StopTimer()
	manifest, names := benchManifest(b, files)
	dir := benchDir(b)
	defer os.RemoveAll(dir)
	s, err := folder.Open(b.Context(), dir, folder.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.StartTimer()
	start, cpu := time.Now(), cpuTime(b)
	d, err := s.Begin(b.Context(), russet.BeginOptions{Device: device, Allow: -1})
	if err != nil {
		b.Fatal(err)
	}
	p := benchPhone{b, d}
	p.full(names, size, manifest)
	received, cpuReceived := time.Now(), cpuTime(b)
	if _, err := d.Commit(b.Context()); err != nil {
		b.Fatal(err)
	}
	committed, cpuCommitted := time.Now(), cpuTime(b)
	if d, err = s.Begin(b.Context(), russet.BeginOptions{Device: device, Allow: -1}); err != nil {
		b.Fatal(err)
	}
	p.d = d
	again, _ := benchManifest(b, 0)
	manifest["Status.plist"], manifest["Manifest.plist"] = again["Status.plist"], again["Manifest.plist"]
	p.unchanged(manifest)
	if _, err := d.Commit(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric((cpuReceived - cpu).Seconds(), "cpu-s/receive")
	b.ReportMetric((cpuCommitted - cpuReceived).Seconds(), "cpu-s/commit")
	b.ReportMetric((cpuTime(b) - cpuCommitted).Seconds(), "cpu-s/unchanged")
	b.ReportMetric(float64(files)/received.Sub(start).Seconds(), "files/s")
	b.ReportMetric(float64(files*size>>20)/received.Sub(start).Seconds(), "MiB/s")
	b.ReportMetric(committed.Sub(received).Seconds(), "s/commit")
	b.ReportMetric(time.Since(committed).Seconds(), "s/unchanged")
}

// benchManifest makes the manifests of a phone with so many files, and the
// names of their payloads.
func benchManifest(b *testing.B, files int) (storetest.Folder, []string) {
	b.Helper()
	dir := benchDir(b)
	w, err := mobilesync.Create(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	var names []string
	for i := range files {
		r := mobilesync.Record{Domain: "MediaDomain", Path: fmt.Sprintf("f%07d", i), Kind: mobilesync.File}
		if err := w.Add(b.Context(), r, strings.NewReader("")); err != nil {
			b.Fatal(err)
		}
		sum := sha1.Sum([]byte(r.Domain + "-" + r.Path))
		name := hex.EncodeToString(sum[:])
		names = append(names, name[:2]+"/"+name)
	}
	if err := w.Finish(&mobilesync.Info{}, mobilesync.Manifest{}); err != nil {
		b.Fatal(err)
	}
	manifest := storetest.Folder{}
	for _, name := range []string{"Info.plist", "Status.plist", "Manifest.plist", "Manifest.db"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			b.Fatal(err)
		}
		manifest[name] = string(data)
	}
	return manifest, names
}

type benchPhone struct {
	b *testing.B
	d russet.Draft
}

func (p *benchPhone) must(err error) {
	if err != nil {
		p.b.Fatal(err)
	}
}

func (p *benchPhone) put(name string, parts ...[]byte) {
	u, err := p.d.Create(string(device) + "/" + name)
	p.must(err)
	for _, data := range parts {
		_, err = u.Write(data)
		p.must(err)
	}
	p.must(u.Commit())
}

func (p *benchPhone) full(names []string, size int, manifest storetest.Folder) {
	for i := range 256 {
		p.must(p.d.Mkdir(fmt.Sprintf("%s/%02x", device, i)))
		p.must(p.d.Mkdir(fmt.Sprintf("%s/Snapshot/%02x", device, i)))
	}
	p.put("Status.plist", []byte(manifest["Status.plist"]))
	block := make([]byte, min(size, 32<<10))
	parts := make([][]byte, (size+len(block)-1)/len(block))
	for i := range parts {
		parts[i] = block
	}
	for i, name := range names {
		block[0], block[1], block[2] = byte(i), byte(i>>8), byte(i>>16)
		p.put("Snapshot/"+name, parts...)
	}
	for _, name := range []string{"Manifest.plist", "Manifest.db"} {
		p.put("Snapshot/"+name, []byte(manifest[name]))
	}
	p.put("Status.plist", []byte(manifest["Status.plist"]))
	for _, name := range append(names, "Manifest.plist", "Manifest.db") {
		p.must(p.d.Rename(string(device)+"/Snapshot/"+name, string(device)+"/"+name))
	}
	p.put("Status.plist", []byte(manifest["Status.plist"]))
	p.must(p.d.Remove(string(device) + "/Snapshot"))
	p.put("Status.plist", []byte(manifest["Status.plist"]))
	p.walk()
}

func (p *benchPhone) unchanged(manifest storetest.Folder) {
	p.walk()
	for _, name := range []string{"Manifest.plist", "Manifest.db", "Status.plist"} {
		p.put(name, []byte(manifest[name]))
	}
	p.walk()
}

// walk lists every folder with its sizes.
func (p *benchPhone) walk() {
	for i := range 256 {
		entries, err := p.d.ReadDir(fmt.Sprintf("%s/%02x", device, i))
		p.must(err)
		for _, e := range entries {
			_, err := e.Info()
			p.must(err)
		}
	}
}
