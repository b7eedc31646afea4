package notify_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"russet"
	"russet/internal/notify"
)

const evilName = "Anna's\x1b[31m \u202egnp.exe\u202c\n\nBcc: all@example.org\t\"; rm -rf ~; #<img src=x>@everyone\x00\xff"

func subject(name string) notify.Subject {
	berlin := time.FixedZone("CET", 3600)
	return notify.Subject{Time: time.Date(2026, 11, 26, 21, 4, 0, 0, berlin), Device: "00008110-000A1B2C3D4E801E", Name: name, Store: "home"}
}

// all is one message of each constructor and each of its turns.
func all(name string) []notify.Message {
	s := subject(name)
	lost := &russet.Error{Kind: russet.Locked, What: "the phone is locked, or nobody typed its passcode", Hint: "unlock the phone and type the passcode when it asks", Code: 208}
	run := russet.Run{Start: s.Time.Add(-4 * time.Minute), End: s.Time, Files: 3204, Received: 1_234_567_890, Unread: []russet.Problem{{Path: "CameraRollDomain/" + name}}}
	return []notify.Message{
		notify.ForDone(s, run),
		notify.ForDone(s, russet.Run{}),
		notify.ForFailed(s, lost, s.Time.Add(15*time.Minute)),
		notify.ForFailed(s, errors.New("odd: "+name), time.Time{}),
		notify.ForOverdue(s, s.Time.AddDate(0, 0, -9), time.Time{}, "it was not seen since Monday", ""),
		notify.ForOverdue(s, time.Time{}, s.Time.AddDate(0, 0, -8), "", "Say the word."),
		notify.ForPasscode(s, false),
		notify.ForPasscode(s, true),
		notify.ForSpace(s, 1<<30, 5<<30),
		notify.ForSpace(s, 0, 0),
		notify.ForAllowance(s, 95e9, 100e9),
		notify.ForAllowance(notify.Subject{Time: s.Time, Store: "home"}, 100e9, 100e9),
		notify.ForDamage(s, "0123456789abcdef", "3 files differ from their checksums: "+name, false),
		notify.ForDamage(s, "0123456789abcdef", "the photo is another one", true),
		notify.ForStoreDamage(s, "a pack is gone"),
		notify.ForPairing(s, s.Time.AddDate(0, 0, -24)),
		notify.ForEncryption(s, notify.EncryptionOn),
		notify.ForEncryption(s, notify.EncryptionOff),
		notify.ForEncryption(s, notify.PasswordChanged),
		notify.ForNewIOS(s, "26.4", "27.1", "0123456789abcdef", time.Time{}),
		notify.ForNewIOS(s, "26.4", name, "0123456789abcdef", time.Time{}),
		notify.ForNewIOS(s, "26.4", "27.1", "0123456789abcdef", s.Time.Add(24*time.Hour)),
		notify.ForNewIOS(s, "26.4", "27.1", "", time.Time{}),
		notify.ForTest(s.Time, "me"),
		notify.ForBehind(s, s.Time.AddDate(0, 0, -9), time.Time{}, "no answer from "+name),
		notify.ForBehind(s, time.Time{}, s.Time.AddDate(0, 0, -8), ""),
		notify.ForChore(notify.Subject{Time: s.Time, Store: "home"}, `verify the backups in "home"`, errors.New("odd: "+name), 3, true),
		notify.ForChore(s, `copy what is new in "home" to "nas"`, lost, 4, false),
		notify.ForEncryption(s, notify.PasswordUnknown),
	}
}

