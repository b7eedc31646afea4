package reach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"

	"russet"
	"russet/device"
	"russet/device/lockdown"
)

// A phone that is there and cannot be used is refused with what it said, not as
// one that was never paired.
func TestUnusable(t *testing.T) {
	refusal := func(c lockdown.Code) error {
		return fmt.Errorf("open: %w", &lockdown.Error{Request: "StartSession", Code: c})
	}
	ds := &Devices{}
	for _, c := range []struct {
		way  string
		err  error
		kind russet.Kind
		hint string // a word of the next step
	}{
		{overNetwork, refusal(lockdown.PasswordProtected), russet.Locked, "passcode"},
		{overNetwork, refusal(lockdown.EscrowLocked), russet.Locked, "passcode"},
		{overNetwork, refusal(lockdown.InvalidHostID), russet.NotTrusted, "cable"},
		{overNetwork, refusal(lockdown.ServiceLimit), russet.Busy, "Finder"},
		{overNetwork, refusal(lockdown.MCProtected), russet.Unsupported, "manages"},
		{overNetwork, refusal("Xyzzy"), russet.Failed, "restart the phone"},
		{overNetwork, fmt.Errorf("session: %w", lockdown.ErrImpostor), russet.NotTrusted, "pair"},
		{overNetwork, fmt.Errorf("%w: %w", lockdown.ErrUntrusted, io.EOF), russet.NotConnected, "forgotten"},
		{overNetwork, fmt.Errorf("dial: %w", context.DeadlineExceeded), russet.NotConnected, "Wi-Fi"},
		{overNetwork, errors.New("dial: no route to host"), russet.NotConnected, "Wi-Fi"},
		{overNetwork, errOther, russet.NotConnected, "Wi-Fi"},
		{overCable, fs.ErrNotExist, russet.NotTrusted, "russet pair"},
		{overCable, fmt.Errorf("%w: %w", lockdown.ErrUntrusted, io.EOF), russet.NotTrusted, "russet pair"},
		{overCable, refusal(lockdown.PasswordProtected), russet.Locked, "passcode"},
		{overCable, context.DeadlineExceeded, russet.NotConnected, "plug"},
		{overCable, fmt.Errorf("no answer within 30s: %w", os.ErrDeadlineExceeded), russet.NotConnected, "plug"},
		{overCable, &lockdown.Error{Request: "GetValue", Subject: "DevicePublicKey", Code: lockdown.GetProhibited}, russet.Failed, "restart the phone"},
		{overNetwork, &lockdown.Error{Request: "GetValue", Subject: "DevicePublicKey", Code: lockdown.GetProhibited}, russet.NotTrusted, "cable"},
		{overNetwork, refusal(lockdown.GetProhibited), russet.Failed, "restart the phone"},
	} {
		s := Sighting{Device: russet.Device{UDID: "U", Name: "Anna", Connection: c.way}, err: c.err}
		err := ds.Unusable(s, "back it up")
		if e, ok := errors.AsType[*russet.Error](err); !ok || e.Kind != c.kind || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s, %v: %#v", c.way, c.err, err)
		}
		if c.way == overNetwork && answered(c.err) && strings.Contains(networkProblem(c.err), "does not answer") {
			t.Errorf("it did answer: %q", networkProblem(c.err))
		}
	}
	for _, s := range []Sighting{
		{Device: russet.Device{Name: "Anna", Connection: overCable}, err: errors.New("not a property list"), unread: true},
		{Device: russet.Device{Name: "Anna", Connection: overCable}},
	} {
		if err := ds.Unusable(s, "back it up"); russet.KindOf(err) != russet.NotTrusted {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// Of several addresses of a phone the one where it answered counts.
func TestTheTellingAddress(t *testing.T) {
	w := []*wanted{{udid: "U"}}
	dead := try{lead{host: "10.0.0.1", instance: "i", clue: byMAC, who: w}, errors.New("no route to host")}
	said := try{lead{host: "10.0.0.2", instance: "i", clue: byMAC, who: w}, &lockdown.Error{Request: "StartSession", Code: lockdown.ServiceLimit}}
	sv := survey{tries: []try{dead, said}}
	sv.addTroubled()
	if len(sv.seen) != 1 || sv.seen[0].Address != said.host {
		t.Errorf("%+v", sv.seen)
	}
}

// hangsUp is a way to a device that breaks some times before it leads there.
type hangsUp struct {
	device.Dialer
	times int
}

func (d *hangsUp) DialPort(ctx context.Context, port uint16) (net.Conn, error) {
	if d.times--; d.times < 0 {
		return d.Dialer.DialPort(ctx, port)
	}
	ours, theirs := net.Pipe()
	_ = theirs.Close()
	return ours, nil
}

// A phone on the network that hangs up once is asked again; one that does so for
// good is not.
func TestSessionOnceMore(t *testing.T) {
	t.Parallel()
	ds := devicesIn(t, t.TempDir())
	_, anna := onNetwork(t, 120)
	for times, want := range map[int]russet.Kind{0: 0, 1: 0, 2: russet.NotConnected} {
		s := Sighting{
			Device: russet.Device{UDID: anna.udid, Connection: overNetwork}, record: anna.records[0],
			way: &hangsUp{device.Network{Host: lair(120).String()}, times},
		}
		_, end, err := ds.Session(t.Context(), s, "look")
		if russet.KindOf(err) != want {
			t.Errorf("%d times: %v", times, err)
		}
		if err == nil {
			end()
		}
	}
}
