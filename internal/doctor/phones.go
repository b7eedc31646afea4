package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"russet"
	"russet/internal/schedule"
)

// Phone is a device that is here, or that russet had to do with before.
type Phone struct {
	russet.Device // as it is, or as it was last seen
	Here          bool
	State         PhoneState // while it is here
	Why           string     // the error behind its state
	Running       bool       // another russet is at work with it
	CableOnly     bool       // a person switched its Wi-Fi access off

	// Met is the last session with it, MetCable the last over the cable and
	// First the first one; zero if there never was one.
	First, Met, MetCable time.Time
	// Record tells how the pairing is kept.
	Record RecordState
	// Announced are the addresses under which it is announced on the network;
	// Addresses are where else it was looked for.
	Announced []Address
	Addresses []Address

	Policy     schedule.Policy
	Decision   schedule.Decision
	Asked      []time.Time // when it showed its passcode sheet and nobody typed, since the last time somebody did
	LastBackup time.Time
	LastRun    *russet.Run
	Dropped    bool // it had backups, and none can be found
	Blind      bool // a store that may hold its backups cannot be read
}

// PhoneState is what is in the way of a session with a device.
type PhoneState string

// The states.
const (
	PhoneReady      PhoneState = "ready"
	PhoneUnpaired   PhoneState = "unpaired"
	PhoneRefused    PhoneState = "refused"    // somebody tapped "Don't Trust"
	PhoneForgotten  PhoneState = "forgotten"  // it was paired, and knows nothing of it
	PhoneOther      PhoneState = "other"      // it has other keys than the one that was paired
	PhoneLocked     PhoneState = "locked"     // its screen is, and whether it is paired cannot be told
	PhoneFresh      PhoneState = "fresh"      // not unlocked since it was switched on
	PhoneSealed     PhoneState = "sealed"     // locked, and its pairing does not open it
	PhoneCrowded    PhoneState = "crowded"    // others use its backup service
	PhoneRestore    PhoneState = "restore"    // restore mode
	PhoneManaged    PhoneState = "managed"    // an organisation forbids it
	PhoneSilent     PhoneState = "silent"     // it does not answer
	PhoneUnreadable PhoneState = "unreadable" // its pair record cannot be read
)

// RecordState is where the pairing of a device is kept.
type RecordState string

// The states.
const (
	RecordBoth RecordState = ""     // by usbmuxd and by russet, or nobody looked
	RecordOurs RecordState = "ours" // usbmuxd has lost it
	RecordNone RecordState = "none"
)

// quoted names a device for people.
func (p Phone) quoted() string { return strconv.Quote(cmp.Or(p.Name, string(p.UDID))) }

// described names it with what it is and how it is connected.
func (p Phone) described() string {
	var parts []string
	for _, s := range []string{cmp.Or(p.Product, p.ProductType), prefixed("iOS ", p.IOS), p.way()} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return p.quoted()
	}
	return fmt.Sprintf("%s (%s)", p.quoted(), strings.Join(parts, ", "))
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// way is how it is connected, in words.
func (p Phone) way() string {
	switch p.Connection {
	case "usb":
		return "on the cable"
	case "network":
		return "over Wi-Fi"
	default:
		return p.Connection
	}
}

// The versions of iOS this program knows: backups before iOS 10 have another
// form, and none newer than the last was seen.
const (
	oldestIOS = 10
	newestIOS = 27
)

