package doctor

import (
	"fmt"
	"strings"

	"russet"
)

// Store is how a store is.
type Store struct {
	Name, URL string
	Remote    bool
	State     StoreState
	Trouble   *russet.Error // what its state comes from; nil if it is good
	Backups   int
	Devices   int
	Free      int64 // bytes it still takes
	Used      int64
	Allowance int64 // 0: none
	Over      []Over
	// SpoolFree is what the disk of a vault's spool still takes; negative for a
	// store without one.
	SpoolFree int64
	Spool     string
}

// Over is a device whose own allowance in a store is used up.
type Over struct {
	Device russet.UDID
	Name   string
}

// StoreState is what is in the way of using a store.
type StoreState string

// The states.
const (
	StoreGood        StoreState = ""
	StoreOffline     StoreState = "offline" // its folder or server is not there
	StoreReadOnly    StoreState = "read-only"
	StoreForbidden   StoreState = "forbidden" // this user may not write it
	StorePrivate     StoreState = "private"   // macOS keeps it from programs
	StorePassword    StoreState = "password"  // its password is wrong
	StoreLocked      StoreState = "locked"    // its password is not known here
	StoreDamaged     StoreState = "damaged"
	StoreFull        StoreState = "full"
	StoreHangs       StoreState = "hangs" // it takes calls and does not answer
	StoreUnsupported StoreState = "unsupported"
	StoreRefused     StoreState = "refused" // credentials, keys or certificates do not do
	StoreTrouble     StoreState = "trouble"
)

func storeCases() []Case {
	return []Case{
		{"store", true, 0, "store {store} holds {backups} of {devices}, and has room for {free} more", ""},
		{"store-none", true, 0, "no store is configured yet; the first backup makes one in {dir}", ""},
		{"store-offline", false, russet.NotConnected, "store {store} cannot be reached: {why}", "{hint}"},
		{"store-hangs", false, russet.NotConnected, "store {store} does not answer: {why}", "see whether its server runs and is reached; then look again"},
		{
			"store-read-only", false, russet.Usage, "store {store} cannot be written: its disk is read-only ({why})",
			"mount it so that it can be written; a disk that turned read-only by itself may be failing: look at the system's log",
		},
		{"store-forbidden", false, russet.Usage, "store {store} cannot be written: {why}", "make {dir} writable for the user that runs russet"},
		{
			"store-private", false, russet.Usage, "macOS keeps the store {store} from programs: {why}",
			"give your terminal (or russet) Full Disk Access in System Settings > Privacy & Security, then start it again",
		},
		{
			"store-locked", false, russet.Password, "store {store} does not open: its password is not known here",
			"type it once: russet store status {name}; or let RUSSET_VAULT_PASSWORD_FILE name a file that holds it",
		},
		{
			"store-password", false, russet.Password, "store {store} does not open: the password that was given for it is wrong",
			"correct the file that holds it; if it is forgotten, the recovery kit sets a new one: russet store recover {name}",
		},
		{"store-damaged", false, russet.Damaged, "store {store} is damaged: {why}", "{hint}"},
		{
			"store-full", false, russet.NoSpace, "store {store} has no room left{left}",
			"make room there, or let fewer backups stay: russet policy set --all …, then russet prune",
		},
		{
			"store-allowance", false, russet.NoSpace, "store {store} has used up its allowance of {allowance}",
			"raise it: russet store set {name} --allowance …; or delete old backups: russet backups, russet delete",
		},
		{
			"store-device-allowance", false, russet.NoSpace, "{phone} has used up its allowance in the store {store}",
			"raise it: russet store set {name} --device {udid} --allowance …; or delete old backups: russet backups, russet delete",
		},
		{"store-unsupported", false, russet.Unsupported, "store {store} cannot be used by this russet: {why}", "{hint}"},
		{"store-refused", false, russet.Usage, "store {store} lets nobody in: {why}", "{hint}"},
		{"store-trouble", false, russet.Failed, "store {store} cannot be used: {why}", "{hint}"},
		{
			"spool-full", false, russet.NoSpace, "the disk of this computer on which backups wait for the store {store} is full: {free} left in {dir}",
			"make room there",
		},
	}
}

const (
	// storeRoom is what a device wants to be free beyond what it will send.
	storeRoom = 128 << 20
	// spoolRoom is what the databases of a phone take while they wait.
	spoolRoom = 1 << 30
)

func examineStores(r Readings) []Finding {
	if len(r.Stores) == 0 {
		if r.Home.Settings != nil || r.Home.Trouble != nil {
			return nil
		}
		return []Finding{say("store-none", "dir", r.Home.FirstStore)}
	}
	var all []Finding
	for _, s := range r.Stores {
		for _, f := range examineStore(s, r) {
			f.Store = s.Name
			all = append(all, f)
		}
	}
	return all
}

func examineStore(s Store, r Readings) []Finding {
	words := []string{
		"store", fmt.Sprintf("%q", s.Name), "name", s.Name, "free", bytesText(max(0, s.Free)), "allowance", bytesText(s.Allowance),
		"backups", plural(s.Backups, "backup"), "devices", plural(s.Devices, "device"), "dir", strings.TrimPrefix(strings.TrimPrefix(s.URL, "folder:"), "vault:"), "left", left(s.Free, storeRoom), "why", "", "hint", "",
	}
	if s.Trouble != nil {
		words[len(words)-3], words[len(words)-1] = s.Trouble.What, s.Trouble.Hint
	}
	switch {
	case s.State == StoreLocked && r.Home.Secrets != SecretsGood, s.State == StoreTrouble && r.Home.Secrets != SecretsGood:
		return nil // what is remembered of it cannot be read
	case s.State != StoreGood:
		return []Finding{say("store-"+Code(s.State), words...)}
	case s.Allowance > 0 && s.Used >= s.Allowance:
		return []Finding{say("store-allowance", words...)}
	case s.Free < storeRoom:
		return []Finding{say("store-full", words...)}
	}
	var all []Finding
	if s.SpoolFree >= 0 && s.SpoolFree < spoolRoom && s.SpoolFree < s.Free {
		all = append(all, say("spool-full", "store", fmt.Sprintf("%q", s.Name), "free", bytesText(s.SpoolFree), "dir", s.Spool))
	}
	for _, o := range s.Over {
		if r.Only == "" || r.Only == o.Device {
			f := say("store-device-allowance", append(words, "phone", fmt.Sprintf("%q", o.Name), "udid", string(o.Device))...)
			f.Device = o.Device
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		all = append(all, say("store", words...))
	}
	return all
}
