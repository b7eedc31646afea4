package agent_test

import (
	"errors"
	"io"
	"os"
	"strconv"
	"testing"

	"russet/vphone/agent"
)

func interrupt(t *testing.T, p *phone, h *host) {
	t.Helper()
	response, err := session(p, h, map[string]any{"MessageName": "Backup", "TargetIdentifier": udid})
	if err == nil {
		t.Fatalf("the backup went through: %v", response)
	}
}

// TestDropBetweenFilesResumes counts what is sent again: nothing the host has
// acknowledged.
func TestDropBetweenFilesResumes(t *testing.T) {
	for _, password := range []string{"", "secret"} {
		p, h := newPhone(t), newHost(t)
		p.password = password
		p.furnish(700)
		set(t, p, "drop-between", "500")
		interrupt(t, p, h)
		first := sentFiles(p)
		backup(t, p, h)
		all := countFiles(t, p, func(e *entry) bool { return password != "" || plain(e) })
		again := sentFiles(p) - all
		if first < 384 || again > 128 {
			t.Errorf("password %q: %d files sent at first, %d twice, want at most a batch", password, first, again)
		}
		check(t, p, h)
	}
}

// TestDropAnywhere cuts the connection around every kind of message of a small
// backup, then backs up again: the result must be whole each time.
func TestDropAnywhere(t *testing.T) {
	t.Run("first", func(t *testing.T) {
		t.Parallel()
		dropEverywhere(t, "", false)
	})
	t.Run("next, encrypted", func(t *testing.T) {
		t.Parallel()
		dropEverywhere(t, "secret", true)
	})
}

func dropEverywhere(t *testing.T, password string, base bool) {
	p, h := newPhone(t), newHost(t)
	p.password = password
	p.furnish(10)
	if base {
		backup(t, p, h)
		p.put("AppDomainGroup-group.example", "files/00003.bin", "changed", touch)
		p.put("HomeDomain", "Library/new", "new", nil)
		if err := p.disk.Remove("AppDomainGroup-group.example", "files/00004.bin"); err != nil {
			t.Fatal(err)
		}
	}
	keys := p.cache // with the derived keys, and nothing else of use
	whole := h.copy()
	backup(t, p, whole)
	tried := 0
	for _, n := range turns(whole.seen) {
		p.cache = t.TempDir()
		if err := os.CopyFS(p.cache, os.DirFS(keys)); err != nil {
			t.Fatal(err)
		}
		h := h.copy()
		set(t, p, "drop-message", strconv.Itoa(n))
		interrupt(t, p, h)
		backup(t, p, h)
		check(t, p, h)
		tried++
		if t.Failed() {
			t.Fatalf("after a drop at message %d", n)
		}
	}
	if tried < 15 {
		t.Errorf("only %d points were tried", tried)
	}
}

// turns are the numbers of the messages at which a session does something it
// has not just done: in turn a request and the answer to one.
func turns(requests []string) []int {
	const before = 6 // messages up to the command
	numbers := []int{2, 5, 6}
	for i, name := range requests[:len(requests)-1] {
		if name == requests[i+1] && (name == "DLContentsOfDirectory" || name == "DLMessageCreateDirectory") {
			continue
		}
		numbers = append(numbers, before+2*i+1+i%2)
	}
	return numbers
}

func TestLostCacheStartsOver(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(300)
	set(t, p, "drop-between", "290")
	interrupt(t, p, h)
	p.faults.ResetCounters()
	set(t, p, "lose-cache", "on")
	backup(t, p, h)
	if n := sentFiles(p); n != countFiles(t, p, plain) {
		t.Errorf("%d files were sent, want all", n)
	}
	check(t, p, h)
}

// TestResumeChecksWhatIsListed: a file the host has lost, or holds half of, is
// sent again.
func TestResumeChecksWhatIsListed(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(300)
	set(t, p, "drop-between", "290")
	interrupt(t, p, h)
	// What was not acknowledged is sent again in any case.
	acknowledged := sentFiles(p)
	for name := range p.faults.Counters().Paths {
		if dir, leaf, err := h.root.parent(name); err == nil && len(leaf) == 40 && dir.children[leaf] != nil {
			delete(dir.children, leaf)
			break
		}
	}
	p.faults.ResetCounters()
	backup(t, p, h)
	if n, want := sentFiles(p), countFiles(t, p, plain)-acknowledged+1; n != want || acknowledged < 200 {
		t.Errorf("%d files were sent, want %d: those after the first %d, and the lost one", n, want, acknowledged)
	}
	check(t, p, h)
}

// TestChangedWhileInterrupted: what changed or vanished between the two halves
// of a run ends up as it is at the end.
func TestChangedWhileInterrupted(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.password = "secret"
	p.furnish(300)
	set(t, p, "drop-between", "290")
	interrupt(t, p, h)
	p.put("AppDomainGroup-group.example", "files/00005.bin", "changed", touch)
	if err := p.disk.Remove("AppDomainGroup-group.example", "files/00006.bin"); err != nil {
		t.Fatal(err)
	}
	backup(t, p, h)
	check(t, p, h)
}

func TestDropAtBytes(t *testing.T) {
	for _, name := range []string{"drop-sent", "drop-received"} {
		p, h := newPhone(t), newHost(t)
		p.furnish(200)
		set(t, p, name, "20000")
		interrupt(t, p, h)
		c := p.faults.Counters()
		if got := map[string]int64{"drop-sent": c.BytesSent, "drop-received": c.BytesReceived}[name]; got != 20000 {
			t.Errorf("%s: cut after %d bytes, want 20000", name, got)
		}
		backup(t, p, h)
		check(t, p, h)
	}
}

func TestRebootInTheMiddle(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(10)
	set(t, p, "reboot-message", "30")
	interrupt(t, p, h)
	if p.reboots != 1 {
		t.Errorf("%d reboots, want 1", p.reboots)
	}
	backup(t, p, h)
	check(t, p, h)
}

func TestLyingEnds(t *testing.T) {
	command := map[string]any{"MessageName": "Backup", "TargetIdentifier": udid}
	p, h := newPhone(t), newHost(t)
	p.furnish(10)
	set(t, p, "final-error", "104")
	want(t, p, h, command, 104)
	set(t, p, "none", "")
	p.faults.Update(func(c *agent.Config) { c.Rounds = [2]int{1000, 100} })
	set(t, p, "empty-success", "on")
	before := h.files(udid)
	want(t, p, h, command, 0)
	if len(h.files(udid)) != len(before) {
		t.Error("the empty success wrote something")
	}
	set(t, p, "empty-success", "off")
	set(t, p, "no-response", "on")
	if _, err := session(p, h, command); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a Disconnect was to be sent: %v", err)
	}
}