// A person hears these words: they are asserted as they are.
func TestWords(t *testing.T) {
	s := subject("Anna's iPhone")
	want := map[string]notify.Message{
		"Anna's iPhone is backed up|3204 files (1.2 GB) came in 4 minutes and are kept in \"home\". The phone could not read 1 file, such as \"CameraRollDomain/Anna's iPhone\".|": all(s.Name)[0],
		"Anna's iPhone could not be backed up|The phone is locked, or nobody typed its passcode. (The phone's own code: 208.) russet tries again at 21:19." +
			"|Unlock the phone and type the passcode when it asks": all(s.Name)[2],
		"Anna's iPhone has not been backed up for 9 days|The last backup is of 17 November 2026. It was not seen since Monday." +
			"|Connect it to this computer with its cable, unlock it, and run: russet backup 00008110-000A1B2C3D4E801E": all(s.Name)[4],
		"Anna's iPhone has no new backup in \"home\" for 9 days|Other stores have newer ones; the last one there is of 17 November 2026. No answer from 192.168.1.2." +
			"|See what is the matter with the store: russet store status": notify.ForBehind(s, s.Time.AddDate(0, 0, -9), time.Time{}, "no answer from 192.168.1.2"),
		"Anna's iPhone has no backup in \"home\"|It waits for one since 18 November 2026; other stores have one." +
			"|See what is the matter with the store: russet store status": notify.ForBehind(s, time.Time{}, s.Time.AddDate(0, 0, -8), ""),
		"Anna's iPhone is ready to back up|The phone is here, and a backup of it is due." +
			"|Unlock it, and type the passcode if it asks. If you do not, russet asks another time.": all(s.Name)[6],
		"The allowance for Anna's iPhone in the store \"home\" is nearly used|95 GB of 100 GB are used." +
			"|Allow more (russet store set home --allowance SIZE --device 00008110-000A1B2C3D4E801E), or keep fewer backups: russet policy preview": all(s.Name)[10],
		"The backup password of Anna's iPhone is not known here|Its backups are made and kept, but only that password opens them, and russet cannot try whether you still have the right one." +
			"|Write it into the first line of a file and name that once: russet backup 00008110-000A1B2C3D4E801E --password-file FILE": notify.ForEncryption(s, notify.PasswordUnknown),
		"Anna's iPhone may soon forget this computer|russet has not met it since 2 November 2026. After about 30 days a phone no longer trusts a computer over Wi-Fi." +
			"|Bring it home, or connect it to this computer with its cable once and unlock it. One that is gone for good is forgotten with: russet unpair 00008110-000A1B2C3D4E801E": notify.ForPairing(s, s.Time.AddDate(0, 0, -24)),
		"The backup password of Anna's iPhone was changed|It was not changed by russet. Older backups open with the old password, new ones only with the new one." +
			"|If it was you, keep both, and let russet know the new one: russet backup 00008110-000A1B2C3D4E801E --password-file FILE." +
			" If not, see who has the phone, and change it: russet encryption change 00008110-000A1B2C3D4E801E": notify.ForEncryption(s, notify.PasswordChanged),
		"Anna's iPhone has a new iOS: 27.1|Before, it had 26.4. New backups cannot be restored to a phone with an older iOS." +
			"|Keep the last backup of before for as long as you like: russet archive 01234567 --note \"before iOS 27.1\"": all(s.Name)[19],
	}
	for words, m := range want {
		if got := m.Title + "|" + m.Text + "|" + m.Next; got != words {
			t.Errorf("got  %s\nwant %s", got, words)
		}
	}
	if got := notify.ForPasscode(subject("iPhone"), false).Title; got != "iPhone is ready to back up" {
		t.Errorf("a name that begins small: %q", got)
	}
	if got := notify.ForPasscode(subject(" \n"), false).Title; got != "The phone 00008110-000A1B2C3D4E801E is ready to back up" {
		t.Errorf("no name: %q", got)
	}
}

