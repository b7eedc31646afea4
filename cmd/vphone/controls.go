package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"russet/vphone"
	"russet/vphone/content"
)

// A control is one command of vphone ctl.
type control struct {
	name, args, help string
	least, most      int // arguments
	run              func(ctx context.Context, p *vphone.Phone, args []string) (string, error)
}

// quiet is a control that says nothing.
func quiet(do func(p *vphone.Phone) error) func(context.Context, *vphone.Phone, []string) (string, error) {
	return func(_ context.Context, p *vphone.Phone, _ []string) (string, error) { return "", do(p) }
}

// just is a control that cannot fail.
func just(do func(p *vphone.Phone)) func(context.Context, *vphone.Phone, []string) (string, error) {
	return quiet(func(p *vphone.Phone) error { do(p); return nil })
}

func controls() []control { return slices.Concat(ownerControls(), networkControls()) }

func ownerControls() []control {
	return []control{
		{name: "plug", help: "plug the cable in", run: just((*vphone.Phone).Plug)},
		{name: "unplug", help: "pull the cable: every connection over it breaks", run: just((*vphone.Phone).Unplug)},
		{name: "reboot", help: "restart; with a passcode the phone is locked afterwards", run: just((*vphone.Phone).Reboot)},
		{name: "lock", help: "lock the screen, which protects nothing without a passcode", run: just((*vphone.Phone).Lock)},
		{name: "unlock", help: "unlock the screen", run: just((*vphone.Phone).Unlock)},
		{name: "autolock", args: "DURATION|off", least: 1, most: 1, run: lasting((*vphone.Phone).SetAutoLock), help: "lock the screen by itself after so long unlocked"},
		{
			name: "trust", args: "yes|no|ask|tap|refuse", least: 1, most: 1, run: controlTrust,
			help: "how the Trust dialog will be answered; tap and refuse wait for it and answer now",
		},
		{
			name: "passcode", args: "yes|no|ask|type|cancel|set [CODE]|wait DURATION|after DURATION|sheet on|off", least: 1, most: 2, run: controlPasscode,
			help: "how the passcode sheet will be answered, and after how long; type and cancel wait for it and answer now;\n        wait is how long the sheet stays; sheet off: the phone does not ask although it has a passcode",
		},
		{
			name: "password", args: "[PASSWORD]", most: 1, run: controlPassword,
			help: "set the backup password; without one encryption is switched off",
		},
		{
			name: "power", args: "LEVEL on|off [RATE]", least: 2, most: 3, run: controlPower,
			help: "battery in percent, charging or not, and how many percent it gains or loses in an hour",
		},
		{
			name: "condition", args: "NAME on|off", least: 2, most: 2, run: controlCondition,
			help: "find-my, managed-off, setup-unfinished, requires-encryption, icloud-restore",
		},
		{
			name: "fault", args: "off|NAME=VALUE...", least: 1, most: 20, run: controlFault,
			help: "let something go wrong; see below",
		},
		{name: "withhold", args: "DOMAIN on|off", least: 2, most: 2, run: controlWithhold, help: "refuse the values of a domain with GetProhibited"},
		{name: "limit", args: "SERVICE on|off", least: 2, most: 2, run: controlLimit, help: "refuse a service with ServiceLimit"},
		{
			name: "forget", args: "[DURATION|off]", most: 1, run: controlForget,
			help: "trust no computer any more: now, or when none has opened a session for so long",
		},
		{
			name: "churn", args: "DAY [light|usual|heavy]", least: 1, most: 2, run: controlChurn,
			help: "live a day, while no backup runs",
		},
		{name: "stats", help: "what the phone did, in JSON", run: controlStats},
	}
}

func onOff(word string) (bool, error) {
	switch word {
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither on nor off", word)
}

func controlTrust(ctx context.Context, p *vphone.Phone, args []string) (string, error) {
	switch args[0] {
	case "tap":
		return "", p.TapTrust(ctx)
	case "refuse":
		return "", p.RefuseTrust(ctx)
	}
	answer, err := parseAnswer(args[0])
	if err == nil {
		p.SetTrust(answer)
	}
	return "", err
}

func controlPasscode(ctx context.Context, p *vphone.Phone, args []string) (string, error) {
	value := strings.Join(args[1:], "")
	switch args[0] {
	case "type":
		return "", p.TypePasscode(ctx)
	case "cancel":
		return "", p.CancelPasscode(ctx)
	case "set":
		return "", p.SetPasscode(value)
	case "wait":
		return lasting((*vphone.Phone).SetPasscodeTime)(ctx, p, []string{value})
	case "after":
		return lasting((*vphone.Phone).SetPasscodeDelay)(ctx, p, []string{value})
	case "sheet":
		return switched(func(p *vphone.Phone, on bool) error { p.SetPasscodeSheet(on); return nil })(ctx, p, []string{value})
	}
	answer, err := parseAnswer(args[0])
	if err == nil {
		p.SetPasscodeAnswer(answer)
	}
	return "", err
}

func controlPassword(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	return "", p.SetBackupPassword(strings.Join(args, ""))
}

func controlPower(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	level, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	charging, err := onOff(args[1])
	if err != nil {
		return "", err
	}
	rate := 0.0
	if len(args) > 2 {
		if rate, err = strconv.ParseFloat(args[2], 64); err != nil || !(rate >= 0) {
			return "", fmt.Errorf("%q is no rate in percent an hour", args[2])
		}
	}
	p.SetPowerRates(rate, rate)
	p.SetPower(level, charging)
	return "", nil
}

func controlForget(ctx context.Context, p *vphone.Phone, args []string) (string, error) {
	if len(args) == 0 {
		return "", p.ForgetHosts()
	}
	return lasting((*vphone.Phone).SetTrustTime)(ctx, p, args)
}

func controlCondition(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	on, err := onOff(args[1])
	if err != nil {
		return "", err
	}
	return "", p.SetCondition(args[0], on)
}

func controlWithhold(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	on, err := onOff(args[1])
	if err == nil {
		p.WithholdValues(args[0], on)
	}
	return "", err
}

func controlLimit(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	on, err := onOff(args[1])
	if err == nil {
		p.LimitService(args[0], on)
	}
	return "", err
}

func controlChurn(ctx context.Context, p *vphone.Phone, args []string) (string, error) {
	day, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	o := content.ChurnOptions{Day: day, Report: &content.Report{}}
	if len(args) > 1 {
		o.Activity = content.Activity(args[1])
	}
	if err := content.Churn(ctx, p.Disk(), o); err != nil {
		return "", err
	}
	return reportText(*o.Report), nil
}

func controlStats(_ context.Context, p *vphone.Phone, _ []string) (string, error) {
	data, err := json.MarshalIndent(p.Stats(), "", "  ")
	return string(data), err
}

// controlFault hands names to the wire or to the backup agent.
func controlFault(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	var errs []error
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		if err := p.SetFault(name, value); err != nil {
			errs = append(errs, err)
		}
	}
	return "", errors.Join(errs...)
}
