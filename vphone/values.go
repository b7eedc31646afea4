package vphone

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"slices"
	"time"

	"russet/vphone/agent"
	"russet/vphone/internal/lockdown"
)

// Domains of lockdown values.
const (
	domainBackup        = "com.apple.mobile.backup"
	domainBattery       = "com.apple.mobile.battery"
	domainWireless      = "com.apple.mobile.wireless_lockdown"
	domainUsage         = "com.apple.disk_usage"
	domainUsageFactory  = "com.apple.disk_usage.factory"
	domainFindMy        = "com.apple.fmip"
	domainInternational = "com.apple.international"
	domainITunes        = "com.apple.mobile.iTunes"
	domainAMFI          = "com.apple.security.mac.amfi"
	domainChaperone     = "com.apple.mobile.chaperone"
)

// keyUntrusted is what usbmuxd writes before it pairs.
const keyUntrusted = "UntrustedHostBUID"

// Get reads a value. Which ones a real phone hides outside a session is known
// for a few only.
func (l link) Get(domain, key string, session bool) (any, error) {
	p := l.phone
	if !session && (domain != "" || key != "" && !slices.Contains(openKeys(), key)) {
		return nil, lockdown.ErrGetProhibited
	}
	if p.withholds(domain) {
		return nil, lockdown.ErrGetProhibited
	}
	values := p.values(domain, session)
	if len(values) == 0 {
		return nil, lockdown.ErrMissingValue
	}
	if key == "" {
		return values, nil
	}
	v, ok := values[key]
	if !ok {
		return nil, lockdown.ErrMissingValue
	}
	return v, nil
}

// WithholdValues makes lockdownd refuse the values of a domain, or no longer: not
// every version lets every one be read.
func (p *Phone) WithholdValues(domain string, refuse bool) {
	p.act(func(o *ownerState) {
		if o.withheld == nil {
			o.withheld = map[string]bool{}
		}
		o.withheld[domain] = refuse
	})
}

func (p *Phone) withholds(domain string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.owner.withheld[domain]
}

// openKeys can be read by any host, paired or not.
func openKeys() []string {
	return []string{
		"BuildVersion", "DeviceClass", "DeviceName", "DevicePublicKey", "HardwareModel", "HostAttached",
		"PasswordProtected", "ProductName", "ProductType", "ProductVersion", "SupportedDeviceFamilies",
		"TelephonyCapability", "UniqueChipID", "UniqueDeviceID", "WiFiAddress",
	}
}

// Set writes a value: what a host may write, in the type it has, is kept.
func (l link) Set(domain, key string, value any, session bool) error {
	p := l.phone
	if !session {
		if domain == "" && key == keyUntrusted {
			return nil
		}
		return lockdown.ErrSetProhibited
	}
	if !writable(domain, key, value) {
		if _, err := l.Get(domain, key, session); err == nil {
			return lockdown.ErrImmutableValue
		}
		return lockdown.ErrSetProhibited
	}
	if err := p.update(func(s *state) { s.set(domain, key, value) }); err != nil {
		return err
	}
	switch {
	case domain == "" && key == "DeviceName":
		p.PostNotification(noteName)
		p.tellWatchers()
	case domain == domainWireless && key == "EnableWifiConnections":
		p.wifiSwitched(l.conn)
	}
	return nil
}

func (s *state) set(domain, key string, value any) {
	if name, ok := value.(string); ok && domain == "" && key == "DeviceName" {
		s.Identity.Name = name
		return
	}
	if s.Values == nil {
		s.Values = map[string]map[string]any{}
	}
	if s.Values[domain] == nil {
		s.Values[domain] = map[string]any{}
	}
	s.Values[domain][key] = value
}

// writable knows what hosts may write, and as what.
func writable(domain, key string, value any) bool {
	_, isText := value.(string)
	_, isBool := value.(bool)
	switch domain {
	case "":
		return isText && slices.Contains([]string{"DeviceName", "TimeZone", keyUntrusted}, key)
	case domainInternational:
		return isText && slices.Contains([]string{"Language", "Locale", "Keyboard"}, key)
	case domainWireless:
		return isBool && slices.Contains([]string{"EnableWifiConnections", "EnableWifiDebugging"}, key)
	case domainBackup:
		return isBool && key == "CloudBackupEnabled"
	case domainITunes:
		_, isInt := value.(int64)
		return (isText || isBool || isInt) && key != "MinITunesVersion"
	}
	return false
}

// Remove takes back what a host wrote.
func (l link) Remove(domain, key string, session bool) error {
	p := l.phone
	if !session {
		return lockdown.ErrRemoveProhibited
	}
	p.mu.Lock()
	_, written := p.state.Values[domain][key]
	p.mu.Unlock()
	if !written {
		if _, err := l.Get(domain, key, session); err != nil {
			return lockdown.ErrMissingValue
		}
		return lockdown.ErrRemoveProhibited
	}
	return p.update(func(s *state) { delete(s.Values[domain], key) })
}

