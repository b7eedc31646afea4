package vphone_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"russet/vphone"
	"russet/vphone/agent"
)

func TestPasscodeSheet(t *testing.T) {
	for _, c := range []struct {
		name, passcode string
		answer         vphone.Answer
		delay          time.Duration
		unseen         bool
		act            func(context.Context, *vphone.Phone) error
		want           error
		takes          time.Duration
	}{
		{name: "no passcode", answer: vphone.Ask},
		{name: "typed at once", passcode: "1"},
		{name: "typed after a while", passcode: "1", delay: time.Minute, takes: time.Minute},
		{name: "cancelled after a while", passcode: "1", answer: vphone.No, delay: time.Minute, want: agent.ErrLocked, takes: time.Minute},
		{name: "too late", passcode: "1", delay: time.Hour, want: agent.ErrLocked, takes: 3 * time.Minute},
		{name: "not asked", passcode: "1", answer: vphone.Ask, unseen: true},
		{name: "cancelled at once", passcode: "1", answer: vphone.No, want: agent.ErrLocked},
		{name: "nobody there", passcode: "1", answer: vphone.Ask, want: agent.ErrLocked, takes: 3 * time.Minute},
		{
			name: "typed", passcode: "1", answer: vphone.Ask, takes: time.Minute,
			act: func(ctx context.Context, p *vphone.Phone) error {
				time.Sleep(time.Minute)
				return p.TypePasscode(ctx)
			},
		},
		{
			name: "cancelled", passcode: "1", answer: vphone.Ask, takes: time.Minute, want: agent.ErrLocked,
			act: func(ctx context.Context, p *vphone.Phone) error {
				time.Sleep(time.Minute)
				return p.CancelPasscode(ctx)
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPhone(t, vphone.Options{Passcode: c.passcode})
				p.SetPasscodeAnswer(c.answer)
				p.SetPasscodeDelay(c.delay)
				p.SetPasscodeSheet(!c.unseen)
				if c.act != nil {
					go func() {
						if err := c.act(t.Context(), p); err != nil {
							t.Error(err)
						}
					}()
				}
				start := time.Now()
				if err := p.AskPasscode(t.Context(), "backup"); !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if d := time.Since(start); d != c.takes {
					t.Errorf("took %v, want %v", d, c.takes)
				}
				if n := p.Stats().Sheets; (n == 1) != (c.passcode != "" && !c.unseen) {
					t.Errorf("%d sheets were shown", n)
				}
			})
		})
	}
}

func TestPasscodeSheetIsAnnounced(t *testing.T) {
	p := newPhone(t, vphone.Options{Passcode: "1"})
	proxy := pair(t, p).service(p, "com.apple.mobile.notification_proxy")
	for _, name := range []string{"presented", "dismissed"} {
		proxy.send("Command", "ObserveNotification", "Name", "com.apple.LocalAuthentication.ui."+name)
	}
	settle(proxy)
	p.Lock()
	if err := p.AskPasscode(t.Context(), "backup"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"presented", "dismissed"} {
		if got := proxy.receive(); got["Name"] != "com.apple.LocalAuthentication.ui."+name {
			t.Errorf("got %v, want %s", got, name)
		}
	}
	// Typing the passcode unlocked the phone.
	if got := newComputer(t, "B").lockdown(p).get("", "PasswordProtected"); got != false {
		t.Errorf("PasswordProtected: %v", got)
	}
}

func TestSheetEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{Passcode: "1"})
		p.SetPasscodeAnswer(vphone.Ask)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.AskPasscode(ctx, "backup"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := p.TypePasscode(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("typed into a sheet that is gone: %v", err)
		}
	})
}

// After a reboot not even the EscrowBag opens anything.
func TestReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{Passcode: "1", RebootTime: time.Minute})
		c := pair(t, p)
		l := c.session(p)
		p.Reboot()
		p.Reboot() // is one reboot
		if _, err := l.conn.Read(make([]byte, 1)); err == nil {
			t.Error("the connection outlived the reboot")
		}
		if _, err := p.DialPort(t.Context(), 62078); !errors.Is(err, vphone.ErrRefused) {
			t.Errorf("while it reboots: %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		l = c.session(p)
		const backup = "com.apple.mobilebackup2"
		l.want("MissingValue", "Request", "StartService", "Service", backup, "EscrowBag", c.escrow)
		l.want("PasswordProtected", "Request", "StartService", "Service", backup)
		p.Unlock()
		l.want("", "Request", "StartService", "Service", backup, "EscrowBag", c.escrow)
		l.conn.Close()
	})
}

// The notification of a change comes once for every change, whoever made it.
func TestLockState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{Passcode: "1"})
		c := pair(t, p)
		notices := c.service(p, proxy)
		notices.send("Command", "ObserveNotification", "Name", "com.apple.springboard.lockstate")
		settle(notices)
		start := time.Now()
		changed := func(want time.Duration) {
			t.Helper()
			if got := notices.receive(); got["Name"] != "com.apple.springboard.lockstate" || time.Since(start) != want {
				t.Errorf("%v after %v, want %v", got, time.Since(start), want)
			}
		}
		p.Unlock() // it is
		p.SetAutoLock(time.Minute)
		changed(time.Minute)
		p.Lock() // it is
		settle(notices)
		time.Sleep(time.Minute)
		if err := p.AskPasscode(t.Context(), "backup"); err != nil {
			t.Fatal(err)
		}
		changed(2 * time.Minute) // typed
		changed(3 * time.Minute)
		p.Unlock()
		p.SetAutoLock(0)
		changed(3 * time.Minute)
		time.Sleep(time.Hour)
		settle(notices)
		notices.conn.Close()
	})
}

func TestBatteryOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, vphone.Options{})
		l := pair(t, p).session(p)
		for _, step := range []struct {
			do        func()
			wait      time.Duration
			level     int64
			plug, run bool // on power, charging
		}{
			{do: func() { p.SetPower(50, false) }, wait: 24 * time.Hour, level: 50},
			{do: func() { p.SetPowerRates(40, 5) }, wait: 4 * time.Hour, level: 30},
			{do: func() { p.SetPower(30, true) }, wait: time.Hour, level: 70, plug: true, run: true},
			{do: func() {}, wait: time.Hour, level: 100, plug: true},
			{do: func() { p.SetPower(3, false) }, wait: time.Hour, level: 0},
		} {
			step.do()
			time.Sleep(step.wait)
			b, _ := l.get("com.apple.mobile.battery", "").(map[string]any)
			if b["BatteryCurrentCapacity"] != step.level || b["ExternalConnected"] != step.plug || b["BatteryIsCharging"] != step.run {
				t.Errorf("%v, want %+v", b, step)
			}
		}
		l.conn.Close()
	})
}
