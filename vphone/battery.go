package vphone

import (
	"math"
	"time"
)

// battery is how full it was at a time, and what happens since. Phone.mu guards
// the phone's.
type battery struct {
	level         float64 // percent
	charging      bool
	charge, drain float64 // percent an hour
	at            time.Time
}

// now is the battery as it is at present.
func (b battery) now() battery {
	now := time.Now()
	hours := now.Sub(b.at).Hours()
	if b.charging {
		b.level += b.charge * hours
	} else {
		b.level -= b.drain * hours
	}
	b.level, b.at = min(max(b.level, 0), 100), now
	return b
}

// percent is the level as people see it.
func (b battery) percent() int { return int(math.Round(b.level)) }

// SetPower says how full the battery is, in percent, and whether it is being
// charged.
func (p *Phone) SetPower(level int, charging bool) {
	p.act(func(o *ownerState) {
		o.battery = o.battery.now()
		o.battery.level, o.battery.charging = float64(min(max(level, 0), 100)), charging
	})
}

// SetPowerRates lets time fill and empty the battery, in percent an hour. The
// default is that it stays as it is.
func (p *Phone) SetPowerRates(charge, drain float64) {
	p.act(func(o *ownerState) {
		o.battery = o.battery.now()
		o.battery.charge, o.battery.drain = max(charge, 0), max(drain, 0)
	})
}

func (p *Phone) batteryValues() map[string]any {
	b := p.owner.battery.now()
	full := b.charging && b.percent() == 100
	return map[string]any{
		"BatteryCurrentCapacity": b.percent(),
		"BatteryIsCharging":      b.charging && !full,
		"ExternalChargeCapable":  true,
		"ExternalConnected":      b.charging,
		"FullyCharged":           full,
		"GasGaugeCapability":     true,
		"HasBattery":             true,
	}
}

// registry knows the battery and nothing else.
func (p *Phone) registry(class any) map[string]any {
	if class != "IOPMPowerSource" && class != "AppleSmartBattery" {
		return map[string]any{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.owner.battery.now()
	full := b.charging && b.percent() == 100
	return map[string]any{
		"CurrentCapacity":   b.percent(),
		"MaxCapacity":       100,
		"ExternalConnected": b.charging,
		"IsCharging":        b.charging && !full,
		"FullyCharged":      full,
	}
}
