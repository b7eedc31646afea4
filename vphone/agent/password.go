package agent

import (
	"crypto/subtle"
	"errors"

	"russet/vphone/agent/internal/link"
)

// changePassword switches encryption on, changes the password, or switches it
// off, depending on which of the two passwords the host sends.
func (s *session) changePassword(command map[string]any) error {
	if err := s.target(command); err != nil {
		return err
	}
	if s.phone.Condition(ManagedOff) {
		return fail(codePolicy, nil, "Disallowed by device management")
	}
	if err := s.passcode("change the backup password"); err != nil {
		return err
	}
	old, _ := command["OldPassword"].(string)
	next, _ := command["NewPassword"].(string)
	current := s.phone.BackupPassword()
	if old == "" && next == "" {
		return fail(codeGeneric, nil, "No password given") // [I]
	}
	if subtle.ConstantTimeCompare([]byte(old), []byte(current)) != 1 {
		return fail(codePassword, nil, "Invalid password")
	}
	if next == "" && s.phone.Condition(RequiresEncryption) {
		return fail(codePassword, nil, "Device management requires encryption")
	}
	if next != "" {
		// Phones derive the keys when they make a bag; doing it here keeps
		// the wait out of the next backup.
		if _, _, err := s.freshKey(next); err != nil {
			return err
		}
	}
	if err := s.phone.SetBackupPassword(next); err != nil {
		return fail(codeDeviceWrite, err, "Error saving the backup password")
	}
	// Hosts observe this name; that it is posted here is a guess. [I]
	s.phone.PostNotification("com.apple.mobile.backup.domain_changed")
	return nil
}

// legacy is what became of the commands that read a backup through the phone:
// since iOS 10 they look for the index of iOS 9. [T]
func (s *session) legacy(name string, command map[string]any) error {
	if err := s.target(command); err != nil {
		return err
	}
	if s.phone.BackupPassword() != "" && command["Password"] == nil {
		return fail(codePassword, nil, "Invalid password") // [T]
	}
	source, _ := command["SourceIdentifier"].(string)
	if source == "" {
		source = s.id.UDID
	}
	_, err := s.fetch(source + "/Manifest.mbdb")
	if code, ok := linkCode(err); err != nil && (!ok || code != link.CodeNotFound) {
		return reading(err, "Error reading Manifest.mbdb")
	}
	if name == "Info" || name == "List" {
		return fail(codeDamaged, errors.New("no such file: Manifest.mbdb"), "Error opening the manifest")
	}
	return fail(codeNotFound, nil, "File missing: Manifest.mbdb")
}

// cloudBackup answers as a phone without an Apple account. [T]
func (s *session) cloudBackup() error {
	if s.phone.Condition(ManagedOff) {
		return fail(codePolicy, nil, "Disallowed by device management")
	}
	return fail(codeGeneric, nil, "No account exists")
}
