package host

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// localtime is where Unix systems keep the time zone of the computer.
const localtime = "/etc/localtime"

// zoneAge is how old what is known of the time zone may be.
const zoneAge = 30 * time.Second

// zone is the time zone of the computer as it is set now. A program reads it
// once, when it starts; a laptop travels, and its owner sleeps where it is.
type zone struct {
	file string

	mu    sync.Mutex
	at    time.Time // when it was looked at
	mark  string    // by which a change is noticed
	place *time.Location
}

// Zone is the time zone of the computer as it is set now.
func (h *Host) Zone() *time.Location { return h.zone.now() }

// now is the zone. Where it cannot be read it is the one of the start.
func (z *zone) now() *time.Location {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.place != nil && time.Since(z.at) < zoneAge {
		return z.place
	}
	z.at = time.Now()
	mark := z.look()
	if z.place != nil && mark == z.mark {
		return z.place
	}
	if z.place == nil {
		z.mark, z.place = mark, time.Local
		return z.place
	}
	data, err := os.ReadFile(z.file)
	if err != nil {
		return z.place
	}
	if place, err := time.LoadLocationFromTZData("Local", data); err == nil {
		z.mark, z.place = mark, place // while it cannot be read, it is tried again
	}
	return z.place
}

// look tells zones apart without reading them; "" where they cannot change.
func (z *zone) look() string {
	if _, set := os.LookupEnv("TZ"); set {
		return ""
	}
	info, err := os.Stat(z.file)
	if err != nil {
		return ""
	}
	target, err := os.Readlink(z.file)
	if err != nil {
		target = z.file
	}
	return fmt.Sprint(target, info.ModTime().UnixNano(), info.Size())
}
