package drafts

import "russet"

// MaxStrikes: the first time a device stumbles over what it was offered the next
// run starts from the last finished backup, the second time from nothing.
const MaxStrikes = 2

// strikes remembers how often in a row a device stumbled.
type strikes struct {
	Count int `json:"count"`
}

func (b Books) deviceFile(device russet.UDID) string {
	return b.path(devicesDir, string(device)+".json")
}

// Strikes is how often in a row a device stumbled over what it was offered.
func (b Books) Strikes(device russet.UDID) int {
	var st strikes
	if err := b.Folder.ReadJSON(b.deviceFile(device), maxNote, &st); err != nil {
		return 0
	}
	return st.Count
}

// Strike adds one.
func (b Books) Strike(device russet.UDID) error {
	return b.Folder.ReplaceJSON(b.deviceFile(device), strikes{Count: min(b.Strikes(device)+1, MaxStrikes)}, 0o600)
}

// Absolve forgets them.
func (b Books) Absolve(device russet.UDID) error { return b.Folder.Remove(b.deviceFile(device)) }