// Whatever a phone is called, a message has one line as a title, nothing that is
// not seen, and no part of the name in a command.
func TestNames(t *testing.T) {
	for i, m := range all(evilName) {
		if strings.ContainsRune(m.Title, '\n') || m.Title == "" || m.Text == "" || utf8.RuneCountInString(m.Title) > 200 {
			t.Errorf("%d: title %q, text %q", i, m.Title, m.Text)
		}
		for _, text := range []string{m.Title, m.Text, m.Next, m.Name, m.Device} {
			for _, r := range text {
				if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError) {
					t.Errorf("%d: %q holds %U", i, text, r)
				}
			}
		}
		if _, command, ok := strings.Cut(m.Next, "russet "); ok && strings.ContainsAny(command, "~;`$|&") && strings.Contains(command, "rm -rf") {
			t.Errorf("%d: a name is in a command: %q", i, m.Next)
		}
	}
	if m := notify.ForNewIOS(subject("x"), "26.4", `27"; rm -rf ~; "`, "0123456789abcdef", time.Time{}); !strings.HasSuffix(m.Next, `--note "before iOS 27rm-rf"`) {
		t.Errorf("a version is in a command: %q", m.Next)
	}
}

// A name that an error quotes is told as it is.
func TestQuotedNames(t *testing.T) {
	for _, name := range []string{"Anna 👩\u200d👧\u200d👦", "گوشی\u200cمن"} {
		m := notify.ForFailed(subject(name), &russet.Error{What: fmt.Sprintf("%q is locked", name)}, time.Time{})
		if want := "\"" + name + "\" is locked."; m.Text != want {
			t.Errorf("%s", m.Text)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"Anna's iPhone":                  "Anna's iPhone",
		"  a\t\n b  ":                    "a b",
		"👩‍👧‍👦 家の iPad":                  "👩‍👧‍👦 家の iPad",
		"\u202eevil\u202c":               "evil",
		"می\u200cخواهم":                  "می\u200cخواهم",
		strings.Repeat("ä", 200):         strings.Repeat("ä", 80) + "…",
		"a\xff\xfeb\u2028c":              "a b c",
		"":                               "",
		"\x00\x1b":                       "",
		"tag\U000e0041\U000e007f spaces": "tag spaces",
	} {
		if got := notify.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// Every kind has a constructor, and every message a kind.
func TestKinds(t *testing.T) {
	have := map[notify.Kind]bool{}
	for _, m := range all("x") {
		have[m.Kind] = true
	}
	for _, k := range append(notify.Kinds(), notify.Test) {
		if !have[k] {
			t.Errorf("nothing says %q", k)
		}
	}
}

func TestWants(t *testing.T) {
	m := func(k notify.Kind, device string, only ...string) notify.Message {
		return notify.Message{Kind: k, Device: device, Channels: only}
	}
	for _, c := range []struct {
		ch   notify.Channel
		m    notify.Message
		want bool
	}{
		{notify.Channel{Type: notify.Email}, m(notify.Failed, "a"), true},
		{notify.Channel{Type: notify.Email}, m(notify.Done, "a"), false},
		{notify.Channel{Type: notify.Email, Events: []notify.Kind{notify.Done}}, m(notify.Done, "a"), true},
		{notify.Channel{Type: notify.Email, Events: []notify.Kind{notify.Done}}, m(notify.Failed, "a"), false},
		{notify.Channel{Type: notify.HealthCheck}, m(notify.Done, "a"), true},
		{notify.Channel{Type: notify.HealthCheck}, m(notify.Overdue, "a"), false},
		{notify.Channel{Type: notify.HealthCheck}, m(notify.Damage, "a"), true},
		{notify.Channel{Devices: []string{"a"}}, m(notify.Failed, "b"), false},
		{notify.Channel{Devices: []string{"a"}}, m(notify.Space, ""), false},
		{notify.Channel{Devices: []string{"a"}}, m(notify.Failed, "a"), true},
		{notify.Channel{Devices: []string{"a"}}, m(notify.Test, ""), true},
		{notify.Channel{Name: "x"}, m(notify.Failed, "a", "y"), false},
		{notify.Channel{Name: "x"}, m(notify.Failed, "a", "y", "x"), true},
	} {
		if got := c.ch.Wants(c.m); got != c.want {
			t.Errorf("%+v wants %+v: %v", c.ch, c.m, got)
		}
	}
}
