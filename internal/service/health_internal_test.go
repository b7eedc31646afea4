package service

import (
	"strings"
	"testing"

	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/schedule"
)

// TestAilments: what makes /healthz say no, and what does not.
func TestAilments(t *testing.T) {
	st := Status{
		Devices: []DeviceStatus{
			{Called: "late", Decision: schedule.Decision{Due: true, Text: "due"}},
			{Called: "Anna's iPhone", Decision: schedule.Decision{Overdue: true, Text: "not backed up for 9 days."}},
		},
		Stores: []StoreStatus{{StoreStatus: host.StoreStatus{Problem: "its disk is not there"}}},
		Alarms: []Alarm{{Kind: notify.NewIOS, Title: "A new iOS"}, {Kind: notify.Damage, Title: "A backup is damaged", Text: "3 files."}},
	}
	words := ailments(st)
	if len(words) != 3 {
		t.Fatalf("%q", words)
	}
	for i, want := range []string{`"Anna's iPhone" is overdue: not backed up for 9 days.`, "cannot be used: its disk is not there", "A backup is damaged: 3 files."} {
		if !strings.Contains(words[i], want) {
			t.Errorf("%q instead of %q", words[i], want)
		}
	}
	if words := ailments(Status{Devices: st.Devices[:1]}); len(words) != 0 {
		t.Errorf("nothing ails, and it says %q", words)
	}
}
