package agent

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"russet/vphone/disk"
)

// FileMatch names files: "#3" is the third file sent in a session,
// "HomeDomain/Library/SMS/sms.db" one by its place, "" none.
type FileMatch string

func (m FileMatch) matches(n int, e *disk.Entry) bool {
	switch {
	case m == "":
		return false
	case m[0] == '#':
		return string(m[1:]) == strconv.Itoa(n)
	}
	domain, path, _ := strings.Cut(string(m), "/")
	return domain == e.Domain && path == e.Path
}

// setters is how each name of [Faults.Set] is set.
func setters() map[string]func(*Config, string) error {
	return map[string]func(*Config, string) error{
		"frame":          number(func(c *Config) *int { return &c.Frame }),
		"kdf-rounds":     number(func(c *Config) *int { return &c.Rounds[0] }),
		"kdf-rounds-2":   number(func(c *Config) *int { return &c.Rounds[1] }),
		"empty-file":     setEmptyFile,
		"properties":     toggle(func(c *Config) *bool { return &c.Properties }),
		"purge":          toggle(func(c *Config) *bool { return &c.Purge }),
		"strict-empty":   toggle(func(c *Config) *bool { return &c.StrictEmpty }),
		"count-paths":    toggle(func(c *Config) *bool { return &c.CountPaths }),
		"drop-sent":      number(func(c *Config) *int64 { return &c.DropSent }),
		"drop-received":  number(func(c *Config) *int64 { return &c.DropReceived }),
		"drop-message":   number(func(c *Config) *int { return &c.DropMessage }),
		"drop-between":   number(func(c *Config) *int { return &c.DropBetween }),
		"reboot-message": number(func(c *Config) *int { return &c.RebootAt }),
		"stall-message":  stall(func(c *Config) *Stall { return &c.Stall }),
		"stall-sent":     stall(func(c *Config) *Stall { return &c.StallSent }),
		"slow-start":     duration(func(c *Config) *time.Duration { return &c.SlowStart }),
		"clock-ahead":    duration(func(c *Config) *time.Duration { return &c.ClockAhead }),
		"vanish":         file(func(c *Config) *FileMatch { return &c.Vanish }),
		"fail":           file(func(c *Config) *FileMatch { return &c.Fail }),
		"grow":           file(func(c *Config) *FileMatch { return &c.Grow }),
		"shrink":         file(func(c *Config) *FileMatch { return &c.Shrink }),
		"wrong-total":    number(func(c *Config) *int64 { return &c.WrongTotal }),
		"lose-cache":     toggle(func(c *Config) *bool { return &c.LoseCache }),
		"passcode-gone":  toggle(func(c *Config) *bool { return &c.PasscodeGone }),
		"final-error":    number(func(c *Config) *int { return &c.FinalError }),
		"empty-success":  toggle(func(c *Config) *bool { return &c.EmptySuccess }),
		"no-response":    toggle(func(c *Config) *bool { return &c.NoResponse }),
		"hostile":        setHostile,
	}
}

// FaultNames returns the names Set knows, sorted.
func FaultNames() []string { return slices.Sorted(maps.Keys(setters())) }

// Set sets one thing by its name, as a command line has it: "drop-sent" to
// "1000000", "stall-message" to "40s@12", "fail" to "#3", "purge" to "on". The
// name "none" clears everything.
func (f *Faults) Set(name, value string) error {
	if name == "none" {
		f.Update(func(c *Config) { *c = Config{} })
		return nil
	}
	set, ok := setters()[name]
	if !ok {
		return fmt.Errorf("no fault is called %q: there are %s", name, strings.Join(FaultNames(), ", "))
	}
	var err error
	f.Update(func(c *Config) {
		next := *c
		if err = set(&next, value); err == nil {
			*c = next
		}
	})
	if err != nil {
		return fmt.Errorf("fault %s: %w", name, err)
	}
	return nil
}

func number[T int | int64](field func(*Config) *T) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no number", value)
		}
		*field(c) = T(n)
		return nil
	}
}

func toggle(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, value string) error {
		switch value {
		case "on", "":
			*field(c) = true
		case "off":
			*field(c) = false
		default:
			return fmt.Errorf("%q is neither on nor off", value)
		}
		return nil
	}
}

func file(field func(*Config) *FileMatch) func(*Config, string) error {
	return func(c *Config, value string) error {
		if n, ok := strings.CutPrefix(value, "#"); ok {
			if _, err := strconv.Atoi(n); err != nil {
				return fmt.Errorf("%q is no number", n)
			}
		}
		*field(c) = FileMatch(value)
		return nil
	}
}

func stall(field func(*Config) *Stall) func(*Config, string) error {
	return func(c *Config, value string) error {
		pause, at, ok := strings.Cut(value, "@")
		if !ok {
			return fmt.Errorf("%q is not like 40s@12", value)
		}
		d, err := time.ParseDuration(pause)
		if err != nil {
			return fmt.Errorf("%q is no duration", pause)
		}
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no number", at)
		}
		*field(c) = Stall{At: n, For: d}
		return nil
	}
}

func duration(field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%q is no duration", value)
		}
		*field(c) = d
		return nil
	}
}

func setEmptyFile(c *Config, value string) error {
	switch value {
	case "padded":
		c.EmptyFile = EmptyPadded
	case string(EmptyBare), string(EmptyKeyless):
		c.EmptyFile = EmptyFile(value)
	default:
		return fmt.Errorf("%q is not padded, bare or keyless", value)
	}
	return nil
}

func setHostile(c *Config, value string) error {
	if value != "" && !slices.Contains(Scripts(), value) {
		return fmt.Errorf("no script is called %q: there are %s", value, strings.Join(Scripts(), ", "))
	}
	c.HostileScript = value
	return nil
}
