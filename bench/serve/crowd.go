package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// crowds backs many phones up at once through a service, into a folder and into
// a vault.
func crowds(ctx context.Context, o options, b *strings.Builder) error {
	fmt.Fprintf(b, "\n**%d phones backed up at once**: 200 files, 20 MB each, every second one encrypted; the phones run on the same processors\n\n", o.crowd)
	fmt.Fprintf(b, "| store | run | backed up | time | memory at most | processor |\n|---|---|---|---|---|---|\n")
	for _, store := range o.stores {
		if err := crowd(ctx, o, store, b); err != nil {
			return fmt.Errorf("%s: %w", store, err)
		}
	}
	return nil
}

func crowd(ctx context.Context, o options, store string, b *strings.Builder) error {
	l, err := newLab(o, "crowd-"+store)
	if err != nil {
		return err
	}
	defer l.close()
	folders, err := l.make(ctx, o.crowd, true, "--profile", "big", "--files", "200", "--size", "20MB")
	if err != nil {
		return err
	}
	words := append([]string{filepath.Join(o.bin, "vphone"), "serve"}, folders...)
	if _, err := l.start(ctx, "USBMUXD_SOCKET_ADDRESS", append(words, "--socket", l.socket(), "--control", l.control())...); err != nil {
		return err
	}
	add := []string{"store", "add", "main", store + ":" + filepath.Join(l.dir, "store")}
	if store == "vault" {
		add = append(add, "--new-password-file", l.password())
	}
	if _, err := l.russet(ctx, add...); err != nil {
		return err
	}
	// The keys of real phones take seconds each, which is not what this is about.
	for i := range o.crowd {
		name := fmt.Sprintf("phone %d", i+1)
		if out, err := exec.CommandContext(ctx, filepath.Join(o.bin, "vphone"), "ctl", l.control(), "@"+name,
			"fault", "kdf-rounds=1000", "kdf-rounds-2=10").CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, out)
		}
		if _, err := l.russet(ctx, "pair", name); err != nil {
			return err
		}
	}
	if _, err := l.russet(ctx, "policy", "set", "--all", "--automatic", "off"); err != nil {
		return err
	}
	service, err := l.serve(ctx, "--at-once", fmt.Sprint(o.crowd))
	if err != nil {
		return err
	}
	for _, run := range []string{"first", "again"} {
		before, err := read(service.Process.Pid)
		if err != nil {
			return err
		}
		start := time.Now()
		out, err := l.russet(ctx, "backup", "--json")
		if err != nil {
			return fmt.Errorf("%w\n%s", err, failures(out))
		}
		took := time.Since(start)
		after, err := read(service.Process.Pid)
		if err != nil {
			return err
		}
		done, err := results(out)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "| %s | %s | %d of %d | %.0f s | %s | %.0f s |\n", store, run, done, o.crowd, took.Seconds(), mib(after.peak), (after.cpu - before.cpu).Seconds())
	}
	_, err = l.russet(ctx, "verify", "--all")
	return err
}

// failures are the lines of phones that have no new backup.
func failures(out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if strings.Contains(line, `"type":"result"`) && !strings.Contains(line, `"error":null`) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// results counts the phones that have a new backup.
func results(out string) (done int, err error) {
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, 32<<20)
	for lines.Scan() {
		var l struct {
			Type string
			Run  struct{ Outcome string }
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return 0, err
		}
		if l.Type == "result" && l.Run.Outcome == "done" {
			done++
		}
	}
	return done, lines.Err()
}
