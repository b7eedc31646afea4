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
		act            func(context.Context, *vphone.Phone) error
		want           error
		takes          time.Duration
	}{
		{name: "no passcode", answer: vphone.Ask},
		{name: "typed at once", passcode: "1"},
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
				if n := p.Stats().Sheets; (n == 1) != (c.passcode != "") {
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
