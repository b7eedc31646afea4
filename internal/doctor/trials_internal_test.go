package doctor

import (
	"errors"
	"time"

	"russet"
	"russet/internal/schedule"
)

func homeTrials() []trial {
	secrets := func(state SecretsState) func(*Readings) {
		return func(r *Readings) { r.Home.Secrets, r.Home.SecretsWhy = state, "a reason" }
	}
	return []trial{
		{"home/read-only", func(r *Readings) {
			r.Home.Trouble = &russet.Error{Kind: russet.Usage, What: "/home/anna/.config/russet: permission denied"}
		}, "home-unwritable", russet.Usage},
		{"home/full", func(r *Readings) {
			r.Home.Trouble = &russet.Error{Kind: russet.NoSpace, What: "no space left on device"}
		}, "home-full", russet.NoSpace},
		{"home/nearly full", func(r *Readings) { r.Home.Free = 100 << 20 }, "home-full", russet.NoSpace},
		{"home/room unknown", func(r *Readings) { r.Home.Free = -1 }, "", 0},
		{"home/on NFS", func(r *Readings) { r.Home.Network = "nfs4" }, "home-network", 0},
		{"home/in a container", func(r *Readings) { r.Home.Passing = true }, "home-passing", 0},
		{"home/settings", func(r *Readings) {
			r.Home.Settings = &russet.Error{Kind: russet.Damaged, What: "unexpected end of JSON input"}
			r.Stores, r.Service.Channels = nil, 0
			r.Phones[0].LastBackup, r.Phones[0].Dropped = time.Time{}, true
		}, "settings-damaged", russet.Damaged},
		{"home/password file", func(r *Readings) { r.Home.PasswordFile = errors.New("/etc/pw: no such file") }, "password-file", russet.Usage},
		{"secrets/exposed", secrets(SecretsExposed), "secrets-exposed", russet.Usage},
		{"secrets/keyring", secrets(SecretsKeyring), "secrets-keyring", russet.Usage},
		{"secrets/lost", secrets(SecretsKeyLost), "secrets-lost", russet.Damaged},
		{"secrets/damaged hides the phone's and the store's", both(secrets(SecretsDamaged), anna(func(p *Phone) { p.State = PhoneUnreadable }), func(r *Readings) {
			r.Stores[0].State, r.Stores[0].Trouble = StoreLocked, &russet.Error{Kind: russet.Password}
		}), "secrets-damaged", russet.Damaged},
		{"secrets/partly", secrets(SecretsPartly), "secrets-partly", russet.Damaged},
		{"secrets/trouble", secrets(SecretsTrouble), "secrets-trouble", russet.Failed},
		{"clock/1970 hides how long ago things were", both(gone(nil), func(r *Readings) { r.Now = time.Unix(300, 0).UTC() }), "clock-unset away", russet.Usage},
		{"clock/behind", anna(func(p *Phone) { p.LastBackup = now.Add(26 * time.Hour) }), "clock-behind", russet.Usage},
		{"clock/a little apart", anna(func(p *Phone) { p.LastBackup = now.Add(time.Minute) }), "", 0},
	}
}

