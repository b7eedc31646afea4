package vphone

import "time"

// Plug connects the cable. A Trust dialog that was refused can come again.
func (p *Phone) Plug() {
	p.mu.Lock()
	p.cable = true
	if p.owner.dialog == dialogRefused {
		p.owner.dialog = dialogNone
	}
	p.mu.Unlock()
	p.tellWatchers()
}

// Unplug pulls the cable: every connection over it breaks.
func (p *Phone) Unplug() {
	p.mu.Lock()
	p.cable = false
	if p.owner.dialog == dialogShown {
		p.owner.dialog = dialogNone
	}
	p.mu.Unlock()
	p.dropConns(func(g guest) bool { return !g.overNetwork() })
	p.tellWatchers()
}

// Reboot drops every connection and comes back after the reboot time. A phone
// with a passcode is locked then, and was never unlocked: it starts no services
// and knows no network's password until its owner unlocks it.
func (p *Phone) Reboot() {
	p.mu.Lock()
	if p.down {
		p.mu.Unlock()
		return
	}
	p.down = true
	p.owner.settle(false)
	p.owner.dialog = dialogNone
	if p.state.Passcode != "" {
		p.owner.locked, p.owner.unlockedOnce = true, false
	}
	p.wake()
	p.mu.Unlock()
	p.log.Info("reboot")
	p.forgetApps()
	p.dropConns(nil)
	p.tellWatchers()
	time.AfterFunc(p.rebootTime, func() {
		p.mu.Lock()
		if p.ctx.Err() == nil {
			p.down = false
		}
		p.mu.Unlock()
		p.tellWatchers()
	})
}

// watch has fn called after the phone came, went, or was reached otherwise.
func (p *Phone) watch(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers = append(p.watchers, fn)
}

// tellWatchers follows a change of where the phone can be found, or as what.
func (p *Phone) tellWatchers() {
	if err := p.advertise(); err != nil {
		p.log.Warn("announce", "error", err)
	}
	p.mu.Lock()
	watchers := p.watchers
	p.mu.Unlock()
	for _, fn := range watchers {
		fn()
	}
}