// wifiSwitched acts on EnableWifiConnections: switched off, the phone leaves
// at once. A host that did it over Wi-Fi gets the answer and no other: what it
// reads back fails, as was seen of iOS 26.
func (p *Phone) wifiSwitched(asker *connection) {
	p.mu.Lock()
	on := p.wifiEnabled()
	for conn := range p.conns {
		switch {
		case on || !conn.overNetwork():
		case conn == asker:
			conn.last.Store(true)
		default:
			conn.Close()
		}
	}
	p.mu.Unlock()
	p.tellWatchers()
}

// wifiEnabled is EnableWifiConnections. Phone.mu is held.
func (p *Phone) wifiEnabled() bool {
	on, _ := p.state.Values[domainWireless]["EnableWifiConnections"].(bool)
	return on
}

// values returns a domain as it is now, with what hosts wrote over it.
func (p *Phone) values(domain string, session bool) map[string]any {
	free, err := p.disk.Free()
	if err != nil {
		p.log.Warn("free space of the phone", "error", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	values := map[string]any{}
	switch domain {
	case "":
		values = p.ownValues()
	case domainBackup:
		values = p.backupValues()
	case domainBattery:
		values = p.batteryValues()
	case domainWireless:
		values = map[string]any{
			"EnableWifiConnections": false, "EnableWifiDebugging": false, "SupportsWifi": true, "SupportsWifiSyncing": true,
			"BonjourFullServiceName": p.instance() + "." + mobdev + ".local.",
			"InstanceName":           p.instance(),
		}
	case domainUsage, domainUsageFactory:
		values = usage(free)
	case domainFindMy:
		values = map[string]any{"IsAssociated": p.state.Conditions[agent.FindMy]}
	case domainInternational:
		values = map[string]any{"Language": "en", "Locale": "en_GB", "Keyboard": "en_GB"}
	case domainITunes:
		values = map[string]any{"MinITunesVersion": "12.13.1"}
	case domainAMFI:
		values = map[string]any{"DeveloperModeStatus": false}
	case domainChaperone:
		values = map[string]any{"DeviceIsChaperoned": false}
	}
	maps.Copy(values, p.state.Values[domain])
	if !session {
		maps.DeleteFunc(values, func(key string, _ any) bool { return !slices.Contains(openKeys(), key) })
	}
	return values
}

// ownValues is the domain without a name. Phone.mu is held.
func (p *Phone) ownValues() map[string]any {
	id := p.state.Identity
	now := time.Now()
	_, offset := now.Zone()
	return map[string]any{
		"ActivationState":                      "Activated",
		"BasebandVersion":                      "2.60.00",
		"BluetoothAddress":                     id.BluetoothAddress,
		"BuildVersion":                         id.BuildVersion,
		"CPUArchitecture":                      "arm64e",
		"DeviceClass":                          id.DeviceClass,
		"DeviceColor":                          "1",
		"DeviceName":                           id.Name,
		"DevicePublicKey":                      p.publicKey(),
		"EthernetAddress":                      id.WiFiAddress,
		"HardwareModel":                        id.HardwareModel,
		"HostAttached":                         true,
		"ModelNumber":                          "MYN93",
		"PasswordProtected":                    p.protected(),
		"PhoneNumber":                          id.PhoneNumber,
		"ProductName":                          "iPhone OS",
		"ProductType":                          id.ProductType,
		"ProductVersion":                       id.ProductVersion,
		"ProtocolVersion":                      "2",
		"RegionInfo":                           "ZD/A",
		"SerialNumber":                         id.SerialNumber,
		"TelephonyCapability":                  true,
		"TimeIntervalSince1970":                float64(now.UnixNano()) / 1e9,
		"TimeZone":                             "Etc/UTC",
		"TimeZoneOffsetFromUTC":                float64(offset),
		"TrustedHostAttached":                  len(p.state.Hosts) > 0,
		"UniqueChipID":                         id.UniqueChipID,
		"UniqueDeviceID":                       id.UDID,
		"WiFiAddress":                          id.WiFiAddress,
		"InternationalMobileEquipmentIdentity": id.IMEI,
	}
}

// publicKey is PEM of the old sort, PKCS #1.
func (p *Phone) publicKey() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&p.key.PublicKey)})
}

func (p *Phone) backupValues() map[string]any {
	values := map[string]any{
		"Version":            "2.0",
		"RequiresEncryption": p.state.Conditions[agent.RequiresEncryption],
		"CloudBackupEnabled": false,
	}
	if p.state.EverEncrypted {
		values["WillEncrypt"] = p.state.BackupPassword != ""
	}
	return values
}

// usage makes a phone of 256 GB around what is free.
func usage(free int64) map[string]any {
	const capacity, system = int64(256e9), int64(16e9)
	data := max(capacity-system, free)
	return map[string]any{
		"TotalDiskCapacity":   data + system,
		"TotalSystemCapacity": system,
		"TotalDataCapacity":   data,
		"TotalDataAvailable":  free,
		"AmountDataAvailable": free,
		"AmountDataReserved":  int64(200 << 20),
	}
}
