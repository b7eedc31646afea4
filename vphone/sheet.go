package vphone

import (
	"cmp"
	"context"
	"time"

	"russet/vphone/agent"
)

// passcodeTime is how long the passcode sheet stays: about three minutes in
// logs of real phones.
const passcodeTime = 3 * time.Minute

// A sheet is the passcode prompt on the screen; several may wait for it.
type sheet struct {
	done  chan struct{}
	typed bool
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

// SetPasscodeDelay says after how long the answers Yes and No come; the default
// is at once. The sheet may be gone by then.
func (p *Phone) SetPasscodeDelay(d time.Duration) {
	p.act(func(o *ownerState) { o.passcodeDelay = d })
}

// SetPasscodeSheet says whether a phone with a passcode asks for it when it is
// backed up. It does by default; some were seen that do not.
func (p *Phone) SetPasscodeSheet(shown bool) {
	p.act(func(o *ownerState) { o.passcodeUnseen = !shown })
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

// AskPasscode shows the passcode sheet, if the phone has a passcode and asks for
// it, and waits for the owner. It returns agent.ErrLocked when nobody typed it.
func (p *Phone) AskPasscode(ctx context.Context, reason string) error {
	p.mu.Lock()
	asks := p.state.Passcode != "" && !p.owner.passcodeUnseen
	p.mu.Unlock()
	if !asks {
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
		answer := o.passcodeAnswer
		switch {
		case answer == Ask:
		case o.passcodeDelay == 0:
			o.settle(answer == Yes)
		case fresh:
			time.AfterFunc(o.passcodeDelay, func() { p.answerLate(s, answer) })
		}
	})
	return s, wait
}

// answerLate answers a sheet, if it is still there.
func (p *Phone) answerLate(s *sheet, answer Answer) {
	p.act(func(o *ownerState) {
		if o.sheet == s {
			o.settle(answer == Yes)
		}
	})
}

func (p *Phone) dismiss(s *sheet) { p.answerLate(s, No) }