func cableTrials() []trial {
	system := func(name string) func(*Readings) {
		return func(r *Readings) { r.Computer = Computer{System: name, Interfaces: r.Computer.Interfaces} }
	}
	bus := func(change func(*BusPhone)) func(*Readings) {
		return both(unseen, func(r *Readings) { change(&r.Computer.BusPhones[0]) })
	}
	container := func(r *Readings) { r.Computer.Container, r.Computer.Systemd = "Docker", false }
	return []trial{
		{"cable/nothing", withoutPhone, "cable-empty", russet.NotConnected},
		{"cable/chosen and empty", both(withoutPhone, func(r *Readings) { r.Mux.Chosen = true }), "cable-empty", russet.NotConnected},
		{"usbmuxd/missing", both(muxless(MuxAbsent), func(r *Readings) { r.Computer.Program = false }), "usbmuxd-missing", russet.NotConnected},
		{"usbmuxd/missing, nothing plugged in", both(withoutPhone, muxless(MuxAbsent), func(r *Readings) { r.Computer.Program = false }), "usbmuxd-missing", russet.NotConnected},
		{"usbmuxd/stopped", muxless(MuxAbsent), "usbmuxd-stopped", russet.NotConnected},
		{"usbmuxd/udev starts it with the first phone", both(muxless(MuxAbsent), withoutPhone), "cable-empty", russet.NotConnected},
		{"usbmuxd/udev starts it, and the phone is away", both(muxless(MuxAbsent), withoutPhone, gone(func(p *Phone) { p.MetCable = p.Met })), "away", russet.NotConnected},
		{"usbmuxd/stopped, without systemd", both(muxless(MuxAbsent), withoutPhone, func(r *Readings) { r.Computer.Systemd, r.Computer.Distribution = false, "alpine" }), "usbmuxd-stopped", russet.NotConnected},
		{"usbmuxd/elsewhere", both(muxless(MuxAbsent), func(r *Readings) { r.Mux.Chosen, r.Mux.Addr = true, "nas:27015" }), "usbmuxd-elsewhere", russet.NotConnected},
		{"usbmuxd/no rights", both(muxless(MuxForbidden), func(r *Readings) { r.Mux.Group = "plugdev" }), "usbmuxd-forbidden", russet.NotConnected},
		{"usbmuxd/no rights, no group", muxless(MuxForbidden), "usbmuxd-forbidden", russet.NotConnected},
		{"usbmuxd/hangs", muxless(MuxSilent), "usbmuxd-silent", russet.Failed},
		{"usbmuxd/is something else", both(muxless(MuxStrange), func(r *Readings) { r.Mux.Why = "message of 1213486160 bytes" }), "usbmuxd-strange", russet.Failed},
		{"usbmuxd/chosen is something else", both(muxless(MuxStrange), func(r *Readings) { r.Mux.Why, r.Mux.Chosen = "bad", true }), "usbmuxd-strange", russet.Failed},
		{"usbmuxd/not needed", both(muxless(MuxAbsent), func(r *Readings) {
			r.Computer.BusPhones, r.Computer.Program = nil, false
			p := here()
			p.Connection = "network"
			r.Phones = []Phone{p}
		}), "", 0},
		{"usbmuxd/not needed, and the phone is away", both(muxless(MuxAbsent), gone(nil), func(r *Readings) {
			r.Computer.BusPhones, r.Computer.Program = nil, false
		}), "away", russet.NotConnected},
		{"usbmuxd/missed by a phone that was last on the cable", both(muxless(MuxAbsent), gone(func(p *Phone) { p.MetCable = p.Met }), func(r *Readings) {
			r.Computer.BusPhones, r.Computer.Program = nil, false
		}), "usbmuxd-missing away", russet.NotConnected},
		{"usbmuxd/on a Mac", both(muxless(MuxAbsent), system("darwin")), "usbmuxd-stopped", russet.NotConnected},
		{"usbmuxd/on Windows, missing", both(muxless(MuxAbsent), system("windows"), func(r *Readings) { r.Computer.AppleService = "missing" }), "apple-service-missing", russet.NotConnected},
		{"usbmuxd/on Windows, stopped", both(muxless(MuxAbsent), system("windows"), func(r *Readings) { r.Computer.AppleService = "stopped" }), "apple-service-stopped", russet.NotConnected},
		{"usbmuxd/in a machine without USB", both(muxless(MuxAbsent), func(r *Readings) { r.Computer.Bus, r.Computer.BusPhones = false, nil }), "usb-none", russet.NotConnected},
		{"container/without a bus", both(muxless(MuxAbsent), container, func(r *Readings) { r.Computer.Nodes = false }), "container-no-cable", russet.NotConnected},
		{"container/its usbmuxd has no bus", both(container, unseen, func(r *Readings) { r.Computer.Nodes, r.Computer.BusPhones[0].Node.There = false, false }), "container-no-cable", russet.NotConnected},
		{"container/its usbmuxd has no bus and sees none", both(withoutPhone, container, func(r *Readings) { r.Computer.Nodes = false }), "container-no-cable", russet.NotConnected},
		{"container/its socket is of a usbmuxd that ended", both(muxless(MuxStale), container, func(r *Readings) { r.Mux.Chosen = true }), "container-stale", russet.NotConnected},
		{"usbmuxd/died", muxless(MuxStale), "usbmuxd-stopped", russet.NotConnected},
		{"container/frozen list", both(container, bus(func(b *BusPhone) { b.Node.There = false })), "container-frozen", russet.NotConnected},
		{"bus/restricted mode", bus(func(b *BusPhone) { b.Data, b.Holder = false, "" }), "usb-restricted", russet.Locked},
		{"bus/recovery mode", bus(func(b *BusPhone) {
			b.Product, b.UDID, b.Recovery, b.Data = "Apple Mobile Device (Recovery Mode)", "", true, false
		}), "usb-recovery", russet.Unsupported},
		{"bus/recovery mode, beside one that is well", func(r *Readings) {
			r.Computer.BusPhones = append(r.Computer.BusPhones, BusPhone{Product: "Apple Mobile Device (DFU Mode)", Recovery: true})
		}, "usb-recovery", russet.Unsupported},
		{"bus/one of two is in restricted mode", func(r *Readings) {
			r.Computer.BusPhones = append(r.Computer.BusPhones, BusPhone{Product: "iPad", UDID: bens})
		}, "usb-restricted", russet.Locked},
		{"bus/serials unknown", func(r *Readings) { r.Computer.BusPhones[0].UDID = "" }, "", 0},
		{"bus/no rights", bus(func(b *BusPhone) { b.Holder, b.Node.UID, b.Node.GID, b.Node.Mode = "", 0, 0, 0o664 }), "usb-forbidden", russet.NotConnected},
		{"bus/held by another program", bus(func(*BusPhone) {}), "usb-busy", russet.NotConnected},
		{"bus/two daemons", both(bus(func(b *BusPhone) { b.Holder = "" }), func(r *Readings) {
			r.Computer.Daemons = append(r.Computer.Daemons, Process{PID: 900, Name: "netmuxd", UID: 0})
		}), "usb-busy", russet.NotConnected},
		{"bus/hot-plug broken", bus(func(b *BusPhone) { b.Holder = "" }), "usb-unnoticed", russet.NotConnected},
		{"bus/a known phone hides, and is not called away too", both(bus(func(b *BusPhone) { b.Data = false }), func(r *Readings) {
			p := here()
			p.Here, p.State, p.Met = false, "", now.Add(-3*time.Hour)
			r.Phones = []Phone{p}
		}), "usb-restricted", russet.Locked},
		{"records/read-only", func(r *Readings) {
			r.Computer.Records, r.Computer.RecordsTrouble = "/var/lib/lockdown", "it is mounted read-only"
		}, "records-unwritable", russet.Usage},
	}
}

