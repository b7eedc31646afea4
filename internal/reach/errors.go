package reach

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/device/usbmux"
)

// muxError explains why usbmuxd does not answer.
func (ds *Devices) muxError(err error) error {
	if !errors.Is(err, usbmux.ErrNoDaemon) {
		return fmt.Errorf("ask usbmuxd for devices: %w", err)
	}
	return &russet.Error{
		Kind: russet.NotConnected, What: "usbmuxd, the program that carries the cable, does not answer",
		Hint: ds.muxHint(), Err: err,
	}
}

// muxHint says what to do when usbmuxd does not answer.
func (ds *Devices) muxHint() string {
	if ds.mux != "" {
		return fmt.Sprintf("USBMUXD_SOCKET_ADDRESS says that it is at %s: start it there, or unset the variable", ds.mux)
	}
	return muxHint(runtime.GOOS)
}

// muxHint says where usbmuxd comes from on a system.
func muxHint(system string) string {
	switch system {
	case "linux":
		return `install and start it, for example "sudo apt install usbmuxd", then plug the phone in again; "russet doctor" tells more`
	case "darwin":
		return "it is part of macOS: restart the computer; if USBMUXD_SOCKET_ADDRESS is set, unset it"
	case "windows":
		return `install "Apple Devices" from the Microsoft Store (or iTunes) and plug the phone in again`
	default:
		return "install and start usbmuxd, then plug the phone in again"
	}
}

func nothingConnected() error {
	return &russet.Error{
		Kind: russet.NotConnected, What: "no iPhone or iPad is connected",
		Hint: `plug it in with a cable and unlock it; if it is not seen, "russet doctor" says why`,
	}
}

func notPaired(d russet.Device) error {
	return &russet.Error{
		Kind: russet.NotTrusted, What: fmt.Sprintf("%q does not trust this computer yet", d.Name),
		Hint: fmt.Sprintf("unlock it and type: russet pair %s", shellWord(d)),
	}
}

// Unusable says why a device that is there cannot be worked with: what it said
// when it was asked, not only that there was no session.
func (ds *Devices) Unusable(s Sighting, doing string) error {
	switch {
	case s.Locked && !s.Paired:
		return &russet.Error{
			Kind: russet.Locked, Doing: doing, What: fmt.Sprintf("%q is locked: %s", s.Name, s.Problem),
			Hint: "unlock it with its passcode and try again",
		}
	case s.err == nil, s.unread:
		return notPaired(s.Device)
	default:
		return ds.deviceError(s.err, s.Device, doing)
	}
}

// shellWord names a device so that it can be typed.
func shellWord(d russet.Device) string { return string(d.UDID) }

