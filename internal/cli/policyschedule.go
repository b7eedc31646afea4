package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"russet"
	"russet/internal/host"
	"russet/internal/schedule"
)

// scheduleFlags are the parts of a schedule a person may change.
type scheduleFlags struct {
	flags *pflag.FlagSet
	text  [len(scheduleParts)]string
}

// schedulePart is one flag, and what its text does to a schedule.
type schedulePart struct {
	flag, help string
	set        func(s *schedule.Settings, text string) error
	forget     func(s *schedule.Settings)
}

var scheduleParts = [...]schedulePart{
	part("automatic", "whether it is backed up by itself: `on|off`", parseYes, func(s *schedule.Settings) **bool { return &s.Automatic }),
	part("every", "how old the last backup may be: `AGE` (1d, 12h, 2w)", schedule.ParseSpan, func(s *schedule.Settings) **schedule.Span { return &s.Every }),
	part("window", "when backups may begin: `HOURS` (22:00-06:00) or any", parseHours("any"), func(s *schedule.Settings) **schedule.Hours { return &s.Window }),
	part("quiet", "when nobody is asked for a passcode: `HOURS` (22:00-07:00) or none", parseHours("none"), func(s *schedule.Settings) **schedule.Hours { return &s.Quiet }),
	part("locked", "only while it is locked: `yes|no`", parseYes, func(s *schedule.Settings) **bool { return &s.Locked }),
	part("power", "only while it is on power: `yes|no`", parseYes, func(s *schedule.Settings) **bool { return &s.Power }),
	part("battery", "how full its battery must be: `PERCENT`", parseWhole("%"), func(s *schedule.Settings) **int { return &s.Battery }),
	part("over", "how it must be connected: `any|cable|wifi`", parseWays, func(s *schedule.Settings) **schedule.Ways { return &s.Ways }),
	part("stores", "where its backups go: `NAMES` with commas between", parseNames, func(s *schedule.Settings) **[]string { return &s.Stores }),
	part("asks", "how often a day it may be made to ask for its passcode: `N`", parseWhole(""), func(s *schedule.Settings) **int { return &s.Asks }),
	part("overdue", "how old the last backup is when somebody is told: `AGE` (7d) or never", parseOverdue, func(s *schedule.Settings) **schedule.Span { return &s.Overdue }),
}

// part makes a flag of one field of a schedule.
func part[T any](flag, help string, parse func(string) (T, error), field func(*schedule.Settings) **T) schedulePart {
	return schedulePart{
		flag: flag, help: help,
		set: func(s *schedule.Settings, text string) error {
			v, err := parse(text)
			if err == nil {
				*field(s) = &v
			}
			return err
		},
		forget: func(s *schedule.Settings) { *field(s) = nil },
	}
}

func (f *scheduleFlags) register(flags *pflag.FlagSet) {
	f.flags = flags
	for i, p := range scheduleParts {
		flags.StringVar(&f.text[i], p.flag, "", p.help)
	}
}

// first is the first flag that was given; "" if none was.
func (f *scheduleFlags) first() string {
	for _, p := range scheduleParts {
		if f.flags.Changed(p.flag) {
			return p.flag
		}
	}
	return ""
}

func (f *scheduleFlags) named() bool { return f.first() != "" }

// takeBack is the word that takes back what was set.
const takeBack = "default"

// parse reads the flags; change puts them into what was chosen.
func (f *scheduleFlags) parse() (change func(*schedule.Settings), err error) {
	var changes []func(*schedule.Settings)
	for i, p := range scheduleParts {
		text := strings.TrimSpace(f.text[i])
		switch {
		case !f.flags.Changed(p.flag):
		case text == takeBack:
			changes = append(changes, p.forget)
		default:
			if err := p.set(&schedule.Settings{}, text); err != nil {
				return nil, usage(`"russet policy set --help" tells what it takes`, "--%s: %s", p.flag, err)
			}
			changes = append(changes, func(s *schedule.Settings) { p.set(s, text) }) //nolint:errcheck // it was read above
		}
	}
	return func(s *schedule.Settings) {
		for _, c := range changes {
			c(s)
		}
	}, nil
}

func parseYes(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "yes", "on", "true":
		return true, nil
	case "no", "off", "false":
		return false, nil
	default:
		return false, fmt.Errorf("%q is neither yes nor no", text)
	}
}

// parseHours reads hours, and one word for all of them or none.
func parseHours(word string) func(string) (schedule.Hours, error) {
	return func(text string) (schedule.Hours, error) {
		h, err := schedule.ParseHours(text)
		if err == nil && h.Any() && !strings.EqualFold(text, word) {
			err = fmt.Errorf("%q is neither hours such as 22:00-06:00 nor %q", text, word)
		}
		return h, err
	}
}

// parseWhole reads a number that may have a unit.
func parseWhole(unit string) func(string) (int, error) {
	return func(text string) (int, error) {
		n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(text, unit)))
		if err != nil {
			return 0, fmt.Errorf("%q is no whole number", text)
		}
		return n, nil
	}
}

func parseWays(text string) (schedule.Ways, error) {
	switch strings.ToLower(text) {
	case "any":
		return schedule.AnyWay, nil
	case "cable", "usb":
		return schedule.Cable, nil
	case "wifi", "wi-fi", "network":
		return schedule.Network, nil
	default:
		return "", fmt.Errorf("%q is none of any, cable, wifi", text)
	}
}

func parseNames(text string) ([]string, error) {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			return nil, errors.New("name stores, with commas between them")
		}
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("%q is named twice", name)
		}
		names = append(names, name)
	}
	return names, nil
}

func parseOverdue(text string) (schedule.Span, error) {
	if strings.EqualFold(text, "never") {
		return 0, nil
	}
	s, err := schedule.ParseSpan(text)
	if err == nil && s == 0 {
		err = errors.New(`a backup cannot be overdue at once; say "never" for no alarm`)
	}
	return s, err
}

// printSchedules says in words when each device is backed up, once a device.
func (a *app) printSchedules(policies []host.Policy, names namesakes) {
	said := map[russet.UDID]bool{}
	for _, p := range policies {
		if said[p.Device] {
			continue
		}
		said[p.Device] = true
		name := plain(policyDevice(p, names))
		if p.Device == "" {
			name = "any other device"
		}
		fmt.Fprintf(a.out, "\n%s (%s):\n", name, p.ScheduleFrom)
		for line := range strings.SplitSeq(p.Schedule.Text(), "; ") {
			fmt.Fprintln(a.out, "  "+line)
		}
		for _, doubt := range p.Schedule.Doubts() {
			fmt.Fprintln(a.out, "  but: "+doubt)
		}
	}
}
