//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"russet/internal/vault/backend"
	"russet/internal/vault/depot"
)

// How large the vaults of the table are, and how they are filled.
const (
	contentBytes   = 200 // enough to be a chunk of its own; the index counts chunks, not bytes
	perDevice      = 100_000
	indexPassword  = "of a vault that holds nothing"
	indexChildFlag = "-look"
)

// look is what a process of its own finds out about a vault.
type look struct {
	Open, Work time.Duration
	RSS        int64
	Counters   backend.Counters
	Contents   int
	Packs      int
}

// indexTable makes vaults of many chunks and looks what opening and
// maintaining them costs. They lie in a folder: what the index costs in memory
// and time does not depend on where it is kept, and requests are counted.
func indexTable(ctx context.Context, work string, sizes []int) (string, error) {
	var out strings.Builder
	out.WriteString("| chunks | index in the vault | bytes a chunk | open and list | memory | gently | maintain, quickly | PUT/GET/LIST/DELETE | maintain, in full | memory | PUT/GET/LIST/DELETE | the same with a cache | PUT/GET/LIST/DELETE | every chunk's pack looked for |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, n := range sizes {
		dir := filepath.Join(work, strconv.Itoa(n))
		took, err := fillVault(ctx, dir, n)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(os.Stderr, "%d chunks written in %v\n", n, took.Round(time.Second))
		index, err := indexBytes(dir)
		if err != nil {
			return "", err
		}
		looks := map[string]look{}
		for _, what := range []string{"open", "gently", "quick", "full", "cached", "verify"} {
			if looks[what], err = lookFrom(ctx, dir, what); err != nil {
				return "", err
			}
		}
		open, quick, full := looks["open"], looks["quick"], looks["full"]
		fmt.Fprintf(&out, "| %d | %s MB | %d | %.2f s | %d MiB | %d MiB | %.1f s | %s | %.1f s | %d MiB | %s | %.1f s | %s | %.1f s |\n", open.Contents, mb(index), index/int64(open.Contents),
			open.Open.Seconds(), open.RSS>>20, looks["gently"].RSS>>20, quick.Work.Seconds(), requests(quick.Counters),
			full.Work.Seconds(), full.RSS>>20, requests(full.Counters),
			looks["cached"].Work.Seconds(), requests(looks["cached"].Counters), looks["verify"].Work.Seconds())
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

func requests(c backend.Counters) string {
	return fmt.Sprintf("%d/%d/%d/%d", c.Puts, c.Gets, c.Lists, c.Deletes)
}

// fillVault writes n chunks, in versions of many small files.
func fillVault(ctx context.Context, dir string, n int) (took time.Duration, err error) {
	start := time.Now()
	b, err := openFolder(ctx, dir, true)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.Close(ctx)) }()
	if err := depot.Create(ctx, b, indexPassword, depot.CreateOptions{}); err != nil {
		return 0, err
	}
	d, err := depot.Open(ctx, b, indexPassword, depot.OpenOptions{State: filepath.Join(dir, "state"), Host: "bench"})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Close(ctx)) }()
	for first := 0; first < n; first += perDevice {
		if err := fillDevice(ctx, d, first, min(perDevice, n-first)); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

func openFolder(ctx context.Context, dir string, create bool) (*backend.Backend, error) {
	l, err := backend.Parse("vault:" + filepath.Join(dir, "vault"))
	if err != nil {
		return nil, err
	}
	return backend.Open(ctx, backend.Options{Location: l, Create: create})
}

// fillDevice writes one version of n files, a chunk each.
func fillDevice(ctx context.Context, d *depot.Depot, first, n int) (err error) {
	s, err := d.Begin(ctx, "bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	random := rand.NewChaCha8([32]byte(bytes.Repeat(binary.LittleEndian.AppendUint64(nil, uint64(first)), 4)))
	now := time.Now()
	var top []depot.Entry
	for at := 0; at < n; {
		var entries []depot.Entry
		for ; at < n && len(entries) < 400; at++ {
			w := s.Writer(depot.Stream)
			if _, err := io.CopyN(w, random, contentBytes); err != nil {
				return err
			}
			id, err := w.Result()
			if err != nil {
				return err
			}
			entries = append(entries, depot.Entry{Name: fmt.Sprintf("%06d", at), ID: id, Size: contentBytes, ModTime: now, Files: 1})
		}
		e, err := s.WriteDir(ctx, "", entries, now)
		if err != nil {
			return err
		}
		e.Name = fmt.Sprintf("%04d", len(top))
		top = append(top, e)
	}
	root, err := s.WriteDir(ctx, "", top, now)
	if err != nil {
		return err
	}
	v := depot.Version{Path: fmt.Sprintf("/%d", first), Start: now, End: now, Root: root.ID, RootSize: root.Size, Files: root.Files, Dirs: root.Dirs}
	if err := s.SaveVersion(ctx, &v); err != nil {
		return err
	}
	return s.Flush(ctx)
}

// indexBytes is how long the vault's index blobs are.
func indexBytes(dir string) (int64, error) {
	var n int64
	err := filepath.WalkDir(filepath.Join(dir, "vault"), func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(filepath.Join(dir, "vault"), name)
		if err != nil || !strings.HasPrefix(rel, "x") {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// lookFrom starts this program anew, so that its memory is its own.
func lookFrom(ctx context.Context, dir, what string) (look, error) {
	self, err := os.Executable()
	if err != nil {
		return look{}, err
	}
	cmd := exec.CommandContext(ctx, self, indexChildFlag, dir, what)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return look{}, fmt.Errorf("look at %s: %w", dir, err)
	}
	var l look
	if err := json.Unmarshal(out, &l); err != nil {
		return look{}, err
	}
	return l, nil
}

// peak is the most memory that this process ever held. (What the system says
// of a child that has ended counts what its parent held when it was started.)
func peak() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kib int64
	_, err = fmt.Sscanf(rest, "%d", &kib)
	return kib << 10, err
}

// lookInside is the child's part.
func lookInside(ctx context.Context, dir, what string) (err error) {
	b, err := openFolder(ctx, dir, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close(ctx)) }()
	start := time.Now()
	d, err := depot.Open(ctx, b, indexPassword, depot.OpenOptions{State: filepath.Join(dir, "state"), Host: "bench", LowMemory: what == "gently", Cache: what == "cached"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close(ctx)) }()
	if _, _, err := d.Versions(ctx); err != nil {
		return err
	}
	l := look{Open: time.Since(start)}
	before := b.Counters()
	start = time.Now()
	switch what {
	case "quick", "full", "cached":
		_, err = d.Maintain(ctx, depot.MaintainOptions{Full: what != "quick"})
	case "verify":
		_, err = d.VerifyContents(ctx, 0, nil)
	}
	if err != nil {
		return err
	}
	l.Work = time.Since(start)
	l.Counters = since(b.Counters(), before)
	if what == "open" {
		stats, err := d.Stats(ctx)
		if err != nil {
			return err
		}
		l.Contents, l.Packs = stats.Contents, stats.Packs
	}
	if l.RSS, err = peak(); err != nil {
		return err
	}
	w := bufio.NewWriter(os.Stdout)
	return errors.Join(json.NewEncoder(w).Encode(l), w.Flush())
}

func since(now, before backend.Counters) backend.Counters {
	return backend.Counters{
		Puts: now.Puts - before.Puts, Gets: now.Gets - before.Gets, Lists: now.Lists - before.Lists, Deletes: now.Deletes - before.Deletes,
		BytesPut: now.BytesPut - before.BytesPut, BytesGot: now.BytesGot - before.BytesGot,
	}
}
