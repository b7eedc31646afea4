package notify

import (
	"errors"
	"fmt"
	"time"

	"russet"
)

// Subject is whom and what a message is about. Dates in the text are in the
// time zone of Time.
type Subject struct {
	Time   time.Time
	Device russet.UDID
	Name   string // of the device, as it names itself
	Store  string
}

// about begins a message.
func (s Subject) about(kind Kind) Message {
	return Message{Kind: kind, Time: s.Time, Device: plainWord(string(s.Device)), Name: Clean(s.Name), Store: s.Store}
}

// who is the device in a sentence.
func (s Subject) who() string {
	if name := Clean(s.Name); name != "" {
		return name
	}
	if s.Device != "" {
		return "the phone " + plainWord(string(s.Device))
	}
	return "a phone"
}

// Who is the device at the beginning of a sentence. A name stays as it is: an
// iPhone is no IPhone.
func (s Subject) Who() string {
	if who := s.who(); Clean(s.Name) != who {
		return upper(who)
	}
	return Clean(s.Name)
}

// command is one of russet's for the device. It names the UDID: a name may hold
// what a shell would take for something else.
func (s Subject) command(words string) string {
	if s.Device == "" {
		return "russet " + words
	}
	return "russet " + words + " " + plainWord(string(s.Device))
}

func (s Subject) day(t time.Time) string { return t.In(s.Time.Location()).Format("2 January 2006") }

// ForDone tells of a finished run.
func ForDone(s Subject, run russet.Run) Message {
	m := s.about(Done)
	m.Title = s.Who() + " is backed up"
	m.Text = fmt.Sprintf("%s (%s) came in %s and are kept in %q.", many(run.Files, "file"), size(run.Received), span(run.End.Sub(run.Start)), Clean(s.Store))
	if run.Files == 0 {
		m.Text = fmt.Sprintf("Nothing new since the last backup; it is kept in %q.", Clean(s.Store))
	}
	if n := len(run.Unread); n > 0 {
		m.Text += fmt.Sprintf(" The phone could not read %s, such as %q.", many(n, "file"), Clean(run.Unread[0].Path))
	}
	m.Code = run.Code
	return m
}

// ForFailed tells of a run that failed, with the reason err gives. again says
// when russet tries again by itself; zero if it does not.
func ForFailed(s Subject, err error, again time.Time) Message {
	m := s.about(Failed)
	m.Title = s.Who() + " could not be backed up"
	what := err.Error()
	if e, ok := errors.AsType[*russet.Error](err); ok {
		if e.What != "" {
			what = e.What
		}
		m.Next, m.Code = upper(cleanText(e.Hint)), e.Code
		m.Urgent = e.Kind == russet.Damaged || e.Kind == russet.NotTrusted
	}
	m.Text = upper(sentence(cleanText(what)))
	if m.Code != 0 {
		m.Text += fmt.Sprintf(" (The phone's own code: %d.)", m.Code)
	}
	if !again.IsZero() {
		m.Text += fmt.Sprintf(" russet tries again %s.", s.moment(again))
	}
	return m
}

// moment says when something will be, seen from the time of the message.
func (s Subject) moment(t time.Time) string {
	t, now := t.In(s.Time.Location()), s.Time
	switch {
	case !t.After(now):
		return "at once"
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		return "at " + t.Format("15:04")
	default:
		return "on " + t.Format("2 January, 15:04")
	}
}

// ForOverdue tells that the last backup is long ago. last is zero when there
// was none, and then since is when russet began to wait. missing is what keeps
// it from running, a sentence of the schedule, and next what helps ("" for the
// usual advice).
func ForOverdue(s Subject, last, since time.Time, missing, next string) Message {
	m := s.about(Overdue)
	m.Urgent = true
	if last.IsZero() {
		m.Title = s.Who() + " has never been backed up"
		m.Text = fmt.Sprintf("russet has been waiting for it since %s.", s.day(since))
	} else {
		m.Title = fmt.Sprintf("%s has not been backed up for %s", s.Who(), days(s.Time.Sub(last)))
		m.Text = fmt.Sprintf("The last backup is of %s.", s.day(last))
	}
	if missing != "" {
		m.Text += " " + upper(sentence(cleanText(missing)))
	}
	m.Next = next
	if next == "" {
		m.Next = "Connect it to this computer with its cable, unlock it, and run: " + s.command("backup")
	}
	return m
}