func phoneTrials() []trial {
	state := func(s PhoneState) func(*Readings) {
		return anna(func(p *Phone) {
			p.State, p.Why, p.LastRun, p.LastBackup, p.Met = s, "it hung up", nil, time.Time{}, time.Time{}
		})
	}
	return []trial{
		{"phone/plain", anna(func(p *Phone) { p.Encrypted = false }), "", 0},
		{"phone/untold", anna(func(p *Phone) { p.Encrypted, p.EncryptedUnknown = false, true }), "", 0},
		{"phone/running", anna(func(p *Phone) { p.Running, p.State = true, PhoneSilent }), "", 0},
		{"phone/unpaired", state(PhoneUnpaired), "phone-unpaired", russet.NotTrusted},
		{"phone/refused", state(PhoneRefused), "phone-refused", russet.NotTrusted},
		{"phone/forgotten", state(PhoneForgotten), "phone-forgotten", russet.NotTrusted},
		{"phone/forgotten, over Wi-Fi", both(state(PhoneForgotten), anna(func(p *Phone) { p.Connection = "network" })), "phone-forgotten", russet.NotTrusted},
		{"phone/other keys", state(PhoneOther), "phone-other", russet.NotTrusted},
		{"phone/locked, never paired", state(PhoneLocked), "phone-locked", russet.Locked},
		{"phone/switched on and not unlocked", state(PhoneFresh), "phone-fresh", russet.Locked},
		{"phone/locked, its pairing does not open it", state(PhoneSealed), "phone-sealed", russet.Locked},
		{"phone/too many programs", state(PhoneCrowded), "phone-crowded", russet.NotConnected},
		{"phone/restore mode", state(PhoneRestore), "phone-restore", russet.Unsupported},
		{"phone/managed", state(PhoneManaged), "phone-managed", russet.Unsupported},
		{"phone/silent", state(PhoneSilent), "phone-silent", russet.NotConnected},
		{"phone/pair record unreadable", state(PhoneUnreadable), "phone-unreadable", russet.Damaged},
		{"phone/screen locked is fine", anna(func(p *Phone) { p.Locked = true }), "", 0},
		{"phone/usbmuxd lost the record", anna(func(p *Phone) { p.Record = RecordOurs }), "phone-record-lost", 0},
		{"phone/Wi-Fi access off", anna(func(p *Phone) { p.WiFi = false }), "phone-wifi-off", 0},
		{"phone/Wi-Fi access off, as somebody wanted", anna(func(p *Phone) { p.WiFi, p.CableOnly = false, true }), "", 0},
		{"phone/Wi-Fi access off, cable wanted", anna(func(p *Phone) { p.WiFi, p.Policy.Ways = false, schedule.Cable }), "", 0},
		{"phone/iOS 9", anna(func(p *Phone) { p.IOS = "9.3.5" }), "phone-ios-old", russet.Unsupported},
		{"phone/iOS 31", anna(func(p *Phone) { p.IOS = "31.0" }), "phone-ios-new", 0},
		{"phone/iOS unknown", anna(func(p *Phone) { p.IOS = "" }), "", 0},
	}
}

