package vphone

import (
	"context"
	"errors"
	"time"
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

// dialog is where the Trust dialog stands.
type dialog int

const (
	dialogNone dialog = iota
	dialogShown
	dialogAgreed
	dialogRefused
)

// ownerState is what the owner did, and will do. Phone.mu guards it.
type ownerState struct {
	locked         bool
	unlockedOnce   bool // since it was switched on
	trust          Answer
	dialog         dialog
	passcodeAnswer Answer
	passcodeTime   time.Duration
	passcodeDelay  time.Duration
	passcodeUnseen bool
	autoLock       time.Duration
	autoLockTimer  *time.Timer
	sheet          *sheet
	sheets         int // shown so far
	battery        battery
	trustTime      time.Duration
	limited        map[string]bool // services that refuse with ServiceLimit
	withheld       map[string]bool // domains whose values are refused with GetProhibited
}

// protected says whether the screen is locked with a passcode. Phone.mu is held.
func (p *Phone) protected() bool { return p.owner.locked && p.state.Passcode != "" }

// act changes what the owner does and wakes who waits for it.
func (p *Phone) act(change func(*ownerState)) {
	p.mu.Lock()
	was := p.owner
	change(&p.owner)
	p.wake()
	follow := p.unlocking(was)
	p.mu.Unlock()
	follow()
}

// unlocking returns what has to happen, without Phone.mu, when the screen is
// locked or unlocked otherwise than it was. Phone.mu is held.
func (p *Phone) unlocking(was ownerState) (follow func()) {
	o := &p.owner
	if was.locked == o.locked && was.autoLock == o.autoLock {
		return func() {}
	}
	if o.autoLockTimer != nil {
		o.autoLockTimer.Stop()
		o.autoLockTimer = nil
	}
	if !o.locked && o.autoLock > 0 {
		o.autoLockTimer = time.AfterFunc(o.autoLock, p.Lock)
	}
	changed, first := was.locked != o.locked, was.unlockedOnce != o.unlockedOnce
	return func() {
		if changed {
			p.PostNotification(noteLockState)
		}
		if first {
			p.tellWatchers() // it may be on its network now
		}
	}
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
			was := p.owner
			change(&p.owner)
			p.wake()
			follow := p.unlocking(was)
			p.mu.Unlock()
			follow()
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
}

// Unlock unlocks the screen with the passcode.
func (p *Phone) Unlock() {
	p.act(func(o *ownerState) { o.locked, o.unlockedOnce = false, true })
}

// SetAutoLock has the screen lock itself after that time unlocked; 0, the
// default, is never. It begins now.
func (p *Phone) SetAutoLock(after time.Duration) {
	p.act(func(o *ownerState) { o.autoLock = after })
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

// SetWifi switches syncing over Wi-Fi on or off, as a host does with
// EnableWifiConnections. Switched off, the phone leaves the network at once.
func (p *Phone) SetWifi(on bool) error {
	return link{phone: p}.Set(domainWireless, "EnableWifiConnections", on, true)
}
