//go:build linux && amd64

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"russet/vphone"
)

// TestMain makes this test binary the child that becomes a traced russet.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == shimArg {
		fmt.Fprintln(os.Stderr, becomeTraced(os.Args[2:]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestSample tries a few points of each class on the real russet; all of them
// take half an hour (docs/faults.md). Two variants run at a time, and two that
// differ least from the others are left out.
func TestSample(t *testing.T) {
	work, err := os.MkdirTemp("/dev/shm", "russet-faults-")
	if err != nil {
		work = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(work) })
	russet := filepath.Join(work, "russet")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", russet, "russet/cmd/russet").CombinedOutput(); err != nil {
		t.Fatalf("build russet: %v\n%s", err, out)
	}
	key, err := vphone.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	o := options{only: regexp.MustCompile(""), stride: 16, workers: 1, sample: 2}
	for i, v := range append(variants(false), variants(true)[3]) {
		if !v.vault && v.encrypted && (v.first || v.content.equal != 0) {
			continue
		}
		name, o := v.name, o
		if v.vault {
			name, o.sample = name+", into a vault", 1
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := o.variant(t.Context(), v, filepath.Join(work, fmt.Sprint(i)), russet, key)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				for _, err := range r.failures {
					t.Error(err)
				}
				if r.tried != o.sample || r.missed > 0 {
					t.Errorf("%s: %d points tried, %d not reached", r.class, r.tried, r.missed)
				}
			}
		})
	}
}

// TestJudgesSeeDamage shows that the judges see what they are there to see.
func TestJudgesSeeDamage(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a", "one")
	seen := map[string]string{}
	note := func(what string) {
		t.Helper()
		d, err := digest(dir, "skipped")
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := seen[d]; ok {
			t.Errorf("%s has the digest of %s", what, before)
		}
		seen[d] = what
	}
	note("one file")
	write("a", "two")
	note("other bytes")
	write("b", "")
	note("one file more")
	if err := os.Chmod(filepath.Join(dir, "b"), 0o640); err != nil {
		t.Fatal(err)
	}
	note("other permissions")
	if err := differ(inventory{"a": "1"}, inventory{"a": "2"}); err == nil {
		t.Error("two contents are taken for one")
	}
	if err := differ(inventory{"a": "1"}, inventory{"b": "1"}); err == nil {
		t.Error("two names are taken for one")
	}
	if _, err := takeInventory(dir, ""); err == nil {
		t.Error("a folder without manifests is taken for a backup")
	}
	if err := exactly(dir, map[string]bool{"a": true}); err == nil {
		t.Error("a file too many is not seen")
	}
}

func TestThin(t *testing.T) {
	kinds := []string{"write x", "mkdir", "mkdir", "mkdir", "mkdir", "mkdir", "mkdir", "mkdir", "mkdir", "mkdir", "mkdir", none, "mkdir"}
	got, all := thin(kinds, 6, "mkdir")
	if fmt.Sprint(got) != "[1 2 3 4 5 7]" || all != 12 {
		t.Errorf("%v of %d", got, all)
	}
}
