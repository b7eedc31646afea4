package vphone_test

import (
	"crypto/tls"
	"errors"
	"io"
	"testing"
	"time"

	"russet/vphone"
	"russet/vphone/internal/wire"
)

func TestStrangersSeeLittle(t *testing.T) {
	p := newPhone(t, vphone.Options{Seed: 7, Identity: vphone.Identity{Name: "Ann's \"phone\""}})
	l := newComputer(t, "A").lockdown(p)
	if reply := l.want("", "Request", "QueryType"); reply["Type"] != "com.apple.mobile.lockdown" {
		t.Errorf("QueryType: %v", reply)
	}
	for key, want := range map[string]any{
		"DeviceName": "Ann's \"phone\"", "DeviceClass": "iPhone", "ProductVersion": "18.6", "UniqueDeviceID": p.UDID(),
		"WiFiAddress": p.WiFiAddress(), "PasswordProtected": false, "SerialNumber": "GetProhibited", "Nonsense": "GetProhibited",
	} {
		if got := l.get("", key); got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	if got := l.get("com.apple.mobile.battery", ""); got != "GetProhibited" {
		t.Errorf("battery: %v", got)
	}
	if all, ok := l.get("", "").(map[string]any); !ok || all["DeviceClass"] != "iPhone" || all["SerialNumber"] != nil {
		t.Errorf("everything: %v", all)
	}
	l.want("", "Request", "SetValue", "Key", "UntrustedHostBUID", "Value", "B")
	l.want("SetProhibited", "Request", "SetValue", "Key", "DeviceName", "Value", "Eve's")
	l.want("RemoveProhibited", "Request", "RemoveValue", "Key", "DeviceName")
	l.want("SessionInactive", "Request", "StartService", "Service", "com.apple.afc")
	l.want("SessionInactive", "Request", "StopSession", "SessionID", "x")
	l.want("InvalidHostID", "Request", "StartSession", "HostID", "A")
	l.want("MissingHostID", "Request", "StartSession")
	l.want("MissingPairRecord", "Request", "Pair")
	l.want("MissingHostID", "Request", "Pair", "PairRecord", dict())
	l.want("InvalidPairRecord", "Request", "Pair", "PairRecord", dict("HostID", "A", "DeviceCertificate", []byte("no")))
	l.want("InvalidRequest", "Request", "Dance")
	if reply := l.want("", "Request", "Goodbye"); reply["Result"] != "Success" {
		t.Errorf("Goodbye: %v", reply)
	}
	if _, err := wire.Read(l.conn); !errors.Is(err, io.EOF) {
		t.Errorf("after Goodbye: %v", err)
	}
}

func TestSessions(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	c := pair(t, p)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			l := c.lockdown(p)
			clear := c.startSession(l, version)
			if got := l.get("", "SerialNumber"); got != p.Identity().SerialNumber {
				t.Errorf("SerialNumber: %v", got)
			}
			l.want("SessionActive", "Request", "StartSession", "HostID", c.id)
			l.want("InvalidSessionID", "Request", "StopSession", "SessionID", "x")
			l.want("MissingSessionID", "Request", "StopSession")
			l.want("", "Request", "StopSession", "SessionID", l.session)
			if err := l.conn.(*tls.Conn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if _, err := l.conn.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the phone's close_notify: %v", err)
			}
			l.conn = clear
			if err := clear.SetDeadline(time.Time{}); err != nil { // CloseWrite set one
				t.Fatal(err)
			}
			if got := l.get("", "SerialNumber"); got != "GetProhibited" {
				t.Errorf("in the clear again, SerialNumber: %v", got)
			}
			c.startSession(l, version)
			if got := l.get("", "SerialNumber"); got != p.Identity().SerialNumber {
				t.Errorf("in the second session, SerialNumber: %v", got)
			}
		})
	}
}

