package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"russet"
	"russet/internal/durable"
	"russet/internal/home"
	"russet/internal/notify"
	"russet/internal/schedule"
)

// settings is what a person chose, kept in settings.json.
type settings struct {
	Stores   []StoreSettings  `json:"stores"`
	Policies []PolicySettings `json:"policies,omitempty"`
	Devices  []DeviceSettings `json:"devices,omitempty"`
	Channels []notify.Channel `json:"channels,omitempty"`
	Chores   []Chore          `json:"chores,omitempty"`
	Limits   Limits           `json:"limits"`
}

// DeviceSettings is what a person said of a device beside its policy.
type DeviceSettings struct {
	UDID russet.UDID `json:"udid"`
	Name string      `json:"name"` // as it was then
	// Addresses are where it may be found beside what it announces: host names
	// or IP addresses.
	Addresses []string `json:"addresses,omitempty"`
	// WiFi is whether its Wi-Fi access should be on; nil when nobody said.
	WiFi *bool `json:"wifi,omitempty"`
}

// Chore is work on a store that the service does by itself.
type Chore struct {
	Kind   ChoreKind      `json:"kind"`
	Store  string         `json:"store"`
	To     string         `json:"to,omitempty"` // the store a copy goes to
	Every  time.Duration  `json:"every"`        // 0: never
	Window schedule.Hours `json:"window"`
	// Usual says that nobody set it; it is not kept.
	Usual bool `json:"usual,omitempty"`
}

// ChoreKind is what a chore does.
type ChoreKind string

// The chores.
const (
	VerifyChore   ChoreKind = "verify"   // read every byte of the backups whose turn it is
	DrillChore    ChoreKind = "drill"    // restore the newest backup of each device into a virtual iPhone
	MaintainChore ChoreKind = "maintain" // a vault's own upkeep
	CopyChore     ChoreKind = "copy"     // copy what another store lacks
)

// Limits bound what the service takes.
type Limits struct {
	AtOnce int   `json:"at_once,omitempty"` // devices backed up side by side; 0 is the usual
	Rate   int64 `json:"rate,omitempty"`    // bytes per second from all devices together; 0 is no limit
}

// StoreSettings is one configured store.
type StoreSettings struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	// Allowance is how many bytes russet may use there; 0 means no limit.
	Allowance int64 `json:"allowance,omitempty"`
	// DeviceAllowances are those of single devices there.
	DeviceAllowances map[russet.UDID]int64 `json:"device_allowances,omitempty"`
	// Vault is the identifier of a vault; "" for a folder.
	Vault string `json:"vault,omitempty"`
	// Spool is how many bytes a vault may hold back on this computer; 0 means
	// the usual.
	Spool int64 `json:"spool,omitempty"`
	// Upload and Download are how many bytes per second may go to a vault and
	// come from it; 0 means as fast as it goes.
	Upload   int64 `json:"upload,omitempty"`
	Download int64 `json:"download,omitempty"`

	repair bool // it is opened to be repaired
}

func (s *settings) find(name string) *StoreSettings {
	i := slices.IndexFunc(s.Stores, func(st StoreSettings) bool { return st.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Stores[i]
}

// maxSettings bounds what is read: a settings file is a page, not a book.
const maxSettings = 1 << 20

const settingsFile = "settings.json"

func (h *Host) readSettings() (*settings, error) {
	dir, err := h.home.Open()
	var data []byte
	if err == nil {
		data, err = dir.ReadFile(settingsFile, maxSettings)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &settings{}, nil
	}
	if err != nil {
		return nil, home.Error(err)
	}
	s := &settings{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, &russet.Error{
			Kind:  russet.Damaged,
			Doing: fmt.Sprintf("read the settings in %q", filepath.Join(h.home.Dir, settingsFile)), What: err.Error(),
			Hint: "mend the file or move it away; backups do not depend on it (add their stores again with \"russet store add\")",
			Err:  err,
		}
	}
	return s, nil
}

// changeSettings lets change edit the settings while no other process can.
func (h *Host) changeSettings(ctx context.Context, change func(*settings) error) error {
	dir, err := h.home.Make()
	if err != nil {
		return err
	}
	lock, err := home.WaitLock(ctx, dir, "locks/settings.lock")
	if err != nil {
		return home.Error(err)
	}
	s, err := h.readSettings()
	if err == nil {
		err = change(s)
	}
	if err == nil {
		err = writeSettings(dir, s)
	}
	return errors.Join(err, lock.Unlock())
}

func writeSettings(dir *durable.Dir, s *settings) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write the settings: %w", err)
	}
	if err := dir.Replace(settingsFile, append(data, '\n'), 0o600); err != nil {
		return home.Error(err)
	}
	return nil
}
