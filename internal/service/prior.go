package service

import (
	"time"

	"russet"
	"russet/internal/schedule"
)

// asGood is how much older a backup in a vault may be to be as good a way back
// as the newest one in a folder.
const asGood = 2 * 24 * time.Hour

// prior is the backup that leads back to the iOS a device had until now: its
// newest one, if possible in a vault, where the next one leaves it alone. Its ID
// is empty if there is none. Service.mu is held.
func (s *Service) prior(udid russet.UDID) prior {
	var last, stays russet.Backup
	for _, sh := range s.shelves {
		b := sh.newest(udid, s.states[udid])
		if b == nil {
			continue
		}
		if b.Time.After(last.Time) {
			last = *b
		}
		if sh.vault && b.Time.After(stays.Time) {
			stays = *b
		}
	}
	if last.Archived {
		return prior{} // somebody thought of it before
	}
	if stays.ID != "" && last.Time.Sub(stays.Time) <= asGood {
		return prior{ID: stays.ID}
	}
	return prior{ID: last.ID, Store: last.Store, Since: s.now()}
}

// until is how long that backup is left as it is; zero if it stays anyway.
func (p prior) until() time.Time {
	if p.Since.IsZero() || p.ID == "" {
		return time.Time{}
	}
	return p.Since.Add(schedule.HoldFor)
}

// held is until when the newest backup in a store must not be replaced: its
// owner was told to archive it, and has not.
func (sh *shelf) held(st *state) time.Time {
	if st.Prior.Store != sh.name || sh.vault {
		return time.Time{}
	}
	for _, b := range sh.backups[st.Device.UDID] {
		if b.ID == st.Prior.ID && !b.Archived {
			return st.Prior.until()
		}
	}
	return time.Time{}
}