// ForBehind tells that one store lacks new backups of a device that others
// have. last is when the newest one there was made (zero: none); since when the
// device is known; missing is what the next one waits for.
func ForBehind(s Subject, last, since time.Time, missing string) Message {
	m := s.about(Overdue)
	store := fmt.Sprintf("%q", Clean(s.Store))
	if last.IsZero() {
		m.Title = fmt.Sprintf("%s has no backup in %s", s.Who(), store)
		m.Text = fmt.Sprintf("It waits for one since %s; other stores have one.", s.day(since))
	} else {
		m.Title = fmt.Sprintf("%s has no new backup in %s for %s", s.Who(), store, days(s.Time.Sub(last)))
		m.Text = fmt.Sprintf("Other stores have newer ones; the last one there is of %s.", s.day(last))
	}
	if missing != "" {
		m.Text += " " + upper(sentence(cleanText(missing)))
	}
	m.Next = "See what is the matter with the store: russet store status"
	return m
}

// ForPasscode asks the owner to unlock the phone. waiting says that the phone
// shows its passcode sheet now.
func ForPasscode(s Subject, waiting bool) Message {
	m := s.about(Passcode)
	m.Urgent = true
	if waiting {
		m.Title = s.Who() + " waits for its passcode"
		m.Text = "A backup has begun, and the phone asks whether it may go on."
		m.Next = "Unlock it and type the passcode. If you do not, russet asks another time."
		return m
	}
	m.Title = s.Who() + " is ready to back up"
	m.Text = "The phone is here, and a backup of it is due."
	m.Next = "Unlock it, and type the passcode if it asks. If you do not, russet asks another time."
	return m
}

// ForSpace tells that a store is short of room. free is what is left there, and
// need what the next backups take, in bytes; 0 when nobody knows.
func ForSpace(s Subject, free, need int64) Message {
	m := s.about(Space)
	m.Urgent = true
	m.Title = fmt.Sprintf("The store %q is nearly full", Clean(s.Store))
	m.Text = fmt.Sprintf("%s are free there.", size(free))
	if need > 0 {
		m.Text = fmt.Sprintf("%s are free there, and the next backup takes about %s.", size(free), size(need))
	}
	m.Next = fmt.Sprintf("Make room on that disk, or see what old backups could go: russet policy preview --store %s", Clean(s.Store))
	return m
}

// ForAllowance tells that an allowance is nearly used, or used: of the store, or
// of the device there if the subject names one. In bytes.
func ForAllowance(s Subject, used, limit int64) Message {
	m := s.about(Allowance)
	whose := fmt.Sprintf("of the store %q", Clean(s.Store))
	set := fmt.Sprintf("russet store set %s --allowance SIZE", Clean(s.Store))
	if s.Device != "" {
		whose = fmt.Sprintf("for %s in the store %q", s.who(), Clean(s.Store))
		set += " --device " + plainWord(string(s.Device))
	}
	m.Title = fmt.Sprintf("The allowance %s is nearly used", whose)
	m.Text = fmt.Sprintf("%s of %s are used.", size(used), size(limit))
	if used >= limit {
		m.Title = fmt.Sprintf("The allowance %s is used up", whose)
		m.Text += " Until there is room again no backup begins."
		m.Urgent = true
	}
	m.Next = "Allow more (" + set + "), or keep fewer backups: russet policy preview"
	return m
}