func networkTrials() []trial {
	quiet := func(change func(*Readings)) func(*Readings) {
		return both(gone(nil), func(r *Readings) { r.Network.Heard = false; change(r) })
	}
	return []trial{
		{"network/fine", gone(nil), "away", russet.NotConnected},
		{"network/nobody misses it", func(r *Readings) { r.Network.Heard = false }, "", 0},
		{"network/no interface", quiet(func(r *Readings) { r.Network.Interfaces, r.Computer.Interfaces, r.Network.Trouble = nil, nil, "none" }), "network-none away-deaf", russet.NotConnected},
		{"network/port taken", quiet(func(r *Readings) { r.Network.Shared = false }), "network-port away-deaf", russet.NotConnected},
		{"network/port taken, but answers come", both(gone(nil), func(r *Readings) { r.Network.Shared = false }), "away", russet.NotConnected},
		{"network/trouble", quiet(func(r *Readings) { r.Network.Trouble = "operation not permitted" }), "network-trouble away-deaf", russet.NotConnected},
		{"network/container bridge", quiet(func(r *Readings) {
			r.Computer.Container, r.Computer.Interfaces[0].Virtual = "Docker", true
		}), "network-container away-deaf", russet.NotConnected},
		{"network/container bridge, and the phone is outside", both(quiet(func(r *Readings) {
			r.Computer.Container, r.Computer.Interfaces[0].Virtual = "Docker", true
		}), func(r *Readings) { r.Phones[1].Address = "10.1.2.3" }), "network-container away-deaf", russet.NotConnected},
		{"network/nobody is here, and the phone is elsewhere", both(quiet(func(*Readings) {}), func(r *Readings) { r.Phones[1].Address = "10.1.2.3" }), "away-network", russet.NotConnected},
		{"network/container with a macvlan", quiet(func(r *Readings) { r.Computer.Container = "Docker" }), "network-silent away-deaf", russet.NotConnected},
		{"network/multicast blocked", quiet(func(*Readings) {}), "network-silent away-deaf", russet.NotConnected},
		{"network/macOS", quiet(func(r *Readings) { r.Computer.System = "darwin" }), "network-private away-deaf", russet.NotConnected},
		{"network/Windows", quiet(func(r *Readings) { r.Computer.System = "windows" }), "network-firewall away-deaf", russet.NotConnected},
		{
			"network/the phone's Wi-Fi access is off: the network is not to blame", both(gone(func(p *Phone) { p.WiFi = false }), func(r *Readings) { r.Network.Heard = false }),
			"away-wifi-off", russet.NotConnected,
		},
		{"network/strangers", both(gone(nil), func(r *Readings) { r.Network.Strangers = 2 }), "network-strangers away", russet.NotConnected},
		{"network/not listened", both(gone(nil), func(r *Readings) { r.Network = Network{} }), "away", russet.NotConnected},
	}
}

