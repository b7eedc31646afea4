package devicelink_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"russet/device/devicelink"
	"russet/internal/plist"
)

// pipe is connect without a deadline, for use in a bubble.
func pipe(t *testing.T) (*phone, *devicelink.Conn) {
	theirs, ours := net.Pipe()
	t.Cleanup(func() { _ = theirs.Close(); _ = ours.Close() })
	p := &phone{t: t, conn: theirs}
	p.in = newReader(theirs)
	return p, devicelink.NewConn(ours, slog.New(slog.DiscardHandler))
}

func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDir(t)
		p, c := pipe(t)
		done := serve(t.Context(), c, devicelink.Service{Files: d})
		time.Sleep(34 * time.Minute) // the passcode sheet
		p.ask("DLMessageCreateDirectory", udid)
		for range 3 {
			time.Sleep(14 * time.Minute) // a scan, a verification
			p.ask("DLMessageCreateDirectory", udid)
		}
		p.send(list{"DLMessageUploadFiles", plist.Dict{}, 40.0, 100})
		for _, b := range new(batch).file(udid+"/slow", "sip").end()[:40] {
			time.Sleep(10 * time.Minute)
			p.write([]byte{b})
		}
		start := time.Now()
		lost, ok := errors.AsType[*devicelink.LostError]((<-done).err)
		if !ok || lost.Silent != devicelink.IdleLimit {
			t.Errorf("ends with %v", lost)
		}
		if waited := time.Since(start); waited < 15*time.Minute || waited > 16*time.Minute {
			t.Errorf("gives up after %v", waited)
		}
	})
}

func TestPatienceBeforeTheFirstRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := pipe(t)
		start := time.Now()
		got := <-serve(t.Context(), c, devicelink.Service{Files: newDir(t)})
		if waited := time.Since(start); waited < 35*time.Minute || waited > 36*time.Minute {
			t.Errorf("gives up after %v: %v", waited, got.err)
		}
	})
}

// A cancelled run stops at once, says goodbye and keeps what is whole.
func TestCancel(t *testing.T) {
	waits := map[string]func(*phone){
		"before a request":   func(*phone) {},
		"between two files":  func(p *phone) { upTo(p, new(batch).file(udid+"/whole", "1")) },
		"in a name":          func(p *phone) { upTo(p, &batch{[]byte{0, 0, 0, 9, 'x'}}) },
		"in a frame":         func(p *phone) { upTo(p, &batch{begun("half")}) },
		"before the end":     func(p *phone) { upTo(p, new(batch).name("/x").name(udid+"/torn").frame(0x0C, "half")) },
		"within a message":   func(p *phone) { p.write([]byte{0, 0, 1, 0, 'b', 'p'}) },
		"while it downloads": func(p *phone) { p.send(list{"DLMessageDownloadFiles", list{udid + "/big"}, plist.Dict{}, 0.0, 0}) },
	}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			d := newDir(t)
			d.put(t, udid+"/big", strings.Repeat("x", 1<<20))
			p, c := connect(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			stopped := errors.New("stopped by the owner")
			done := serve(ctx, c, devicelink.Service{Files: d})
			wait(p)
			go cancel(stopped)
			rest := make(chan []byte, 1)
			go func() {
				b, _ := io.ReadAll(p.in) // what the host still says
				rest <- b
			}()
			if got := <-done; !errors.Is(got.err, stopped) {
				t.Errorf("Serve = %v", got.err)
			}
			c.Disconnect()
			if said := string(<-rest); !strings.Contains(said, "DLMessageDisconnect") {
				t.Errorf("the last %d bytes are no goodbye", len(said))
			}
			got := d.files(t)
			if _, torn := got[udid+"/torn"]; torn || len(got) > 3 {
				t.Errorf("there are %d files", len(got))
			}
		})
	}
}

func upTo(p *phone, u *batch) {
	p.send(list{"DLMessageUploadFiles", plist.Dict{}, 40.0, 100})
	p.write(u.b)
}

// begun is a file that stops within a frame.
func begun(data string) []byte {
	u := new(batch).name("/x").name(udid + "/torn").b
	u = binary.BigEndian.AppendUint32(u, 1<<20)
	return append(append(u, 0x0C), data...)
}

// A length is only a claim: nothing is allocated for it.
func TestHostileLengths(t *testing.T) {
	big := binary.BigEndian.AppendUint32(nil, 64<<20)
	upload := func(rest ...byte) func(*phone) {
		return func(p *phone) { upTo(p, &batch{rest}) }
	}
	host := new(batch).name("/x").name(udid + "/x").b
	tests := map[string]func(*phone){
		"message of 4 GiB":    func(p *phone) { p.write([]byte{0xFF, 0xFF, 0xFF, 0xFF}) },
		"message of 64 MiB":   func(p *phone) { p.write(append(big, "bplist00"...)) },
		"message of nothing":  func(p *phone) { p.write([]byte{0, 0, 0, 0}) },
		"device path":         upload(0xFF, 0, 0, 0),
		"host path":           upload(0, 0, 0, 1, 'x', 0xFF, 0, 0, 0),
		"frame of 4 GiB":      upload(append(host, 0xFF, 0xFF, 0xFF, 0xFF, 0x0C)...),
		"frame of 64 MiB":     upload(append(host, append(big, 0x0C, 'x')...)...),
		"frame of nothing":    upload(append(host, 0, 0, 0, 0)...),
		"error text, endless": upload(append(host, append(big, 0x0B, 'x')...)...),
		"half a length":       upload(0, 0),
	}
	for name, say := range tests {
		t.Run(name, func(t *testing.T) {
			p, c := connect(t)
			done := serve(t.Context(), c, devicelink.Service{Files: newDir(t)})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			say(p)
			_ = p.conn.Close()
			got := <-done
			runtime.ReadMemStats(&after)
			if !errors.As(got.err, new(*devicelink.LostError)) && !errors.As(got.err, new(*devicelink.ProtocolError)) {
				t.Errorf("Serve = %v", got.err)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
				t.Errorf("%d bytes were allocated", grown)
			}
		})
	}
}
