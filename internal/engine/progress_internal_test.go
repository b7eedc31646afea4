package engine

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"russet"
	"russet/device/devicelink"
)

// telling is a progress and what it has told.
type telling struct {
	*progress
	events  []russet.Event
	traffic devicelink.Traffic
}

func tellFor(t *testing.T) *telling {
	tell := new(telling)
	tell.progress = watchProgress("udid", func(e russet.Event) { tell.events = append(tell.events, e) })
	tell.traffic.Last = time.Now()
	tell.count(func() devicelink.Traffic { return tell.traffic })
	t.Cleanup(tell.end)
	time.Sleep(tickEvery / 5) // so that a test never looks at the moment of a tick
	return tell
}

// pass lets bytes flow evenly for a while.
func (tell *telling) pass(bytes int64, seconds int) {
	for range seconds {
		tell.mu.Lock()
		tell.traffic.Received += bytes / int64(seconds)
		tell.traffic.Last = time.Now()
		tell.mu.Unlock()
		time.Sleep(time.Second)
	}
}

// told gives the events so far.
func (tell *telling) told() []russet.Event {
	tell.mu.Lock()
	defer tell.mu.Unlock()
	return slices.Clone(tell.events)
}

func (tell *telling) last() russet.Event {
	events := tell.told()
	return events[len(events)-1]
}

func upload(percent float64, bytes int64) devicelink.Request {
	return devicelink.Request{Message: "DLMessageUploadFiles", Percent: percent, Bytes: bytes}
}

// TestFirstSmallFiles: a phone that gives 5 % for one small file has not sent all
// of its gigabytes when it has sent the first.
func TestFirstSmallFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell := tellFor(t)
		for _, batch := range []struct {
			percent float64
			bytes   int64
		}{{1, 100}, {5, 250_000}, {30, 250_000}, {55, 250_000}} {
			tell.began(upload(batch.percent, batch.bytes), russet.Receiving)
			tell.pass(batch.bytes, 10)
			synctest.Wait()
			if got := tell.last().Percent; got > batch.percent+45 {
				t.Errorf("%v %% are shown at the end of the batch that began at %v %%", got, batch.percent)
			}
		}
	})
}

// Within a batch the percentage grows with the bytes, whether the device says
// how far the run is after the batch or before it, and it never shrinks.
func TestPercentWithinABatch(t *testing.T) {
	tests := map[string][]float64{ // what the device says with each batch
		"after it":  {25, 50, 75, 100},
		"before it": {0, 25, 50, 75},
		"nothing":   {-1, -1, -1, -1},
	}
	for name, percents := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tell := tellFor(t)
				for _, p := range percents {
					tell.began(upload(p, 1000), russet.Receiving)
					tell.pass(1000, 10)
				}
				synctest.Wait()
				var shown []float64
				for _, e := range tell.told() {
					shown = append(shown, e.Percent)
				}
				if !slices.IsSorted(shown) {
					t.Errorf("percent: %v", shown)
				}
				shown = slices.Compact(shown)
				end := shown[len(shown)-1]
				if name == "nothing" {
					if end != -1 {
						t.Errorf("percent: %v", shown)
					}
				} else if end < 70 || end > 100 || len(shown) < 20 {
					t.Errorf("%d values up to %v", len(shown), end)
				}
			})
		})
	}
}

func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell := tellFor(t)
		tell.enter(russet.Waiting, "")
		time.Sleep(19 * time.Second)
		synctest.Wait()
		if tell.last().Quiet != 0 {
			t.Errorf("quiet for %v s after 19 s", tell.last().Quiet)
		}
		time.Sleep(72 * time.Second)
		synctest.Wait()
		if tell.last().Quiet != 90 {
			t.Errorf("quiet for %v s after 91 s", tell.last().Quiet)
		}
		if n := len(tell.told()); n > 30 {
			t.Errorf("%d events in which nothing happened", n)
		}
		tell.pass(10, 1)
		synctest.Wait()
		if tell.last().Quiet != 0 {
			t.Error("still quiet after a sign of life")
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell := tellFor(t)
		tell.began(upload(1, 1e6), russet.Receiving)
		tell.pass(500_000, 10)
		synctest.Wait()
		if rate := tell.last().Rate; rate < 40_000 || rate > 60_000 {
			t.Errorf("50,000 bytes a second are told as %v", rate)
		}
	})
}

func TestSheet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell := tellFor(t)
		tell.enter(russet.Waiting, "wait")
		tell.sheet(true)
		if e := tell.last(); !e.Passcode || e.Message == "" || e.Stage != russet.Waiting {
			t.Errorf("event %+v", e)
		}
		tell.began(devicelink.Request{Message: "DLMessageDownloadFiles", Percent: -1}, russet.Preparing)
		if e := tell.last(); e.Passcode || e.Message != "" || e.Stage != russet.Preparing {
			t.Errorf("event %+v", e)
		}
	})
}