func awayTrials() []trial {
	fixed := func(state AddressState) func(*Readings) {
		return gone(func(p *Phone) { p.Addresses = []Address{{Host: "ben.tailnet", Fixed: true, State: state}} })
	}
	return []trial{
		{"away/asleep", gone(func(p *Phone) { p.Met = now.Add(-3 * time.Hour) }), "away-asleep", russet.NotConnected},
		{"away/Wi-Fi access off", gone(func(p *Phone) { p.WiFi = false }), "away-wifi-off", russet.NotConnected},
		{"away/other subnet", gone(func(p *Phone) { p.Address = "10.1.2.3" }), "away-network", russet.NotConnected},
		{"away/IPv6 of its own", gone(func(p *Phone) { p.Address = "fe80::1%wlan0" }), "away", russet.NotConnected},
		{"away/announced, does not answer", gone(func(p *Phone) {
			p.Announced = []Address{{Host: "192.168.1.23", State: AddressSilent, Why: "no answer within 5 s"}}
		}), "away-unreachable", russet.NotConnected},
		{"away/name unknown", fixed(AddressNoName), "address-no-name", russet.NotConnected},
		{"away/fixed address silent", fixed(AddressSilent), "address-silent", russet.NotConnected},
		{"away/fixed address without a way", fixed(AddressNoRoute), "address-silent", russet.NotConnected},
		{"away/fixed address refuses", fixed(AddressRefused), "address-refused", russet.NotConnected},
		{"away/another phone there", fixed(AddressOther), "address-other", russet.NotConnected},
		{"trust/26 days", gone(func(p *Phone) { p.Met = now.AddDate(0, 0, -26) }), "away trust-ending", russet.NotConnected},
		{"trust/31 days", gone(func(p *Phone) { p.Met = now.AddDate(0, 0, -31) }), "trust-ended", russet.NotTrusted},
		{"narrowed to the other phone", both(gone(nil), func(r *Readings) { r.Only = annas }), "", 0},
		{"narrowed to this phone", both(gone(nil), func(r *Readings) { r.Only = bens }), "away", russet.NotConnected},
	}
}

