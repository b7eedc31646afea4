package host

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"russet/internal/home"
)

// tzif is a zone without summer time, as in /etc/localtime (RFC 9636).
func tzif(offset time.Duration) []byte {
	data := append([]byte("TZif"), make([]byte, 16)...)
	for _, count := range []uint32{0, 0, 0, 0, 1, 4} { // one type, and four letters
		data = binary.BigEndian.AppendUint32(data, count)
	}
	data = binary.BigEndian.AppendUint32(data, uint32(offset/time.Second))
	return append(data, 0, 0, 'A', 'B', 'C', 0)
}

// TestZone: a service notices that its computer is in another time zone.
func TestZone(t *testing.T) {
	if tz, set := os.LookupEnv("TZ"); set {
		if err := os.Unsetenv("TZ"); err != nil {
			t.Fatal(err)
		}
		defer os.Setenv("TZ", tz)
	}
	file := filepath.Join(t.TempDir(), "localtime")
	write := func(data []byte, at time.Time) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write(tzif(time.Hour), time.Unix(1_000_000_000, 0))
	host := Open(Options{Home: home.Place{Dir: t.TempDir()}})
	z := host.zone
	z.file = file
	if z.now() != time.Local {
		t.Errorf("at first: %v", z.now())
	}
	hour := func() int {
		z.at = time.Time{} // a while later
		return time.Unix(0, 0).In(z.now()).Hour()
	}
	was := hour()
	write(tzif(5*time.Hour), time.Unix(1_000_000_001, 0))
	if h := hour(); h != 5 {
		t.Errorf("five hours to the east it is %d o'clock", h)
	}
	write(make([]byte, len(tzif(0))), time.Unix(1_000_000_002, 0)) // just being written
	if h := hour(); h != 5 {
		t.Errorf("when it cannot be read it is %d o'clock; at first it was %d", h, was)
	}
	write(tzif(7*time.Hour), time.Unix(1_000_000_002, 0))
	if h := hour(); h != 7 {
		t.Errorf("when it can be read again it is %d o'clock, not 7", h)
	}
	// What people are told, and which day a backup is of, goes by that.
	if _, offset := host.now().Zone(); offset != 7*60*60 || host.Zone() != z.place {
		t.Errorf("the host's clock is %d s to the east, its zone %v", offset, host.Zone())
	}
}
