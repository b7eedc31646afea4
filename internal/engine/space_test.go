package engine_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"russet"
	"russet/device/devicelink"
	"russet/vphone"
	"russet/vphone/agent"
)

// full is a draft on a volume without room.
type full struct {
	russet.Draft
	free int64
}

func (f full) Free() (int64, error) { return f.free, nil }

func (f full) Purge(context.Context, int64, int) (int64, error) {
	return 0, errors.ErrUnsupported
}

func TestBackupWithoutSpace(t *testing.T) {
	t.Parallel()
	for _, purge := range []bool{false, true} {
		l := newLab(t, vphone.Options{}, fewFiles())
		l.phone.Faults().Update(func(c *agent.Config) { c.Purge = purge })
		_, err := l.backUpInto(t.Context(), full{l.begin(t.Context(), false), 1000})
		e := wantKind(t, err, russet.NoSpace)
		// What the phone needs: what it sends and 128 MiB.
		if e.Code != 105 || purge != strings.Contains(e.What, "the phone needs 134.") {
			t.Errorf("purge %v: %d, %q", purge, e.Code, e.What)
		}
	}
}

// tight is a draft on a volume that fills up while files arrive.
type tight struct {
	russet.Draft
	room int64
}

func (d *tight) Create(name string) (devicelink.Upload, error) {
	up, err := d.Draft.Create(name)
	if err != nil {
		return nil, err
	}
	return tightUpload{up, d}, nil
}

type tightUpload struct {
	devicelink.Upload
	d *tight
}

func (u tightUpload) Write(p []byte) (int, error) {
	if u.d.room -= int64(len(p)); u.d.room < 0 {
		return 0, syscall.ENOSPC
	}
	return u.Upload.Write(p)
}

func TestBackupOnAVolumeThatFillsUp(t *testing.T) {
	t.Parallel()
	l := newLab(t, vphone.Options{}, fewFiles())
	for _, room := range []int64{0, 100_000} { // from the start; while receiving
		_, err := l.backUpInto(t.Context(), &tight{l.begin(t.Context(), false), room})
		if e := wantKind(t, err, russet.NoSpace); !strings.Contains(e.What, "no space is left") {
			t.Errorf("what: %q", e.What)
		}
	}
	l.mustBackUp()
}
