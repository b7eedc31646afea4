package service_test

import (
	"testing"
	"time"

	"russet/internal/notify"
	"russet/vphone"
)

func TestDaily(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("Anna's iPhone", vphone.Options{})
	l.step(0)
	if n := l.backups("main", p); n != 1 {
		t.Fatalf("%d backups: %+v", n, l.status(p).Decision)
	}
	if m := l.heard(notify.Done); len(m) != 1 {
		t.Errorf("told %d times", len(m))
	}
	before := l.status(p)
	if before.Decision.Due || before.Last == nil || before.Stores[0].Backup == nil {
		t.Errorf("status: %+v", before)
	}
	l.step(time.Hour)
	if last := l.status(p).Last; last.ID != before.Last.ID {
		t.Error("it ran again at once")
	}
	l.step(24 * time.Hour)
	if last := l.status(p).Last; last.ID == before.Last.ID || last.Outcome != "done" {
		t.Errorf("the next day: %+v, %+v", last, l.status(p).Decision)
	}
}