func serviceTrials() []trial {
	stopped := func(r *Readings) { r.Service.Running = false }
	waits := func(code string) func(*Readings) {
		return anna(func(p *Phone) {
			p.Decision = schedule.Decision{Due: true, DueSince: now.AddDate(0, 0, -4), Missing: []schedule.Missing{{Code: schedule.Code(code), Text: "its battery is at 9 %, and should be at 20 %"}}}
		})
	}
	return []trial{
		{"service/never started", func(r *Readings) { r.Service = Service{} }, "service-never", 0},
		{"service/stopped", stopped, "service-stopped", russet.Usage},
		{"service/does not answer", func(r *Readings) {
			r.Service.Mute = &russet.Error{What: "it ended in the middle", Hint: "start the service again"}
		}, "service-mute", russet.Failed},
		{"service/in trouble", func(r *Readings) { r.Service.Troubles = []string{"devices cannot be seen: too many open files"} }, "service-troubled", russet.Failed},
		{"service/nothing is automatic", both(stopped, anna(func(p *Phone) { p.Policy.Automatic = false })), "policy-off", 0},
		{"service/with another home", both(stopped, func(r *Readings) {
			r.Computer.Serving = []Process{{PID: 812, Name: "russet serve", Seen: true, Home: "/var/lib/russet"}}
		}), "service-elsewhere", russet.Usage},
		{"service/with another home, and this one chosen", both(stopped, func(r *Readings) {
			r.Home.Moved, r.Computer.Serving = true, []Process{{PID: 812, Name: "russet serve", Seen: true, Home: "/var/lib/russet"}}
		}), "service-stopped", russet.Usage},
		{"service/of another user", both(stopped, func(r *Readings) {
			r.Computer.Serving = []Process{{PID: 812, Name: "russet serve", UID: 998}}
		}), "service-elsewhere", russet.Usage},
		{"service/no channel", func(r *Readings) { r.Service.Channels = 0 }, "notify-none", 0},
		{"service/sleep, Linux", func(r *Readings) { r.Computer.Inhibits = false }, "sleep", 0},
		{"service/sleep, elsewhere", func(r *Readings) { r.Computer.Inhibits, r.Computer.System = false, "freebsd" }, "sleep", 0},
		{"service/a server never sleeps", func(r *Readings) { r.Computer.Inhibits, r.Computer.Sleeps = false, false }, "", 0},
		{"policy/off", anna(func(p *Phone) { p.Policy.Automatic = false }), "policy-off", 0},
		{"policy/asks only when it must not", anna(func(p *Phone) {
			p.Policy.Window = schedule.Hours{From: 23 * 60, To: 5 * 60}
			p.Decision.Assisted = true
		}), "policy-never", russet.Usage},
		{"policy/asked the last time only when it must not", anna(func(p *Phone) {
			p.Policy.Window = schedule.Hours{From: 23 * 60, To: 5 * 60}
			p.LastRun.Passcode = true
		}), "policy-never", russet.Usage},
		{"policy/the same hours, nothing asked", anna(func(p *Phone) { p.Policy.Window = schedule.Hours{From: 23 * 60, To: 5 * 60} }), "", 0},
		{"waits/locked", waits("locked"), "waits-locked", russet.Locked},
		{"waits/power", waits("power"), "waits-power", russet.NotConnected},
		{"waits/battery", waits("battery"), "waits-battery", russet.NotConnected},
		{"waits/way", waits("way"), "waits-way", russet.NotConnected},
		{"waits/window", waits("window"), "waits-window", 0},
		{"waits/quiet", waits("quiet"), "waits-quiet", 0},
		{"waits/store", waits("store"), "waits-store", russet.NotConnected},
		{"waits/never backed up", both(waits("power"), anna(func(p *Phone) { p.Decision.DueSince = time.Time{} })), "waits-power", russet.NotConnected},
		{"waits/away is said elsewhere", waits("away"), "", 0},
		{"waits/since this morning", both(waits("power"), anna(func(p *Phone) { p.Decision.DueSince = now.Add(-9 * time.Hour) })), "", 0},
		{"passcode/never typed", anna(func(p *Phone) {
			p.Asked = []time.Time{now.AddDate(0, 0, -3), now.AddDate(0, 0, -2), now.AddDate(0, 0, -1)}
		}), "passcode-unanswered", russet.Locked},
		{"passcode/missed once", anna(func(p *Phone) { p.Asked = []time.Time{now.AddDate(0, 0, -1)} }), "", 0},
	}
}

