package vphone_test

import (
	"testing"

	"russet/vphone"
)

func TestTrustDialog(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	p.SetTrust(vphone.Ask)
	first := newComputer(t, "FIRST")
	l := first.lockdown(p)
	first.pairOn(l, "PairingDialogResponsePending")
	first.pairOn(l, "PairingDialogResponsePending")
	if err := p.TapTrust(t.Context()); err != nil {
		t.Fatal(err)
	}
	// idevicepair comes again with another HostID, on another connection.
	again := newComputer(t, "AGAIN")
	again.pairOn(again.lockdown(p), "")
	again.session(p)
	first.lockdown(p).want("InvalidHostID", "Request", "StartSession", "HostID", "FIRST")
	// The answer was for one computer.
	other := newComputer(t, "OTHER")
	other.pairOn(other.lockdown(p), "PairingDialogResponsePending")
	// Who is trusted is not asked again.
	again.pairOn(again.lockdown(p), "")
}

func TestTrustRefused(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	p.SetTrust(vphone.Ask)
	c := newComputer(t, "A")
	l := c.lockdown(p)
	c.pairOn(l, "PairingDialogResponsePending")
	if err := p.RefuseTrust(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.pairOn(l, "UserDeniedPairing")
	c.pairOn(l, "UserDeniedPairing")
	p.Unplug()
	p.Plug()
	l = c.lockdown(p)
	c.pairOn(l, "PairingDialogResponsePending")
	p.SetTrust(vphone.No)
	c.pairOn(l, "UserDeniedPairing")
}

func TestPairingWhileLocked(t *testing.T) {
	p := newPhone(t, vphone.Options{Passcode: "123456"})
	c := newComputer(t, "A")
	l := c.lockdown(p)
	p.Lock()
	if got := l.get("", "PasswordProtected"); got != true {
		t.Errorf("PasswordProtected: %v", got)
	}
	c.pairOn(l, "PasswordProtected")
	l.want("PasswordProtected", "Request", "ValidatePair", "PairRecord", c.record())
	p.Unlock()
	l.want("InvalidHostID", "Request", "ValidatePair", "PairRecord", c.record())
	c.pairOn(l, "")
	l.want("", "Request", "ValidatePair", "PairRecord", c.record())
	l.want("", "Request", "Unpair", "PairRecord", c.record())
	l.want("InvalidHostID", "Request", "Unpair", "PairRecord", c.record())
	l.want("InvalidHostID", "Request", "StartSession", "HostID", "A")
}

// A certificate for another device's key can serve no session.
func TestPairingWithTheWrongKey(t *testing.T) {
	p := newPhone(t, vphone.Options{})
	c := newComputer(t, "A")
	stranger, err := vphone.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	c.device = c.certificate(&stranger.PublicKey)
	c.lockdown(p).want("InvalidPairRecord", "Request", "Pair", "PairRecord", c.record())
}

func TestServicesOfALockedPhone(t *testing.T) {
	const backup, afc = "com.apple.mobilebackup2", "com.apple.afc"
	p := newPhone(t, vphone.Options{Passcode: "123456"})
	c := pair(t, p)
	start := func(l *client, service string, escrow []byte, refusal string) {
		t.Helper()
		pairs := []any{"Request", "StartService", "Service", service}
		if escrow != nil {
			pairs = append(pairs, "EscrowBag", escrow)
		}
		l.want(refusal, pairs...)
	}
	l := c.session(p)
	start(l, backup, nil, "")
	start(l, "com.example.nonsense", nil, "InvalidService")
	l.want("MissingService", "Request", "StartService")
	p.Lock()
	start(l, backup, nil, "PasswordProtected")
	start(l, backup, []byte("wrong"), "EscrowLocked")
	start(l, backup, c.escrow, "")
	start(l, afc, nil, "")
	p.Unlock()
	p.LimitService(afc, true)
	start(l, afc, nil, "ServiceLimit")
	p.LimitService(afc, false)
	start(l, afc, nil, "")
}

func TestFolderRemembers(t *testing.T) {
	dir := t.TempDir()
	p := newPhone(t, vphone.Options{Dir: dir, Seed: 3, Passcode: "1", BackupPassword: "secret"})
	c := pair(t, p)
	c.session(p).want("", "Request", "SetValue", "Domain", "com.apple.mobile.wireless_lockdown",
		"Key", "EnableWifiConnections", "Value", true)
	if err := p.SetCondition("find-my", true); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := vphone.New(vphone.Options{Dir: dir}); err == nil {
		t.Error("a second phone was made over the first")
	}
	again, err := vphone.Open(dir, vphone.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got, want := again.Identity(), p.Identity(); got != want {
		t.Errorf("identity %v, want %v", got, want)
	}
	l := c.session(again)
	if got := l.get("com.apple.mobile.backup", "WillEncrypt"); got != true || again.BackupPassword() != "secret" {
		t.Errorf("WillEncrypt: %v", got)
	}
	if got := l.get("com.apple.mobile.wireless_lockdown", "EnableWifiConnections"); got != true {
		t.Errorf("EnableWifiConnections: %v", got)
	}
	if got := l.get("com.apple.fmip", "IsAssociated"); got != true {
		t.Errorf("Find My: %v", got)
	}
	if err := again.ForgetHosts(); err != nil {
		t.Fatal(err)
	}
	c.lockdown(again).want("InvalidHostID", "Request", "StartSession", "HostID", c.id)
}