// ForDamage tells that a verification or, with drill, a drill found a backup
// wanting. what is the first trouble it found.
func ForDamage(s Subject, backup russet.BackupID, what string, drill bool) Message {
	m := s.about(Damage)
	m.Urgent = true
	m.Title = "A backup of " + s.who() + " is damaged"
	m.Text = fmt.Sprintf("russet read every byte of the backup %s in %q, and found: %s", short(backup), Clean(s.Store), sentence(cleanText(what)))
	if drill {
		m.Title = "A backup of " + s.who() + " did not pass its drill"
		m.Text = fmt.Sprintf("russet restored the backup %s of %q into a virtual phone, and found: %s", short(backup), Clean(s.Store), sentence(cleanText(what)))
	}
	m.Next = fmt.Sprintf("See what is left of it (russet verify %s --full), then make a new one while the phone still has everything: %s",
		short(backup), s.command("backup --full"))
	return m
}

// ForPairing tells that the phone was not met since then, and may soon forget
// this computer. Phones were seen to do so after 30 days without it.
func ForPairing(s Subject, since time.Time) Message {
	m := s.about(Pairing)
	m.Urgent = true
	m.Title = s.Who() + " may soon forget this computer"
	m.Text = fmt.Sprintf("russet has not met it since %s. After about 30 days a phone no longer trusts a computer over Wi-Fi.", s.day(since))
	m.Next = "Bring it home, or connect it to this computer with its cable once and unlock it. One that is gone for good is forgotten with: " + s.command("unpair")
	return m
}

// Change is what happened to the backup encryption of a device.
type Change int

// The changes.
const (
	EncryptionOn Change = iota
	EncryptionOff
	PasswordChanged
	PasswordUnknown
)

// ForEncryption tells that backup encryption was switched, or its password
// changed, on the device.
func ForEncryption(s Subject, change Change) Message {
	m := s.about(Encryption)
	switch change {
	case EncryptionOff:
		m.Urgent = true
		m.Title = "Backups of " + s.who() + " are no longer encrypted"
		m.Text = "Somebody switched backup encryption off. Saved passwords, Health and call history are not in its backups any more."
		m.Next = "Switch it on again, if it was not you: " + s.command("encryption on")
	case EncryptionOn:
		m.Title = "Backups of " + s.who() + " are encrypted now"
		m.Text = "Somebody set a backup password that russet does not know. Backups go on, but only that password opens them."
		m.Next = "If it was you, keep that password well, and let russet know it: " + s.command("backup") + " --password-file FILE. If not, change it: " + s.command("encryption change")
	case PasswordUnknown:
		m.Title = "The backup password of " + s.who() + " is not known here"
		m.Text = "Its backups are made and kept, but only that password opens them, and russet cannot try whether you still have the right one."
		m.Next = "Write it into the first line of a file and name that once: " + s.command("backup") + " --password-file FILE"
	default:
		m.Urgent = true
		m.Title = "The backup password of " + s.who() + " was changed"
		m.Text = "It was not changed by russet. Older backups open with the old password, new ones only with the new one."
		m.Next = "If it was you, keep both, and let russet know the new one: " + s.command("backup") + " --password-file FILE. If not, see who has the phone, and change it: " + s.command("encryption change")
	}
	return m
}

// ForNewIOS tells that another iOS is on the phone. backup is the last one that
// was made under the earlier; "" if there is none. until is when the next one
// may take its place; zero if it never does.
func ForNewIOS(s Subject, from, to string, backup russet.BackupID, until time.Time) Message {
	m := s.about(NewIOS)
	m.Title = fmt.Sprintf("%s has a new iOS: %s", s.Who(), Clean(to))
	m.Text = fmt.Sprintf("Before, it had %s. New backups cannot be restored to a phone with an older iOS.", Clean(from))
	if backup != "" && !until.IsZero() {
		m.Text += fmt.Sprintf(" The next one takes the place of the last one of before, so russet makes none by itself until %s.", until.In(s.Time.Location()).Format("2 January, 15:04"))
	}
	if backup != "" {
		m.Next = fmt.Sprintf("Keep the last backup of before for as long as you like: russet archive %s --note \"before iOS %s\"", short(backup), plainWord(to))
	}
	return m
}

// ForTest is the message of "russet notify test".
func ForTest(now time.Time, channel string) Message {
	return Message{
		Kind: Test, Time: now, Title: "russet can reach you",
		Text: fmt.Sprintf("This is a test of the channel %q. Nothing happened, and nothing needs to be done.", channel),
	}
}
