package engine_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"russet/device"
	"russet/device/afc"
	"russet/internal/engine"
	"russet/mobilesync"
	"russet/vphone"
)

// infoAfter makes the Info.plist of a backup that follows one.
func (l *lab) infoAfter(previous []byte) *mobilesync.Info {
	l.t.Helper()
	dev := l.connect()
	conn, err := dev.Dial(l.t.Context(), afc.Service, device.ServiceOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	media := afc.NewClient(conn)
	defer func() { _ = media.Close() }()
	data, err := engine.InfoPlist(l.t.Context(), dev, media, bytes.NewReader(previous), l.options())
	if err != nil {
		l.t.Fatal(err)
	}
	info, err := mobilesync.ParseInfo(data)
	if err != nil {
		l.t.Fatal(err)
	}
	return info
}

// Icons of apps that are as they were are not asked for again; of one that was
// updated, bought again, or had none, it is.
func TestIconsOfTheLastBackup(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	last := l.infoAfter(nil)
	kept, asked := []byte("the icon of before"), map[string]bool{}
	for id, app := range last.Applications {
		app.PlaceholderIcon = kept
		switch len(asked) {
		case 0:
			app.ITunesMetadata, asked[id] = []byte("another version"), true
		case 1:
			app.ApplicationSINF, asked[id] = []byte("another purchase"), true
		case 2:
			app.PlaceholderIcon, asked[id] = nil, true
		}
		last.Applications[id] = app
	}
	previous, err := last.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	now := l.infoAfter(previous)
	if len(now.Applications) < 5 || len(now.Applications) != len(last.Applications) {
		t.Fatalf("%d apps, %d before", len(now.Applications), len(last.Applications))
	}
	for id, app := range now.Applications {
		if len(app.PlaceholderIcon) == 0 || bytes.Equal(app.PlaceholderIcon, kept) == asked[id] {
			t.Errorf("%s: an icon of %d bytes, to be asked for: %t", id, len(app.PlaceholderIcon), asked[id])
		}
	}
}

// calls counts what a phone logs of a service.
type calls struct {
	slog.Handler
	mu  sync.Mutex
	afc []string
}

func (c *calls) Enabled(context.Context, slog.Level) bool { return true }

func (c *calls) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Message != "afc" {
		return nil
	}
	var text strings.Builder
	r.Attrs(func(a slog.Attr) bool { text.WriteString(a.String() + " "); return true })
	c.afc = append(c.afc, text.String())
	return nil
}

func (c *calls) WithAttrs([]slog.Attr) slog.Handler { return c }

// Files that are not in the folder are not asked for one by one.
func TestMediaFilesThatAreThere(t *testing.T) {
	t.Parallel()
	heard := &calls{}
	l := newLab(t, vphone.Options{Logger: slog.New(heard)}, fewFiles())
	folder := filepath.Join(l.phone.MediaDir(), "iTunes_Control", "iTunes")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "iTunesPrefs" {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	info := l.infoAfter(nil)
	if len(info.ITunesFiles) != 1 || len(info.ITunesFiles["iTunesPrefs"]) == 0 {
		t.Errorf("%d files", len(info.ITunesFiles))
	}
	// The folder, and open, read, read to the end and close of two files.
	if n := len(heard.afc); n > 9 {
		t.Errorf("%d calls: %q", n, heard.afc)
	}
}
