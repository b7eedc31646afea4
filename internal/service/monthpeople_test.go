package service_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"russet/vphone"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// citizen is a phone with habits.
type citizen struct {
	name   string
	phone  *vphone.Phone
	asks   bool                        // it has a passcode
	habits func(t time.Time) condition // by the clock on its owner's wall
	sheets int                         // shown before the last step

	answers atomic.Bool // its owner would type the passcode now
}

// condition is how a phone is at one moment.
type condition struct {
	here, power bool
	answers     bool // somebody would type the passcode
}

// between reports whether the clock shows from…to, given as hours.
func between(t time.Time, from, to float64) bool {
	h := float64(t.Hour()) + float64(t.Minute())/60
	if from <= to {
		return h >= from && h < to
	}
	return h >= from || h < to
}

// setup is the first hour: all phones are on the cable, and everybody who ever
// answers does.
func (w *world) setup(t time.Time) bool { return t.Sub(w.start) < time.Hour }

func (w *world) citizens() []*citizen {
	night := func(t time.Time) condition {
		c := condition{here: between(t, 18, 8), power: between(t, 22.5, 7)}
		if w.setup(t) {
			c = condition{here: true, power: true}
		}
		return c
	}
	return []*citizen{
		{name: "Anna", habits: night},
		{name: "Ben", asks: true, habits: func(t time.Time) condition {
			c := condition{here: between(t, 17.5, 8), power: between(t, 19, 21) || between(t, 23, 7), answers: between(t, 18, 21.5)}
			if w.setup(t) {
				c = condition{here: true, power: true, answers: true}
			}
			return c
		}},
		{name: "Carla", habits: func(t time.Time) condition {
			if d := w.day(t); d >= 10 && d < 15 || w.plan.days < 10 && d == 2 {
				return condition{} // she travels
			}
			return night(t)
		}},
		{name: "Dora", asks: true, habits: func(time.Time) condition { return condition{here: true, power: true} }},
	}
}

// nasAway says when the disk of the folder store is not there.
func (w *world) nasAway(d int) bool { return d >= 12 && d < 15 || w.plan.days < 12 && d == 1 }

// asleep says when the computer sleeps.
func (w *world) asleep(t time.Time) bool {
	d := w.day(t)
	return d == 22 && between(t, 13, 18) || d == 24 && between(t, 20, 8)
}

// make makes the phone.
func (c *citizen) make(t testing.TB, seed uint64) {
	key, err := phoneKey()
	must(t, err)
	d := disk.NewMemory()
	must(t, content.MakeOn(t.Context(), d, content.Options{Profile: "big", Files: 20, Size: 300_000, Seed: seed}))
	o := vphone.Options{Identity: vphone.NewIdentity(seed), Disk: d, Key: key}
	o.Identity.Name = c.name
	if c.asks {
		o.Passcode = "1234"
	}
	c.phone, err = vphone.New(o)
	must(t, err)
	c.phone.SetPasscodeAnswer(vphone.Ask)
	c.phone.SetPasscodeTime(2 * think)
}

// think is how long an owner takes to type the passcode; a sheet that nobody
// answers stays for twice as long. Kills fall into that time.
const think = 200 * time.Millisecond

// own answers the phone's sheets until ctx ends.
func (c *citizen) own(ctx context.Context) {
	seen := 0
	for ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
		n := c.phone.Stats().Sheets
		if n == seen {
			continue
		}
		seen = n
		time.Sleep(think)
		if c.answers.Load() {
			soon, cancel := context.WithTimeout(ctx, think/2)
			c.phone.TypePasscode(soon) //nolint:errcheck // the sheet may have gone
			cancel()
		}
	}
}
