package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"russet/vphone"
)

// defaultHeartbeat is what a phone does by itself.
const defaultHeartbeat = 18 * time.Second

// networkControls are those of the phone's place on a network.
func networkControls() []control {
	return []control{
		{name: "wifi", args: "on|off", least: 1, most: 1, run: controlWifi, help: "let hosts find the phone over Wi-Fi"},
		{
			name: "network", args: "ADDRESS[+ADDRESS]|off", least: 1, most: 1, run: controlNetwork,
			help: "listen on local addresses, as a phone on Wi-Fi does, and switch wifi on",
		},
		{
			name: "announce", args: "on|off", least: 1, most: 1, run: switched((*vphone.Phone).Announce),
			help: "tell the network by multicast DNS that the phone is there",
		},
		{
			name: "roam", args: "ADDRESS[+ADDRESS]", least: 1, most: 1, run: controlRoam,
			help: "move to other addresses: connections to the old ones hang for ever",
		},
		{
			name: "doze", args: "[tell]", most: 1, run: controlDoze,
			help: "sleep: network connections hang and nothing answers; with tell, say so on the heartbeat before",
		},
		{name: "wake", help: "end the sleep: what hung goes on", run: just((*vphone.Phone).WakeUp)},
		{name: "hole", args: "DURATION", least: 1, most: 1, run: lasting((*vphone.Phone).RadioHole), help: "let no byte through over the network for a while"},
		{name: "reset", help: "break every network connection at once", run: just((*vphone.Phone).ResetNetwork)},
		{
			name: "heartbeat", args: "DURATION|off", least: 1, most: 1, run: lasting((*vphone.Phone).DemandHeartbeat),
			help: "how long computers may use services over the network without answering a heartbeat",
		},
		{
			name: "private-address", args: "on|off|rotate", least: 1, most: 1, run: controlPrivate,
			help: "announce a made-up MAC address, as iOS 26.4 and later always do; rotate makes up another",
		},
	}
}

// switched is a control of something that is on or off.
func switched(do func(p *vphone.Phone, on bool) error) func(context.Context, *vphone.Phone, []string) (string, error) {
	return func(_ context.Context, p *vphone.Phone, args []string) (string, error) {
		on, err := onOff(args[0])
		if err != nil {
			return "", err
		}
		return "", do(p, on)
	}
}

// lasting is a control of something with a duration; "off" is 0.
func lasting(do func(p *vphone.Phone, d time.Duration)) func(context.Context, *vphone.Phone, []string) (string, error) {
	return func(_ context.Context, p *vphone.Phone, args []string) (string, error) {
		d, err := parseDuration(args[0])
		if err == nil {
			do(p, d)
		}
		return "", err
	}
}

func parseDuration(word string) (time.Duration, error) {
	if word == "off" {
		return 0, nil
	}
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration such as 30s or 5m", word)
	}
	return d, nil
}

func controlWifi(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	on, err := onOff(args[0])
	if err != nil {
		return "", err
	}
	return "", p.SetWifi(on)
}

func controlNetwork(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	if args[0] == "off" {
		p.LeaveNetwork()
		return "", nil
	}
	return "", joinNetwork(p, args[0])
}

func controlRoam(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	addrs, err := parseAddresses(args[0])
	if err != nil {
		return "", err
	}
	return "", p.Roam(addrs...)
}

func controlDoze(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	if len(args) > 0 && args[0] != "tell" {
		return "", fmt.Errorf("%q is not tell", args[0])
	}
	p.Doze(len(args) > 0)
	return "", nil
}

func controlPrivate(_ context.Context, p *vphone.Phone, args []string) (string, error) {
	if args[0] == "rotate" {
		return "", p.RotateAddress()
	}
	on, err := onOff(args[0])
	if err != nil {
		return "", err
	}
	return "", p.SetPrivateAddress(on)
}

// joinNetworks reads "A", "A,B" and "NAME=A,NAME=B".
func (o serveOptions) joinNetworks(phones []*vphone.Phone) error {
	if o.network == "" {
		if o.announce {
			return fmt.Errorf("%w: --announce needs --network", errUsage)
		}
		return nil
	}
	for i, word := range strings.Split(o.network, ",") {
		name, addresses, named := strings.Cut(word, "=")
		var p *vphone.Phone
		switch {
		case named:
			if p = find(phones, name); p == nil {
				return fmt.Errorf("%w: no phone is called %q", errUsage, name)
			}
		case i < len(phones):
			p, addresses = phones[i], word
		default:
			return fmt.Errorf("%w: more addresses than the %d phones in --network %q", errUsage, len(phones), o.network)
		}
		if err := joinNetwork(p, addresses); err != nil {
			return err
		}
		if err := p.Announce(o.announce); err != nil {
			return err
		}
	}
	return nil
}

func joinNetwork(p *vphone.Phone, addresses string) error {
	addrs, err := parseAddresses(addresses)
	if err != nil {
		return err
	}
	if err := p.SetWifi(true); err != nil {
		return err
	}
	return p.JoinNetwork(addrs...)
}

func parseAddresses(list string) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for word := range strings.SplitSeq(list, "+") {
		addr, err := netip.ParseAddr(word)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// whereabouts tells on which network a phone is, for a line about it.
func whereabouts(p *vphone.Phone) string {
	addrs := p.NetworkAddrs()
	if len(addrs) == 0 {
		return ""
	}
	words := make([]string, len(addrs))
	for i, addr := range addrs {
		words[i] = addr.String()
	}
	return ", at " + strings.Join(words, " and ")
}
