package doctor

import (
	"time"

	"russet"
)

// firstYear is before any computer can run this program. A clock that shows
// less was never set: small boards without a battery start in 1970 or at the
// date of their image.
const firstYear = 2025

// homeRoom is how much russet's own folder needs: journals, history, the index
// of a vault. Spools need far more; see [Store].
const homeRoom = 256 << 20

// Home is russet's own folder.
type Home struct {
	Dir        string
	New        bool   // it is not there yet, and can be made
	Moved      bool   // a person chose it (RUSSET_HOME)
	FirstStore string // where the first backup makes a store
	// Trouble is why it cannot be written; nil if it can.
	Trouble *russet.Error
	Free    int64  // bytes its disk still takes; negative when that is not known
	Network string // the kind of network file system it lies on: "nfs"; "" if on a disk of this computer
	Passing bool   // it lies in the writable part of a container, which is thrown away with it
	// Settings is why the settings cannot be read; nil if they can.
	Settings *russet.Error
	// PasswordFile is why the file that RUSSET_BACKUP_PASSWORD_FILE names
	// cannot be used.
	PasswordFile error
	Secrets      SecretsState
	SecretsWhy   string
}

// SecretsState is how the sealed passwords and pairings are.
type SecretsState string

// The states.
const (
	SecretsGood    SecretsState = ""
	SecretsExposed SecretsState = "exposed" // others can read them
	SecretsKeyring SecretsState = "keyring" // the keyring that holds their key is locked
	SecretsKeyLost SecretsState = "lost"    // that key is gone
	SecretsDamaged SecretsState = "damaged"
	SecretsPartly  SecretsState = "partly" // some are damaged
	SecretsTrouble SecretsState = "trouble"
)

func homeCases() []Case {
	return []Case{
		{"home", true, 0, "russet keeps its settings in {dir}{new}", ""},
		{
			"home-unwritable", false, russet.Usage, "russet's own folder {dir} cannot be written: {why}",
			"make that folder writable for you, or set RUSSET_HOME to another one",
		},
		{
			"home-full", false, russet.NoSpace, "the disk of russet's own folder {dir} is full{free}",
			"make room on that disk, or set RUSSET_HOME to a folder on another one",
		},
		{
			"home-network", false, 0, "russet's own folder {dir} lies on a network disk ({type}), where two computers may get in each other's way",
			"set RUSSET_HOME to a folder on a disk of this computer; stores may stay on the network",
		},
		{
			"home-passing", false, 0, "russet's own folder {dir} lies inside the container: pairings and settings go when it goes",
			"mount a folder of the computer there: -v /srv/russet:{dir}",
		},
		{
			"settings-damaged", false, russet.Damaged, "the settings cannot be read: {why}",
			"mend settings.json in {dir}, or move it away and add the stores again with \"russet store add\"; backups do not depend on it",
		},
		{"password-file", false, russet.Usage, "{why}", "mend the file, or unset RUSSET_BACKUP_PASSWORD_FILE"},
		{
			"secrets-exposed", false, russet.Usage, "other users of this computer could read the remembered passwords and pairings: {why}",
			"make them private: chmod -R go= \"{dir}/secrets\"",
		},
		{
			"secrets-keyring", false, russet.Usage, "the keyring of the system, which holds the key to the remembered passwords and pairings, does not answer",
			"log in to the desktop once and unlock the keyring; a service that runs without a desktop needs RUSSET_HOME set to a folder of its own",
		},
		{
			"secrets-lost", false, russet.Damaged, "the key to the remembered passwords and pairings is gone",
			"move {dir}/secrets away; then pair the phones again and type their backup passwords again. Backups are not touched by this",
		},
		{
			"secrets-damaged", false, russet.Damaged, "the remembered passwords and pairings are damaged: {why}",
			"move {dir}/secrets away; then pair the phones again and type their backup passwords again. Backups are not touched by this",
		},
		{
			"secrets-partly", false, russet.Damaged, "some of the remembered passwords and pairings are damaged: {why}",
			"pair that phone again, or type that password again when it is asked for; if it is not taken, move {dir}/secrets away and begin anew",
		},
		{
			"secrets-trouble", false, russet.Failed, "the remembered passwords and pairings cannot be used: {why}",
			"look at the folder {dir}/secrets",
		},
		{
			"clock-unset", false, russet.Usage, "the clock of this computer shows {now}, which cannot be: nothing is ever due by it",
			"set the clock{ntp}",
		},
		{
			"clock-behind", false, russet.Usage, "the newest backup of {phone} is of {time}, which is still to come: this computer's clock is behind, or was ahead then",
			"set the clock{ntp}; if it is right now, back up once more: russet backup {udid}",
		},
	}
}

func examineHome(r Readings) []Finding {
	h := r.Home
	all := []Finding{}
	unmade := ""
	if h.New {
		unmade = ", which it makes when there is something to keep"
	}
	switch {
	case h.Trouble != nil && h.Trouble.Kind == russet.NoSpace, h.Trouble == nil && h.Free >= 0 && h.Free < homeRoom:
		all = append(all, say("home-full", "dir", h.Dir, "free", left(h.Free, homeRoom)))
	case h.Trouble != nil:
		all = append(all, say("home-unwritable", "dir", h.Dir, "why", h.Trouble.What))
	default:
		all = append(all, say("home", "dir", h.Dir, "new", unmade))
	}
	if h.Network != "" {
		all = append(all, say("home-network", "dir", h.Dir, "type", h.Network))
	}
	if h.Passing {
		all = append(all, say("home-passing", "dir", h.Dir))
	}
	if h.Settings != nil && h.Trouble == nil {
		all = append(all, say("settings-damaged", "dir", h.Dir, "why", h.Settings.What))
	}
	if h.PasswordFile != nil {
		all = append(all, say("password-file", "why", h.PasswordFile.Error()))
	}
	if h.Secrets != SecretsGood && h.Trouble == nil {
		all = append(all, say("secrets-"+Code(h.Secrets), "dir", h.Dir, "why", h.SecretsWhy))
	}
	return append(all, examineClock(r)...)
}

// clockSlack is how far the clocks of two computers may be apart.
const clockSlack = 5 * time.Minute

func examineClock(r Readings) []Finding {
	ntp := r.Computer.setClock()
	if r.ill() {
		return []Finding{say("clock-unset", "now", r.Now.Format("2006-01-02 15:04"), "ntp", ntp)}
	}
	for _, p := range r.Phones {
		if p.LastBackup.After(r.Now.Add(clockSlack)) {
			return about(p, say("clock-behind", "phone", p.quoted(), "time", when(p.LastBackup), "udid", string(p.UDID), "ntp", ntp))
		}
	}
	return nil
}