func storeTrials() []trial {
	store := func(change func(*Store)) func(*Readings) {
		return func(r *Readings) { change(&r.Stores[0]) }
	}
	state := func(s StoreState, kind russet.Kind) func(*Readings) {
		return both(store(func(st *Store) {
			st.State, st.Trouble = s, &russet.Error{Kind: kind, What: "what it said", Hint: "what to do"}
		}), anna(func(p *Phone) { p.Blind = true }))
	}
	return []trial{
		{"store/none", func(r *Readings) { r.Stores = nil }, "", 0},
		{"store/offline", state(StoreOffline, russet.NotConnected), "store-offline", russet.NotConnected},
		{"store/offline hides that no backup is found", both(state(StoreOffline, russet.NotConnected), anna(func(p *Phone) { p.LastBackup, p.Dropped = time.Time{}, true })), "store-offline", russet.NotConnected},
		{"store/hangs", state(StoreHangs, russet.NotConnected), "store-hangs", russet.NotConnected},
		{"store/read-only", state(StoreReadOnly, russet.Usage), "store-read-only", russet.Usage},
		{"store/forbidden", state(StoreForbidden, russet.Usage), "store-forbidden", russet.Usage},
		{"store/private", state(StorePrivate, russet.Usage), "store-private", russet.Usage},
		{"store/password", state(StorePassword, russet.Password), "store-password", russet.Password},
		{"store/locked", state(StoreLocked, russet.Password), "store-locked", russet.Password},
		{"store/damaged", state(StoreDamaged, russet.Damaged), "store-damaged", russet.Damaged},
		{"store/refused", state(StoreRefused, russet.Usage), "store-refused", russet.Usage},
		{"store/unsupported", state(StoreUnsupported, russet.Unsupported), "store-unsupported", russet.Unsupported},
		{"store/trouble", state(StoreTrouble, russet.Failed), "store-trouble", russet.Failed},
		{"store/says that it is full", state(StoreFull, russet.NoSpace), "store-full", russet.NoSpace},
		{"store/full", store(func(s *Store) { s.Free = 90 << 20 }), "store-full", russet.NoSpace},
		{"store/allowance", store(func(s *Store) { s.Allowance, s.Used = 50e9, 51e9 }), "store-allowance", russet.NoSpace},
		{"store/a device's allowance", store(func(s *Store) { s.Over = []Over{{annas, "Anna's iPhone"}} }), "store-device-allowance", russet.NoSpace},
		{"store/another device's allowance", both(store(func(s *Store) { s.Over = []Over{{bens, "Ben"}} }), func(r *Readings) { r.Only = annas }), "", 0},
		{"store/spool full", store(func(s *Store) { s.SpoolFree, s.Spool = 300<<20, "/home/anna/.local/share/russet/vaults/x" }), "spool-full", russet.NoSpace},
		{"store/narrowed to those of the phone", func(r *Readings) {
			r.Stores = append(r.Stores, Store{Name: "nas", Free: 1 << 40, Trouble: &russet.Error{}, State: StoreOffline})
			r.Phones[0].Policy.Stores, r.Only = []string{"main"}, annas
		}, "", 0},
	}
}

func historyTrials() []trial {
	run := func(outcome string, code int) func(*Readings) {
		return anna(func(p *Phone) {
			p.LastRun = &russet.Run{Outcome: outcome, Code: code, Error: "the phone said no", End: now.Add(-time.Hour), Unread: make([]russet.Problem, 2)}
		})
	}
	return []trial{
		{"run/failed", run("failed", 104), "run-failed", russet.Failed},
		{"run/passcode", run("failed", 208), "run-passcode", russet.Locked},
		{"run/space", run("failed", 105), "run-space", russet.NoSpace},
		{"run/interrupted", run("interrupted", 0), "run-interrupted", russet.Interrupted},
		{"run/stopped", run("stopped", 0), "run-stopped", 0},
		{"run/partial", run("partial", 0), "run-partial", russet.Partial},
		{"run/refused by management", both(run("failed", 207), anna(func(p *Phone) { p.LastRun.Kind, p.LastRun.Hint = russet.Unsupported, "ask whoever manages the phone" })), "run-failed", russet.Unsupported},
		{"run/no room, found before the phone was asked", both(run("failed", 0), anna(func(p *Phone) { p.LastRun.Kind, p.LastRun.Hint = russet.NoSpace, "make room" })), "run-space", russet.NoSpace},
		{"run/what is wrong now counts more", both(run("failed", 104), anna(func(p *Phone) { p.State = PhoneFresh })), "phone-fresh run-failed", russet.Locked},
		{"backup/never", anna(func(p *Phone) { p.LastRun, p.LastBackup = nil, time.Time{} }), "backup-never", 0},
		{"backup/gone", anna(func(p *Phone) { p.LastBackup, p.Dropped = time.Time{}, true }), "backup-gone", 0},
		{"backup/overdue", anna(func(p *Phone) { p.LastBackup = now.AddDate(0, 0, -8) }), "backup-overdue", 0},
		{"backup/overdue, but that is allowed", anna(func(p *Phone) { p.LastBackup, p.Policy.Overdue = now.AddDate(0, 0, -8), 14*24*time.Hour }), "", 0},
	}
}
