package engine

import (
	"strings"

	"russet"
	mb "russet/device/mobilebackup2"
)

// meaning is what one of the device's codes tells a person.
type meaning struct {
	kind russet.Kind
	what string // what went wrong
	hint string // the next step
}

const (
	hintAgain   = "try again; if it happens again, restart the phone and try once more"
	hintReport  = "try again; if it happens again, report it with the log of the run"
	hintFull    = "try again; if it happens again, make a full backup: russet backup --full"
	hintRestart = "restart the phone, then try again"
	hintOlder   = "russet verify --full tells what is wrong with the backup; try an older one"
)

// meanings lists every code that a device is known to end with. Where each was
// seen is in docs/protocols.
func meanings() map[mb.Code]meaning {
	m := map[mb.Code]meaning{
		mb.CodeGeneric:      {russet.Failed, "the phone reports an error, and its code does not tell which", hintAgain},
		mb.CodeMultiple:     {russet.Failed, "the phone reports several errors at once", hintAgain},
		mb.CodeExists:       {russet.Failed, "the phone still holds the snapshot of an earlier, interrupted backup", hintRestart},
		mb.CodeNotFound:     {russet.Failed, "the phone misses a file", hintFull},
		mb.CodeNotDirectory: {russet.Failed, "the phone found a file where it expected a folder", hintFull},
		mb.CodeIsDirectory:  {russet.Failed, "the phone found a folder where it expected a file", hintFull},
		mb.CodeLoop:         {russet.Failed, "the phone ran into a loop of symbolic links", hintReport},
		mb.CodeNoAttribute:  {russet.Failed, "the phone misses an attribute of a file", hintAgain},
		mb.CodeFileChanged:  {russet.Failed, "a file changed while the phone was sending it", "close the apps that are at work on the phone and try again"},
		mb.CodeDecode:       {russet.Damaged, "the phone cannot read one of the lists of the last backup", hintFull},
		mb.CodeMalformed:    {russet.Damaged, "the phone calls one of the lists of the backup malformed", hintFull},
		mb.CodeBusy:         {russet.Busy, "the phone is busy", "wait a minute and try again"},
		mb.CodeManaged:      {russet.Unsupported, "the phone's management forbids backups to a computer", "ask whoever manages the phone"},
		mb.CodeNameRefused:  {russet.Failed, "the phone could not work with one of the answers it got", hintReport},
		mb.CodeCloudRestore: {russet.Busy, "the phone is being restored from iCloud", "wait until that is done"},
		mb.CodeCrossDevice:  {russet.Failed, "the phone could not move a file between its volumes", hintRestart},
		mb.CodeIO:           {russet.Interrupted, "the phone reports an input/output or connection error", "check the cable or the Wi-Fi and try again" + kept},
		mb.CodeDeviceRead:   {russet.Failed, "the phone could not read its own storage", hintRestart},
		mb.CodeDeviceWrite:  {russet.Failed, "the phone could not write to its own storage", "make room on the phone, restart it, then try again"},
		mb.CodeHostRead:     {russet.Failed, "the phone could not read the backup on this computer", hintFull},
		mb.CodeHostWrite:    {russet.Failed, "the phone could not write the backup to this computer", "try again; russet verify tells whether the earlier backups are good"},
		mb.CodeHostFull:     {russet.NoSpace, "there is not enough space for the backup on this computer", "make room, or choose another store"},
		mb.CodeDeviceFull:   {russet.NoSpace, "there is not enough space on the phone for what is to be restored", "make room on the phone, or restore onto a larger one"},
		mb.CodeVersion:      {russet.Unsupported, "the backup comes from an iOS that this phone cannot restore", "update the phone first"},
		mb.CodeNoBackup:     {russet.Damaged, "the phone finds no backup, or an empty one", "russet verify tells what is there"},
		mb.CodeDamaged:      {russet.Damaged, "the phone calls the backup damaged: a list cannot be read, or files are missing", "russet verify tells what is there; then make a full backup: russet backup --full"},
		mb.CodePassword:     {russet.Password, "the backup password is wrong or missing", "russet encryption status tells whether the phone has one"},
		mb.CodeLocked:       {russet.Locked, "the phone is locked, or nobody typed its passcode", "unlock the phone and type the passcode when it asks"},
		mb.CodeUnknown209:   {russet.Failed, "the phone reports an error that nobody has explained yet", hintReport},
		mb.CodeNoAccount:    {russet.Failed, "the phone has no iCloud account", "sign in on the phone, then try again"},
		mb.CodeFindMy:       {russet.Unsupported, "Find My is on, and the phone cannot be restored while it is", "switch it off on the phone: Settings, your name, Find My"},
		mb.CodeSetup:        {russet.Locked, "the phone has not been set up yet", "finish the setup on the phone, then try again"},
		mb.CodeCancelled:    {russet.Stopped, "the phone cancelled it", "try again" + kept},
	}
	for code := mb.CodeCancelledFirst; code <= mb.CodeCancelledLast; code++ {
		m[code] = m[mb.CodeCancelled]
	}
	for code := mb.CodeCloudNetworkFirst; code <= mb.CodeCloudNetworkLast; code++ {
		m[code] = meaning{russet.Failed, "the phone reports a network error of iCloud", hintAgain}
	}
	return m
}

// meaningOf explains a code. op is what was being done, for the few codes that
// mean different things.
func meaningOf(code mb.Code, op string) meaning {
	m, ok := meanings()[code]
	if !ok {
		return meaning{russet.Failed, "the phone reports an error that is not known", hintReport}
	}
	if op == opRestore || ofPassword(op) {
		m = withoutBackup(m, code, op)
	}
	switch {
	case code == mb.CodePassword && op == opBackup:
		m.what = "the phone demands an encrypted backup, or has lost its backup password"
		m.hint = "set a backup password: russet encryption on"
	case code == mb.CodePassword && op == opSetPassword:
		m.what = "the phone has a backup password already"
		m.hint = "change it instead: russet encryption change"
	case code == mb.CodePassword && ofPassword(op):
		m.what = "the old backup password is wrong"
		m.hint = "name the right one with --password-file; a forgotten one can only be removed on the phone: " +
			"Settings, General, Transfer or Reset, Reset All Settings"
	case code == mb.CodePassword && op == opRestore:
		m.what = "the backup's password is wrong or missing"
		m.hint = "it is the one the phone had when the backup was made"
	case code == mb.CodeDamaged && op == opRestore, code == mb.CodeHostRead && op == opRestore:
		m.hint = hintOlder
	}
	return m
}

// withoutBackup is what a code means where nothing is being backed up: nothing
// was received, and a full backup of a phone that is being restored would save
// the wrong thing.
func withoutBackup(m meaning, code mb.Code, op string) meaning {
	m.hint = strings.TrimSuffix(m.hint, kept)
	full := strings.Contains(m.hint, "russet backup --full")
	switch {
	case full && op == opRestore:
		m.hint = hintOlder
	case full:
		m.hint = hintAgain
	case code == mb.CodeExists:
		m.what = "the phone has something already where it is to put something new"
	case code == mb.CodeManaged:
		m.what = "the phone's management forbids it"
	case code == mb.CodeHostWrite, code == mb.CodeHostFull:
		return meaning{russet.Failed, "the phone wanted to write to this computer, which nothing here asks it for", hintReport}
	}
	return m
}
