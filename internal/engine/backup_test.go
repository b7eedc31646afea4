package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/engine"
	"russet/mobilesync"
	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
)

func TestBackup(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, content.Options{})
	result := l.mustBackUp()
	if result.Files < 150 || result.Received < 5<<20 || result.Encrypted || len(result.Unread) != 0 || !result.Contacted {
		t.Errorf("result %+v", result)
	}
	want := []russet.Stage{russet.Waiting, russet.Preparing, russet.Receiving, russet.Moving, russet.Checking}
	if got := l.stages(); !slices.Equal(slices.Compact(got), want) {
		t.Errorf("stages %q", got)
	}
	percent := -1.0
	for _, e := range l.events {
		if e.Percent < percent || e.Percent > 100 {
			t.Errorf("percent goes from %v to %v", percent, e.Percent)
		}
		percent = e.Percent
	}
	if percent < 50 {
		t.Errorf("percent ends at %v", percent)
	}
	info, err := mobilesync.ReadInfo(l.latest().Folder())
	if err != nil {
		t.Fatal(err)
	}
	if info.UDID != string(l.udid) || len(info.GUID) != 32 || info.DeviceName == "" || info.SerialNumber == "" ||
		info.ProductName != mobilesync.ProductName(info.ProductType) || info.LastBackupDate.IsZero() || info.ITunesVersion == "" {
		t.Errorf("Info.plist: %+v", info)
	}
	app, ok := info.Applications[info.InstalledApplications[0]]
	if !ok || len(app.PlaceholderIcon) == 0 || len(app.ApplicationSINF) == 0 || len(app.ITunesMetadata) == 0 {
		t.Errorf("the first of %d apps: %v", len(info.InstalledApplications), ok)
	}

	again := l.mustBackUp()
	if again.Received > result.Received/4 || again.Files >= result.Files {
		t.Errorf("with nothing changed: %+v", again)
	}
	second, err := mobilesync.ReadInfo(l.latest().Folder())
	if err != nil || second.GUID != info.GUID {
		t.Errorf("the GUID is not kept: %v", err)
	}
}

func TestBackupEncrypted(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{BackupPassword: "secret"}, fewFiles())
	if result := l.mustBackUp(); !result.Encrypted {
		t.Error("not reported as encrypted")
	}
	manifest, err := mobilesync.ReadManifest(l.latest().Folder())
	if err != nil || !manifest.IsEncrypted {
		t.Errorf("manifest: %v", err)
	}
}

func TestBackupTellsWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.phone.Faults().Update(func(c *agent.Config) { c.Fail = "#7" })
	result := l.mustBackUp()
	if len(result.Unread) != 1 || !strings.HasPrefix(result.Unread[0].Path, "/") || result.Unread[0].What == "" {
		t.Errorf("unread: %v", result.Unread)
	}
}

// What a phone says at the end, and what becomes of it.
func TestBackupFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config func(*agent.Config)
		kind   russet.Kind
		code   int
	}{
		"locked":         {func(c *agent.Config) { c.PasscodeGone = true }, russet.Locked, 208},
		"snapshot left":  {func(c *agent.Config) { c.FinalError = 3 }, russet.Failed, 3},
		"damaged":        {func(c *agent.Config) { c.FinalError = 205 }, russet.Damaged, 205},
		"unknown code":   {func(c *agent.Config) { c.FinalError = 4711 }, russet.Failed, 4711},
		"no answer":      {func(c *agent.Config) { c.NoResponse = true }, russet.Interrupted, 0},
		"hollow success": {func(c *agent.Config) { c.EmptySuccess = true }, russet.Failed, 0},
		"link lost":      {func(c *agent.Config) { c.DropSent = 100_000 }, russet.Interrupted, 0},
		"between files":  {func(c *agent.Config) { c.DropBetween = 5 }, russet.Interrupted, 0},
	}
	l := newLab(t, vphone.Options{}, fewFiles())
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l.phone.Faults().Update(tt.config)
			defer l.phone.Faults().Update(func(c *agent.Config) { *c = agent.Config{} })
			draft := l.begin(t.Context(), true)
			_, err := engine.Backup(t.Context(), l.connect(), draft, l.options())
			if err := draft.Discard(t.Context()); err != nil {
				t.Error(err)
			}
			if e := wantKind(t, err, tt.kind); e.Code != tt.code {
				t.Errorf("code %d", e.Code)
			}
		})
	}
}