// deviceError turns what a device or usbmuxd said into something a person can
// act on.
func (ds *Devices) deviceError(err error, d russet.Device, doing string) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*russet.Error](err); ok {
		return err
	}
	e := &russet.Error{Doing: doing, Err: err}
	switch {
	case errors.Is(err, usbmux.ErrNoDaemon):
		return ds.muxError(err)
	case d.Connection == overNetwork && lockdown.Dropped(err):
		// On a cable a phone that hangs up in the first moments has dropped the
		// pairing; on a network that is what a radio hole looks like.
		e.Kind, e.What = russet.NotConnected, fmt.Sprintf("the connection to %q was lost", d.Name)
		e.Hint = "check the Wi-Fi, unlock the phone or plug it in, and try again"
		if errors.Is(err, lockdown.ErrUntrusted) {
			e.Hint += fmt.Sprintf("; if that happens every time, it has forgotten this computer: with the cable, russet pair %s", shellWord(d))
		}
	case d.Connection == overNetwork && refused(err):
		e.Kind, e.What = russet.NotTrusted, fmt.Sprintf("%q no longer trusts this computer", d.Name)
		e.Hint = fmt.Sprintf("connect it with a cable, unlock it and type: russet pair %s", shellWord(d))
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, lockdown.ErrUntrusted), errors.Is(err, lockdown.InvalidPairRecord):
		return notPaired(d)
	case errors.Is(err, lockdown.UserDeniedPairing):
		e.Kind, e.What = russet.NotTrusted, `somebody tapped "Don't Trust" on the phone`
		e.Hint = "unplug it, plug it in again, and tap Trust"
	case errors.Is(err, lockdown.PasswordProtected), errors.Is(err, lockdown.EscrowLocked):
		e.Kind, e.What = russet.Locked, fmt.Sprintf("%q is locked", d.Name)
		e.Hint = "unlock it with its passcode and try again"
	case errors.Is(err, lockdown.PairingDialogResponsePending):
		e.Kind, e.What = russet.NotTrusted, "the phone still asks whether to trust this computer"
		e.Hint = "tap Trust on the phone and type its passcode, then try again"
	case errors.Is(err, lockdown.PairingProhibitedOverThisConnection), d.Connection == overNetwork && keepsItsKey(err):
		e.Kind, e.What = russet.NotTrusted, "a phone can be paired over the cable only"
		e.Hint = "connect it with a cable"
	case errors.Is(err, lockdown.MCChallengeRequired), errors.Is(err, lockdown.MCProtected):
		e.Kind, e.What = russet.Unsupported, "the phone is managed by an organisation that does not allow this"
		e.Hint = "ask whoever manages the phone"
	case errors.Is(err, lockdown.ServiceLimit):
		e.Kind, e.What = russet.Busy, fmt.Sprintf("other programs are at %q", d.Name)
		e.Hint = "end Finder, iTunes or what else uses it now; if that does not help, restart the phone"
	case errors.Is(err, lockdown.ErrImpostor):
		e.Kind, e.What = russet.NotTrusted, "what answers is not the phone this computer was paired with"
		e.Hint = fmt.Sprintf("if the phone was erased or restored, pair it again: russet pair %s", shellWord(d))
	case errors.Is(err, device.ErrRestoreMode):
		e.Kind, e.What = russet.Unsupported, "the phone is in restore mode: it waits for new firmware"
		e.Hint = "restart it; if it stays like that, update it with Finder or the Apple Devices app"
	case errors.Is(err, usbmux.ErrBadDevice), lockdown.Dropped(err):
		e.Kind, e.What = russet.NotConnected, fmt.Sprintf("%q went away", d.Name)
		e.Hint = "check the cable and try again"
	case d.Connection == overNetwork && !errors.As(err, new(*lockdown.Error)):
		e.Kind, e.What = russet.NotConnected, fmt.Sprintf("%q cannot be reached on the network: %v", d.Name, err)
		e.Hint = "check the Wi-Fi, unlock the phone or plug it in, and try again"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err): // it may well trust this computer
		e.Kind, e.What = russet.NotConnected, fmt.Sprintf("%q does not answer", d.Name)
		e.Hint = "unlock it, unplug it and plug it in again; a computer that is very busy may have been too slow"
	case errors.As(err, new(*lockdown.Error)):
		e.Kind, e.What = russet.Failed, "the phone refuses: "+err.Error()
		e.Hint = "restart the phone, then try again"
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return e
}

// keepsItsKey reports whether a device did not tell the key that pairing begins
// with.
func keepsItsKey(err error) bool {
	e, ok := errors.AsType[*lockdown.Error](err)
	return ok && e.Code == lockdown.GetProhibited && e.Subject == "DevicePublicKey"
}

// problem says why a device cannot be backed up now, with the next step.
func problem(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return `not paired: unlock it and type "russet pair"`
	case errors.Is(err, lockdown.ErrUntrusted), errors.Is(err, lockdown.ErrImpostor), errors.Is(err, lockdown.InvalidPairRecord):
		return `no longer trusts this computer: unlock it and type "russet pair"`
	case errors.Is(err, lockdown.PasswordProtected):
		return "locked since it was switched on: unlock it once"
	case errors.Is(err, device.ErrRestoreMode):
		return "in restore mode: restart it"
	default:
		return "does not answer: unplug it and plug it in again (" + err.Error() + ")"
	}
}

// networkProblem says why a device that announces itself on the network cannot
// be used.
func networkProblem(err error) string {
	switch {
	case refused(err):
		return `seems to be on the network, and no longer to trust this computer: connect the cable once, unlock it and type "russet pair"`
	case errors.Is(err, lockdown.ErrImpostor):
		return "something on the network announces itself in its place"
	case errors.Is(err, lockdown.PasswordProtected):
		return "on the network, but locked since it was switched on: unlock it once"
	case errors.Is(err, lockdown.EscrowLocked):
		return "on the network, but locked, and its pairing does not open it: unlock it"
	case errors.Is(err, lockdown.ServiceLimit):
		return "on the network, but other programs are at it: end Finder, iTunes or what else uses it now"
	case errors.Is(err, lockdown.MCProtected), errors.Is(err, lockdown.MCChallengeRequired):
		return "on the network, but the organisation that manages it does not allow this"
	case errors.As(err, new(*lockdown.Error)):
		return "on the network, but it refuses: restart it (" + err.Error() + ")"
	case errors.Is(err, lockdown.ErrUntrusted) && lockdown.Dropped(err):
		return `on the network, but it hangs up when the session begins: unlock it; if that does not help, connect the cable and type "russet pair"`
	default:
		return "announces itself on the network, but does not answer: unlock it once; networks for guests keep their devices apart (" + err.Error() + ")"
	}
}
