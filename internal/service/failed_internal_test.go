package service

import (
	"context"
	"testing"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/schedule"
)

// TestNoRoomIsTold: that a phone could not be backed up for want of room is told
// also to those who know that the store is nearly full.
func TestNoRoomIsTold(t *testing.T) {
	dir := t.TempDir()
	s := New(Options{Host: host.Open(host.Options{Home: home.Place{Dir: dir, Data: dir, Moved: true}})})
	s.base, s.house = context.Background(), &house{}
	now := time.Now()
	s.house.raise(now, "space/main", notify.ForSpace(notify.Subject{Time: now, Store: "main"}, 1, 0))
	st := s.stateOf(russet.Device{UDID: "00008140-000650DDEC43D17F", Name: "anna", Paired: true})
	j := newJob(Running{Device: st.Device.UDID, Store: "main"})
	j.err = &russet.Error{Kind: russet.NoSpace, What: "there is not enough space", Code: 105}
	v := &view{device: st.Device, state: st, policy: schedule.Default(), facts: schedule.Facts{Now: now, Stores: []schedule.StoreFacts{{Name: "main"}}}}
	for range 2 {
		s.failed(j, v)
	}
	if len(st.Outbox) != 1 || st.Outbox[0].Message.Kind != notify.Space || st.Outbox[0].Message.Code != 105 {
		t.Errorf("told: %+v", st.Outbox)
	}
}