func TestBackupOfAPhoneThatRestarts(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.phone.Faults().Update(func(c *agent.Config) { c.RebootAt = 30 })
	_, err := l.backUp(t.Context())
	wantKind(t, err, russet.Interrupted)
}

// A hollow success over an old finished backup is no success either.
func TestBackupWithoutNewStatus(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.mustBackUp()
	l.phone.Faults().Update(func(c *agent.Config) { c.EmptySuccess = true })
	_, err := l.backUp(t.Context())
	if e := wantKind(t, err, russet.Failed); !strings.Contains(e.What, "no new backup") {
		t.Errorf("what: %q", e.What)
	}
}

func TestBackupCancelled(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	ctx, cancel := context.WithCancel(t.Context())
	l.phone.Faults().Update(func(c *agent.Config) { c.StallSent = agent.Stall{At: 100_000, For: time.Second} })
	draft := l.begin(ctx, false)
	opts := l.options()
	opts.Events = func(e russet.Event) {
		if e.Stage == russet.Receiving {
			cancel()
		}
	}
	_, err := engine.Backup(ctx, l.connect(), draft, opts)
	wantKind(t, err, russet.Stopped)
	if err := draft.Suspend(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.phone.Faults().Update(func(c *agent.Config) { c.StallSent = agent.Stall{} })
	l.mustBackUp() // also: the sync lock is free again
}

func TestBackupCancelledOnThePhone(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.phone.Faults().Update(func(c *agent.Config) { c.Stall = agent.Stall{At: 10, For: time.Minute} })
	opts := l.options()
	opts.Events = func(e russet.Event) {
		if e.Stage == russet.Waiting || e.Stage == russet.Preparing {
			l.phone.PostNotification("com.apple.itunes-client.syncCancelRequest")
		}
	}
	draft := l.begin(t.Context(), false)
	_, err := engine.Backup(t.Context(), l.connect(), draft, opts)
	if e := wantKind(t, err, russet.Stopped); !strings.Contains(e.What, "on the phone") {
		t.Errorf("what: %q", e.What)
	}
	if err := draft.Suspend(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestBackupShowsThePasscodeSheet(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{Passcode: "123456"}, fewFiles())
	l.phone.SetPasscodeAnswer(vphone.Ask)
	go func() {
		if err := l.phone.TypePasscode(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	l.mustBackUp()
	if !slices.ContainsFunc(l.events, func(e russet.Event) bool { return e.Passcode && e.Message != "" }) {
		t.Error("no event tells of the sheet")
	}
	if l.events[len(l.events)-1].Passcode {
		t.Error("the sheet is still told of at the end")
	}
}

func TestBackupOfAPhoneThatIsGone(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	dev := l.connect()
	draft := l.begin(t.Context(), false)
	l.phone.Unplug()
	_, err := engine.Backup(t.Context(), dev, draft, l.options())
	wantKind(t, err, russet.NotConnected)
	if err := draft.Suspend(t.Context()); err != nil {
		t.Error(err)
	}
}

// Wherever the link breaks, the last backup stays as it is and the next run
// succeeds. These are a few of the points; a script tries all.
func TestBackupDroppedAnywhere(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	l.mustBackUp()
	if _, err := l.store.Archive(t.Context(), l.latest().Backup().ID, "before"); err != nil {
		t.Fatal(err)
	}
	messages := func() int { return l.phone.Faults().Counters().Messages }
	l.phone.Faults().ResetCounters()
	l.mustBackUp()
	total := messages()
	for at := 1; at <= total; at += 1 + total/7 {
		before := tree(t, l.latest().Folder())
		l.change(at)
		l.phone.Faults().Update(func(c *agent.Config) { c.DropMessage = at })
		if _, err := l.backUp(t.Context()); err == nil {
			continue // it was over before that
		} else if kind := russet.KindOf(err); kind != russet.Interrupted {
			t.Errorf("dropped at message %d: kind %d, %v", at, kind, err)
		}
		if after := tree(t, l.latest().Folder()); !sameTree(before, after) {
			t.Fatalf("dropped at message %d: the last backup has changed", at)
		}
		l.phone.Faults().Update(func(c *agent.Config) { c.DropMessage = 0 })
		l.mustBackUp()
	}
}

func sameTree(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, data := range a {
		if b[name] != data {
			return false
		}
	}
	return true
}