// major is the first number of its iOS; 0 if it cannot be told.
func (p Phone) major() int {
	first, _, _ := strings.Cut(p.IOS, ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

func phoneCases() []Case {
	return []Case{
		{"phone-ready", true, 0, "{described} is ready, and its backups are encrypted", ""},
		{
			"phone-plain", true, 0, "{described} is ready; its backups are not encrypted, so that saved logins, Wi-Fi and Health stay out of them",
			"russet encryption on {udid}",
		},
		{"phone-untold", true, 0, "{described} is ready; it does not tell just now whether its backups are encrypted", ""},
		{"phone-running", true, 0, "{described} is at work with another russet now, most likely a backup", ""},
		{"phone-unpaired", false, russet.NotTrusted, "{described} is not paired with this computer", "unlock it and type: russet pair {udid}"},
		{
			"phone-refused", false, russet.NotTrusted, `somebody tapped "Don't Trust" on {phone}`,
			"unplug it, plug it in again, and tap Trust while this waits: russet pair {udid}",
		},
		{
			"phone-forgotten", false, russet.NotTrusted,
			"{phone} was paired with this computer and does not know it any more: being erased, a reset of its privacy settings or 30 days without contact do that",
			"{cable}unlock it and type: russet pair {udid}",
		},
		{
			"phone-other", false, russet.NotTrusted, "{phone} has other keys than the phone that was paired: it was erased or restored since",
			"{cable}unlock it and type: russet pair {udid}",
		},
		{"phone-locked", false, russet.Locked, "{phone} is locked, and whether it trusts this computer shows only when it is not", "unlock it and look again"},
		{
			"phone-fresh", false, russet.Locked, "{phone} was not unlocked since it was switched on, and until then it opens nothing to anyone",
			"unlock it once with its passcode",
		},
		{
			"phone-sealed", false, russet.Locked, "{phone} is locked, and its pairing does not open it while it is: it comes from another computer, or is an old one",
			"unlock it for a backup; to be rid of that, plug it in, unlock it and type: russet unpair {udid}, then russet pair {udid}",
		},
		{
			"phone-crowded", false, russet.NotConnected, "{phone} starts no backup, because other programs are at it",
			"end Finder, iTunes or what else backs it up now; if that does not help, restart the phone",
		},
		{
			"phone-restore", false, russet.Unsupported, "{phone} is in restore mode: it waits for new firmware",
			"restart it (hold its buttons until the apple shows); if it stays like that, update it with Finder or the Apple Devices app",
		},
		{
			"phone-managed", false, russet.Unsupported, "{phone} is managed by an organisation that does not allow backups by this computer",
			"ask whoever manages the phone",
		},
		{"phone-silent", false, russet.NotConnected, "{phone} does not answer: {why}", "{again}"},
		{"phone-unreadable", false, russet.Damaged, "the pairing of {phone} cannot be read: {why}", "pair it once more: russet pair {udid}"},
		{"phone-record-lost", false, 0, "usbmuxd has lost the pairing of {phone}; russet uses its own copy", "give it back to usbmuxd: russet pair {udid}"},
		{
			"phone-wifi-off", false, 0, "{phone} does not let itself be reached over Wi-Fi: it is backed up on the cable only",
			"russet devices wifi {udid} on",
		},
		{"phone-ios-old", false, russet.Unsupported, "{phone} has iOS {ios}, whose backups russet cannot read", "update its iOS, or back it up with iTunes"},
		{
			"phone-ios-new", false, 0, "{phone} has iOS {ios}, which was not out when this russet was made; it is backed up all the same",
			"look for a newer russet; until then try what you have: russet drill latest --device {udid}",
		},
	}
}

func examinePhones(r Readings) []Finding {
	var all []Finding
	for _, p := range r.Phones {
		if p.Here {
			all = append(all, about(p, r.examinePhone(p)...)...)
		}
	}
	return all
}

func (r Readings) examinePhone(p Phone) []Finding {
	words := []string{
		"phone", p.quoted(), "described", p.described(), "ios", p.IOS, "udid", string(p.UDID), "why", p.Why, "cable", "",
		"again", "unplug it and plug it in again; if that does not help, restart the phone",
	}
	if p.Connection == "network" {
		words = append([]string{
			"cable", "connect it with a cable, ", "again", "wake it and keep it near the access point for a moment, or plug it in",
		}, words...)
	}
	switch {
	case p.Running:
		return []Finding{say("phone-running", words...)}
	case p.State == PhoneUnreadable && r.Home.Secrets != SecretsGood:
		return nil // said of the secrets
	case p.State != PhoneReady:
		return []Finding{say("phone-"+Code(p.State), words...)}
	case p.major() > 0 && p.major() < oldestIOS:
		return []Finding{say("phone-ios-old", words...)}
	}
	code := Code("phone-ready")
	switch {
	case p.EncryptedUnknown:
		code = "phone-untold"
	case !p.Encrypted:
		code = "phone-plain"
	}
	all := []Finding{say(code, words...)}
	if p.major() > newestIOS {
		all = append(all, say("phone-ios-new", words...))
	}
	if p.Record == RecordOurs && p.Connection == "usb" {
		all = append(all, say("phone-record-lost", words...))
	}
	if !p.WiFi && p.Connection == "usb" && p.Policy.Ways != schedule.Cable && !p.CableOnly {
		all = append(all, say("phone-wifi-off", words...))
	}
	return all
}

// away are the phones russet is paired with and cannot see. One that hides on
// the cable is not away.
func (r Readings) away() []Phone {
	var away []Phone
	hidden := r.hidden()
	for _, p := range r.Phones {
		hides := slices.ContainsFunc(hidden, func(b BusPhone) bool { return b.UDID == p.UDID })
		if !p.Here && !p.Met.IsZero() && !hides {
			away = append(away, p)
		}
	}
	return away
}
