package manifest

import (
	"fmt"
	"strconv"
	"time"

	"russet/vphone/internal/plist"
)

// States of a run in Status.plist.
const (
	Uploading = "uploading"
	Moving    = "moving"
	Removing  = "removing"
	Finished  = "finished"
)

// Versions that are written, and the oldest that are understood. [D]
const (
	statusVersion   = "3.3"
	manifestVersion = "10.0"
	domainsVersion  = "24.0"

	CurrentStatus  = 3.3
	OldestStatus   = 2.4
	TooNewStatus   = 4.0
	SQLiteManifest = 10.0
)

// Status is Status.plist.
type Status struct {
	Version  float64
	UUID     string // of the backup set, upper case
	Date     time.Time
	Backup   string // BackupState: "new"; "old" and "empty" are ancient
	Snapshot string // SnapshotState
	Full     bool   // says nothing: phones end a full backup with false [T]
}

// Encode writes Status.plist as phones do: binary, 189 bytes.
func (s *Status) Encode() ([]byte, error) {
	b, err := plist.Binary(map[string]any{
		"BackupState": "new", "Date": s.Date, "IsFullBackup": s.Full,
		"SnapshotState": s.Snapshot, "UUID": s.UUID, "Version": statusVersion,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding Status.plist: %w", err)
	}
	return b, nil
}

// DecodeStatus reads a Status.plist.
func DecodeStatus(data []byte) (*Status, error) {
	d, err := plist.UnmarshalDict(data)
	if err != nil {
		return nil, fmt.Errorf("reading Status.plist: %w", err)
	}
	s := &Status{Version: version(d["Version"])}
	s.UUID, _ = d["UUID"].(string)
	s.Date, _ = d["Date"].(time.Time)
	s.Backup, _ = d["BackupState"].(string)
	s.Snapshot, _ = d["SnapshotState"].(string)
	s.Full, _ = d["IsFullBackup"].(bool)
	return s, nil
}

// version reads a version that hosts have written as text, real and integer.
func version(v any) float64 {
	switch v := v.(type) {
	case string:
		f, err := strconv.ParseFloat(v, 64)
		if err == nil {
			return f
		}
	case float64:
		return v
	case int64:
		return float64(v)
	}
	return 0
}

// Properties is Manifest.plist.
type Properties struct {
	Version      float64
	Date         time.Time
	Encrypted    bool
	PasscodeSet  bool
	KeyBag       []byte
	ManifestKey  []byte
	Lockdown     map[string]any
	Applications map[string]any
	Required     string // RequiredProductVersion
}

// Encode writes Manifest.plist.
func (p *Properties) Encode() ([]byte, error) {
	d := map[string]any{
		"Applications": p.Applications, "Date": p.Date, "IsEncrypted": p.Encrypted,
		"Lockdown": p.Lockdown, "SystemDomainsVersion": domainsVersion, "Version": manifestVersion,
		"WasPasscodeSet": p.PasscodeSet,
	}
	if p.KeyBag != nil {
		d["BackupKeyBag"] = p.KeyBag
	}
	if p.ManifestKey != nil {
		d["ManifestKey"] = p.ManifestKey
	}
	b, err := plist.Binary(d)
	if err != nil {
		return nil, fmt.Errorf("encoding Manifest.plist: %w", err)
	}
	return b, nil
}

// DecodeProperties reads a Manifest.plist.
func DecodeProperties(data []byte) (*Properties, error) {
	d, err := plist.UnmarshalDict(data)
	if err != nil {
		return nil, fmt.Errorf("reading Manifest.plist: %w", err)
	}
	p := &Properties{Version: version(d["Version"])}
	p.Date, _ = d["Date"].(time.Time)
	p.Encrypted, _ = d["IsEncrypted"].(bool)
	p.PasscodeSet, _ = d["WasPasscodeSet"].(bool)
	p.KeyBag, _ = d["BackupKeyBag"].([]byte)
	p.ManifestKey, _ = d["ManifestKey"].([]byte)
	p.Lockdown, _ = d["Lockdown"].(map[string]any)
	p.Applications, _ = d["Applications"].(map[string]any)
	p.Required, _ = d["RequiredProductVersion"].(string)
	return p, nil
}
