package host_test

import (
	"strings"
	"testing"

	"russet"
	"russet/internal/host"
	"russet/vphone"
	"russet/vphone/agent"
)

// quick has a phone derive its keys in a moment.
func quick(p *vphone.Phone) {
	p.Faults().Update(func(c *agent.Config) { c.Rounds = [2]int{10, 10} })
}

// TestPasswordChangeWithoutAnswer: the phone did what it was asked and never said
// so. What it has now is among the passwords that are known here, and the next
// backup finds out which.
func TestPasswordChangeWithoutAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, fresh string
		hint       string
		note       string // of the next backup
	}{
		"on":     {"", "new", "encryption status", "opens it"},
		"change": {"old", "new", "keeps both", "opens it"},
		"off":    {"old", "", "encryption status", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newNetlab(t)
			p := l.phone(1, "Anna")
			quick(p)
			h := l.computer(l.Addr())
			l.pair(h, p)
			if tt.old != "" {
				_, err := h.ChangePassword(t.Context(), host.EncryptionChange{New: tt.old})
				must(t, err)
			}
			must(t, p.SetFault("no-response", "on"))
			_, err := h.ChangePassword(t.Context(), host.EncryptionChange{Old: tt.old, New: tt.fresh})
			wantKind(t, err, russet.Interrupted, "a change without an answer")
			if e := host.Explain(t.Context(), err); !strings.Contains(e.Hint, tt.hint) || strings.Contains(e.Hint, "received") {
				t.Errorf("hint: %q", e.Hint)
			}
			must(t, p.SetFault("no-response", "off"))
			if got := p.BackupPassword(); got != tt.fresh {
				t.Fatalf("the phone has %q", got)
			}
			r, err := h.Backup(t.Context(), host.BackupOptions{Device: l.only(h), Store: l.store(h)})
			must(t, err)
			if notes := strings.Join(r.Notes, "|"); !strings.Contains(notes, tt.note) || r.PasswordChanged || r.PasswordUnknown {
				t.Errorf("changed %v, unknown %v, %q", r.PasswordChanged, r.PasswordUnknown, r.Notes)
			}
			_, err = h.List(t.Context(), host.Which{Backup: host.Latest}, "")
			must(t, err)
			if tt.fresh == "" {
				return
			}
			if known, err := h.PresentPassword(t.Context(), ""); err != nil || known != tt.fresh {
				t.Errorf("the likeliest is now %q, %v", known, err)
			}
		})
	}
}

// TestPasswordChangeRefused: a phone that refuses has the password that it had,
// and no other one is tried on its backups.
func TestPasswordChangeRefused(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	quick(p)
	h := l.computer(l.Addr())
	l.pair(h, p)
	p.SetPasscode("1234")
	must(t, p.SetFault("passcode-gone", "on"))
	_, err := h.ChangePassword(t.Context(), host.EncryptionChange{New: "new"})
	wantKind(t, err, russet.Locked, "nobody typed the passcode")
	if known, err := h.PresentPassword(t.Context(), ""); err != nil || known != "" {
		t.Errorf("%q is known, %v", known, err)
	}
	must(t, p.SetFault("passcode-gone", "off"))
	p.SetPasscode("")
	must(t, p.SetBackupPassword("theirs"))
	_, err = h.ChangePassword(t.Context(), host.EncryptionChange{Old: "wrong", New: "new"})
	wantKind(t, err, russet.Password, "a wrong password")
	if known, err := h.PresentPassword(t.Context(), ""); err != nil || known != "" {
		t.Errorf("%q is known, %v", known, err)
	}
}

// TestChangedPasswordIsRemembered: what a person named for a change and the phone
// took opens the backups from before it.
func TestChangedPasswordIsRemembered(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	quick(p)
	h := l.computer(l.Addr())
	l.pair(h, p)
	must(t, p.SetBackupPassword("theirs"))
	r, err := h.Backup(t.Context(), host.BackupOptions{Device: l.only(h), Store: l.store(h)})
	must(t, err)
	if !r.PasswordUnknown {
		t.Fatalf("it is known already: %q", r.Notes)
	}
	_, err = h.ChangePassword(t.Context(), host.EncryptionChange{Old: "theirs", New: "ours"})
	must(t, err)
	_, err = h.List(t.Context(), host.Which{Backup: host.Latest}, "")
	must(t, err)
}

// TestEncryptionUnknown: a phone on the network that does not tell just now whether
// it has a backup password is not said to have none, and can be asked to change it.
func TestEncryptionUnknown(t *testing.T) {
	t.Parallel()
	l := newNetlab(t)
	p := l.phone(1, "Anna")
	quick(p)
	h := l.computer(l.Addr())
	l.pair(h, p)
	l.Join(p)
	p.Unplug()
	_, err := h.ChangePassword(t.Context(), host.EncryptionChange{New: "old"})
	must(t, err)
	if d := l.only(h); !d.Encrypted || d.EncryptedUnknown {
		t.Fatalf("%+v", d)
	}
	p.WithholdValues("com.apple.mobile.backup", true)
	if d := l.only(h); !d.Paired || !d.EncryptedUnknown {
		t.Errorf("%+v", d)
	}
	_, err = h.ChangePassword(t.Context(), host.EncryptionChange{Old: "old", New: "new"})
	must(t, err)
	if got := p.BackupPassword(); got != "new" {
		t.Errorf("the phone has %q", got)
	}
}
