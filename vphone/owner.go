package vphone

import (
	"cmp"
	"context"
	"errors"
	"time"

	"russet/vphone/agent"
)

// Answer is what the owner of a phone does when it asks something.
type Answer int

// The answers. With Ask nothing happens until a method of the Phone is called.
const (
	Yes Answer = iota
	No
	Ask
)

// Notifications the phone posts by itself.
const (
	noteLockState  = "com.apple.springboard.lockstate"
	noteName       = "com.apple.mobile.lockdown.device_name_changed"
	noteAskPair    = "com.apple.mobile.lockdown.request_pair"
	noteSheetShown = "com.apple.LocalAuthentication.ui.presented"
	noteSheetGone  = "com.apple.LocalAuthentication.ui.dismissed"
)

// passcodeTime is how long the passcode sheet stays: about three minutes in
// logs of real phones.
const passcodeTime = 3 * time.Minute

// dialog is where the Trust dialog stands.
type dialog int

const (
	dialogNone dialog = iota
	dialogShown
	dialogAgreed
	dialogRefused
)

type battery struct {
	level    int
	charging bool
}

// A sheet is the passcode prompt on the screen; several may wait for it.
type sheet struct {
	done  chan struct{}
	typed bool
}

// ownerState is what the owner did, and will do. Phone.mu guards it.
type ownerState struct {
	locked         bool
	unlockedOnce   bool // since it was switched on
	trust          Answer
	dialog         dialog
	passcodeAnswer Answer
	passcodeTime   time.Duration
	sheet          *sheet
	sheets         int // shown so far
	battery        battery
	trustTime      time.Duration
	limited        map[string]bool // services that refuse with ServiceLimit
}

// protected says whether the screen is locked with a passcode. Phone.mu is held.
func (p *Phone) protected() bool { return p.owner.locked && p.state.Passcode != "" }

// act changes what the owner does and wakes who waits for it.
func (p *Phone) act(change func(*ownerState)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.owner)
	p.wake()
}

// wake tells who waits in when. Phone.mu is held.
func (p *Phone) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// when waits until a condition holds, then acts.
func (p *Phone) when(ctx context.Context, holds func(*ownerState) bool, change func(*ownerState)) error {
	for {
		p.mu.Lock()
		if holds(&p.owner) {
			change(&p.owner)
			p.wake()
			p.mu.Unlock()
			return nil
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.ctx.Done():
			return errSwitchedOff
		}
	}
}

var errSwitchedOff = errors.New("the virtual iPhone is switched off")

// Lock locks the screen. Without a passcode that protects nothing.
func (p *Phone) Lock() {
	p.act(func(o *ownerState) { o.locked = true })
	p.PostNotification(noteLockState)
}

// Unlock unlocks the screen with the passcode.
func (p *Phone) Unlock() {
	p.act(func(o *ownerState) { o.locked, o.unlockedOnce = false, true })
	p.PostNotification(noteLockState)
}

// SetTrust says how the Trust dialog will be answered. The default is Yes.
func (p *Phone) SetTrust(a Answer) { p.act(func(o *ownerState) { o.trust = a }) }

// TapTrust waits for the Trust dialog and answers it: the next Pair of any
// computer succeeds.
func (p *Phone) TapTrust(ctx context.Context) error { return p.answerTrust(ctx, dialogAgreed) }

// RefuseTrust waits for the Trust dialog and taps "Don't Trust". Pairing is
// refused until the phone is plugged in again.
func (p *Phone) RefuseTrust(ctx context.Context) error { return p.answerTrust(ctx, dialogRefused) }

func (p *Phone) answerTrust(ctx context.Context, answer dialog) error {
	shown := func(o *ownerState) bool { return o.dialog == dialogShown }
	if err := p.when(ctx, shown, func(o *ownerState) { o.dialog = answer }); err != nil {
		return err
	}
	p.PostNotification(noteAskPair)
	return nil
}

// SetPasscodeAnswer says what happens to the passcode sheet. The default is
// Yes: somebody types the passcode at once.
func (p *Phone) SetPasscodeAnswer(a Answer) {
	p.act(func(o *ownerState) { o.passcodeAnswer = a })
}

// SetPasscodeTime changes how long the passcode sheet waits; 0 is the default.
func (p *Phone) SetPasscodeTime(d time.Duration) {
	p.act(func(o *ownerState) { o.passcodeTime = d })
}

// SetPasscode gives the phone a passcode; "" takes it away.
func (p *Phone) SetPasscode(code string) error {
	return p.update(func(s *state) { s.Passcode = code })
}

// TypePasscode waits for the passcode sheet and types the passcode, which
// unlocks the phone.
func (p *Phone) TypePasscode(ctx context.Context) error { return p.answerSheet(ctx, true) }

// CancelPasscode waits for the passcode sheet and cancels it.
func (p *Phone) CancelPasscode(ctx context.Context) error { return p.answerSheet(ctx, false) }

func (p *Phone) answerSheet(ctx context.Context, typed bool) error {
	shown := func(o *ownerState) bool { return o.sheet != nil }
	return p.when(ctx, shown, func(o *ownerState) { o.settle(typed) })
}

// settle takes the sheet off the screen.
func (o *ownerState) settle(typed bool) {
	if o.sheet == nil {
		return
	}
	o.sheet.typed = typed
	close(o.sheet.done)
	o.sheet = nil
	if typed {
		o.locked, o.unlockedOnce = false, true
	}
}

// AskPasscode shows the passcode sheet, if the phone has a passcode, and waits
// for the owner. It returns agent.ErrLocked when nobody typed it.
func (p *Phone) AskPasscode(ctx context.Context, reason string) error {
	p.mu.Lock()
	has := p.state.Passcode != ""
	p.mu.Unlock()
	if !has {
		return nil
	}
	p.log.Info("passcode sheet", "reason", reason)
	s, wait := p.present()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
		p.dismiss(s)
	case <-ctx.Done():
		p.dismiss(s)
		return context.Cause(ctx)
	case <-p.ctx.Done():
		return errSwitchedOff
	}
	p.PostNotification(noteSheetGone)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.typed {
		return agent.ErrLocked
	}
	return nil
}

// present puts a sheet on the screen, or finds the one that is there.
func (p *Phone) present() (s *sheet, wait time.Duration) {
	fresh := false
	p.act(func(o *ownerState) {
		if fresh = o.sheet == nil; fresh {
			o.sheet = &sheet{done: make(chan struct{})}
			o.sheets++
		}
		s, wait = o.sheet, cmp.Or(o.passcodeTime, passcodeTime)
	})
	if fresh {
		p.PostNotification(noteSheetShown)
	}
	p.act(func(o *ownerState) {
		if o.passcodeAnswer != Ask {
			o.settle(o.passcodeAnswer == Yes)
		}
	})
	return s, wait
}

func (p *Phone) dismiss(s *sheet) {
	p.act(func(o *ownerState) {
		if o.sheet == s {
			o.settle(false)
		}
	})
}

// SetPower says how full the battery is, in percent, and whether it is being
// charged.
func (p *Phone) SetPower(level int, charging bool) {
	p.act(func(o *ownerState) { o.battery = battery{min(max(level, 0), 100), charging} })
}

// SetWifi switches syncing over Wi-Fi on or off, as a host does with
// EnableWifiConnections. Switched off, the phone leaves the network at once.
func (p *Phone) SetWifi(on bool) error {
	return link{phone: p}.Set(domainWireless, "EnableWifiConnections", on, true)
}