// Some hosts go on in the clear without closing TLS.
func TestSessionStoppedWithoutCloseNotify(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	c := pair(t, p)
	l := c.lockdown(p)
	clear := c.startSession(l, tls.VersionTLS13)
	l.want("", "Request", "StopSession", "SessionID", l.session)
	l.conn = clear
	if got := l.get("", "ProductVersion"); got != "18.6" {
		t.Errorf("ProductVersion: %v", got)
	}
}

func TestValues(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	l := pair(t, p).session(p)
	for key, want := range map[[2]string]any{
		{"", "Nonsense"}:                                                "MissingValue",
		{"com.example.nonsense", ""}:                                    "MissingValue",
		{"com.apple.mobile.backup", "Version"}:                          "2.0",
		{"com.apple.mobile.battery", "HasBattery"}:                      true,
		{"com.apple.fmip", "IsAssociated"}:                              false,
		{"com.apple.mobile.iTunes", "MinITunesVersion"}:                 "12.13.1",
		{"com.apple.mobile.wireless_lockdown", "EnableWifiConnections"}: false,
		{"com.apple.international", "Locale"}:                           "en_GB",
	} {
		if got := l.get(key[0], key[1]); got != want {
			t.Errorf("%v: %v, want %v", key, got, want)
		}
	}
	usage, _ := l.get("com.apple.disk_usage", "").(map[string]any)
	if free, _ := usage["TotalDataAvailable"].(int64); free <= 0 || free > usage["TotalDiskCapacity"].(int64) {
		t.Errorf("disk usage: %v", usage)
	}
	l.want("", "Request", "SetValue", "Key", "DeviceName", "Value", "Bob's")
	if got := p.Identity().DeviceName; got != "Bob's" {
		t.Errorf("renamed to %q", got)
	}
	l.want("", "Request", "SetValue", "Domain", "com.apple.international", "Key", "Locale", "Value", "de_DE")
	if got := l.get("com.apple.international", "Locale"); got != "de_DE" {
		t.Errorf("Locale: %v", got)
	}
	l.want("", "Request", "RemoveValue", "Domain", "com.apple.international", "Key", "Locale")
	if got := l.get("com.apple.international", "Locale"); got != "en_GB" {
		t.Errorf("Locale after its removal: %v", got)
	}
	l.want("ImmutableValue", "Request", "SetValue", "Key", "SerialNumber", "Value", "x")
	l.want("SetProhibited", "Request", "SetValue", "Key", "Nonsense", "Value", "x")
	l.want("ImmutableValue", "Request", "SetValue", "Key", "DeviceName", "Value", true)
	l.want("MissingKey", "Request", "SetValue", "Value", "x")
	l.want("MissingValue", "Request", "SetValue", "Key", "DeviceName")
	l.want("RemoveProhibited", "Request", "RemoveValue", "Key", "SerialNumber")
	l.want("MissingValue", "Request", "RemoveValue", "Key", "Nonsense")
}

// A WillEncrypt that is not there means that there never was a password.
func TestWillEncrypt(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	l := pair(t, p).session(p)
	for _, step := range []struct {
		password string
		want     any
	}{{"", "MissingValue"}, {"secret", true}, {"", false}} {
		if err := p.SetBackupPassword(step.password); err != nil {
			t.Fatal(err)
		}
		if got := l.get("com.apple.mobile.backup", "WillEncrypt"); got != step.want {
			t.Errorf("with password %q: %v", step.password, got)
		}
	}
}

func TestBattery(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	l := pair(t, p).session(p)
	p.SetPower(100, true)
	b, _ := l.get("com.apple.mobile.battery", "").(map[string]any)
	if b["BatteryCurrentCapacity"] != int64(100) || b["ExternalConnected"] != true || b["FullyCharged"] != true || b["BatteryIsCharging"] != false {
		t.Errorf("full: %v", b)
	}
	p.SetPower(-5, false)
	b, _ = l.get("com.apple.mobile.battery", "").(map[string]any)
	if b["BatteryCurrentCapacity"] != int64(0) || b["ExternalConnected"] != false {
		t.Errorf("empty: %v", b)
	}
}
