package vphone

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"russet/vphone/agent"
)

const backupService = "com.apple.mobilebackup2"

// FaultHelp explains the names of [Phone.SetFault], a line each.
func FaultHelp() []string {
	return []string{
		"drop-after=BYTES          break the backup's connection after so many bytes on the wire",
		"drop-at=N                 … before the phone's N-th write",
		"unplug-after, unplug-at   pull the cable; reboot-…, lock-… likewise",
		"doze-…, reset-…           sleep on the network, or break all its connections, likewise",
		"stall-after=40s@BYTES     let nothing move for 40 s; stall-at=40s@N likewise",
		"hole-after, hole-at       let nothing move over the network, likewise",
		"                          Each may end in ,SERVICE to count that service's traffic, such as",
		"                          lockdownd or com.apple.afc, or in ,any to count all.",
		"off                       take back everything",
		"In the backup agent:      " + strings.Join(agent.FaultNames(), ", "),
	}
}

// SetFault sets one fault by its name, as a command line has it: those of the
// wire, see [FaultHelp], or those of the backup agent, see [agent.Faults]. The
// name "off" takes back all of them.
func (p *Phone) SetFault(name, value string) error {
	if name == "off" {
		p.DisarmFaults()
		return p.faults.Set("none", "")
	}
	word, unit, _ := strings.Cut(name, "-")
	action := Action(word)
	isWire := unit == "after" || unit == "at"
	switch action {
	case Drop, PullCable, Restart, LockScreen, Stall, Sleep, Hole, Reset:
	default:
		isWire = false
	}
	if !isWire {
		return p.faults.Set(name, value)
	}
	f, err := parseFault(action, unit, value)
	if err != nil {
		return fmt.Errorf("fault %s: %w", name, err)
	}
	p.Inject(f)
	return nil
}

func parseFault(action Action, unit, value string) (Fault, error) {
	f := Fault{Do: action, On: backupService}
	point, service, ok := strings.Cut(value, ",")
	if ok {
		f.On = service
	}
	if f.On == "any" {
		f.On = ""
	}
	if action == Stall || action == Hole {
		pause, at, ok := strings.Cut(point, "@")
		if !ok {
			return Fault{}, fmt.Errorf("%q is not like 40s@1000", point)
		}
		var err error
		if f.For, err = time.ParseDuration(pause); err != nil {
			return Fault{}, err
		}
		point = at
	}
	n, err := strconv.ParseInt(point, 10, 64)
	if err != nil || n < 0 || unit == "at" && n == 0 {
		return Fault{}, fmt.Errorf("%q is no point in the traffic", point)
	}
	if unit == "at" {
		f.AtWrite = int(n)
	} else {
		f.AfterBytes = n
	}
	return f, nil
}

// Stats is what a phone did.
type Stats struct {
	Agent       agent.Counters // since agent.Faults.ResetCounters
	Sheets      int            // how often the passcode sheet was shown
	Connections int            // how many it serves now
	CPUSeconds  float64        // of the whole process, where the system tells
}

// Stats returns what the phone did so far.
func (p *Phone) Stats() Stats {
	p.mu.Lock()
	s := Stats{Sheets: p.owner.sheets, Connections: len(p.conns)}
	p.mu.Unlock()
	s.Agent, s.CPUSeconds = p.faults.Counters(), processTime().Seconds()
	return s
}
