package vault

import (
	"context"
	"strings"
	"time"

	"russet/internal/facts"
	"russet/internal/vault/depot"
)

// aliveFor is how long something may be written before the vault is told what it
// refers to. Maintenance takes nothing that is younger than a day.
const aliveFor = 3 * time.Hour

// importing marks the incomplete version of a backup that is imported or
// converted. It has no draft; a process that died leaves it for some days.
const importing = "import-"

// beat tells the vault from time to time what a long import has written so far.
func (c *builder) beat(done depot.Entry) error {
	if strings.Contains(done.Name, "/") || c.label == "" {
		return nil // of a draft, which has other ways
	}
	c.partial = append(c.partial, done)
	if time.Since(c.told) < aliveFor {
		return nil
	}
	return c.tell()
}

// tell writes an incomplete version of what an import takes from and of the
// folders that are done. It is there from the beginning: another computer that
// frees space at once would take both, and what no version refers to yet.
func (c *builder) tell() error {
	if c.label == "" {
		return nil
	}
	c.told = time.Now()
	root, err := c.w.WriteDir(c.ctx, "", c.partial, c.start)
	if err != nil {
		return err
	}
	if err := c.s.release(c.ctx, c.w, c.label); err != nil {
		return err
	}
	v := depot.Version{
		Path: "/" + string(c.v.rec.Device), Start: c.start, End: time.Now().UTC(), Root: root.ID, RootSize: root.Size,
		Files: root.Files, Dirs: root.Dirs, Incomplete: "draft", Description: "a backup that is being imported",
		Tags: map[string]string{tagDraft: c.label, tagHost: c.s.host},
	}
	if err := c.w.SaveVersion(c.ctx, &v); err != nil {
		return err
	}
	return c.w.Flush(c.ctx)
}

// withdraw removes the incomplete version of an import that failed: it would keep
// others from freeing space at once.
func (s *Store) withdraw(ctx context.Context, label string) {
	ctx = context.WithoutCancel(ctx)
	if err := s.change(ctx, "tidy", func(w *session) error { return s.release(ctx, w, label) }); err != nil {
		s.log.Warn("that a backup is no longer imported could not be noted in the vault", "err", err)
	}
}

// aliveElsewhere reports whether an incomplete version of this computer, which
// no draft belongs to, may be that of another process.
func aliveElsewhere(v *depot.Version) bool {
	return strings.HasPrefix(v.Tags[tagDraft], importing) && time.Since(v.End) < otherAtWork
}

// beat keeps the draft of a long run alive. The caller holds d.mu.
func (d *draft) beat(ctx context.Context) error {
	if time.Since(d.alive) < aliveFor {
		return nil
	}
	return d.keepAlive(ctx)
}

func newLabel() string { return importing + facts.NewID() }
