package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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
		{
			name: "trust", args: "yes|no|ask|tap|refuse", least: 1, most: 1, run: controlTrust,
			help: "how the Trust dialog will be answered; tap and refuse wait for it and answer now",
		},
		{
			name: "passcode", args: "yes|no|ask|type|cancel|set [CODE]|wait DURATION", least: 1, most: 2, run: controlPasscode,
			help: "how the passcode sheet will be answered; type and cancel wait for it and answer now",
		},
		{
			name: "password", args: "[PASSWORD]", most: 1, run: controlPassword,
			help: "set the backup password; without one encryption is switched off",
		},
		{name: "power", args: "LEVEL on|off", least: 2, most: 2, run: controlPower, help: "battery in percent, charging or not"},
		{
			name: "condition", args: "NAME on|off", least: 2, most: 2, run: controlCondition,
			help: "find-my, managed-off, setup-unfinished, requires-encryption, icloud-restore",
		},
		{
			name: "fault", args: "off|NAME=VALUE...", least: 1, most: 20, run: controlFault,
			help: "let something go wrong; see below",
		},
		{name: "limit", args: "SERVICE on|off", least: 2, most: 2, run: controlLimit, help: "refuse a service with ServiceLimit"},
		{name: "forget", help: "trust no computer any more", run: quiet((*vphone.Phone).ForgetHosts)},
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
		d, err := time.ParseDuration(value)
		if err == nil {
			p.SetPasscodeTime(d)
		}
		return "", err
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
	if err == nil {
		p.SetPower(level, charging)
	}
	return "", err
}

func controlCondition(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	on, err := onOff(args[1])
	if err != nil {
		return "", err
	}
	return "", p.SetCondition(args[0], on)
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
