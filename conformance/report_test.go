package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A row is one thing one client did.
type row struct {
	ladder, client, operation string
	exit                      int
	result, says              string
}

// ledger collects rows; tests run at the same time.
var ledger struct {
	sync.Mutex
	rows []row
}

// record writes an outcome into the report. It is called after the checks: a
// test that fails before it leaves no row, and a failed run writes no report.
func record(t *testing.T, ladder, client, operation string, o outcome, result string) {
	t.Helper()
	ledger.Lock()
	defer ledger.Unlock()
	ledger.rows = append(ledger.rows, row{ladder, client, operation, o.exit, result, lastLine(o.text)})
}

// lastLine is the last line a program printed that is not only progress.
func lastLine(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range slices.Backward(lines) {
		line = strings.Join(strings.Fields(line), " ")
		if line != "" && !strings.HasPrefix(line, "[=") && !strings.HasPrefix(line, "at ") {
			return line[:min(len(line), 110)]
		}
	}
	return ""
}

func version(name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return "not installed"
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return first
}

var ladders = []struct{ name, title, about string }{
	{"A", "Their hosts, our phone", "Programs written for real iPhones use the virtual one. It proves the phone believable."},
	{"B", "The same phone, backed up by idevicebackup2 and by russet", "The two folders are equal, file for file and row for row, but for dates, GUIDs, host names and random keys."},
	{"C", "Our folder, their hosts and readers", "What russet kept is restored and read by programs that never heard of it."},
	{"D", "Their folder, our reader", "russet imports, verifies and restores what other hosts made."},
	{"E", "Our vault, without russet", "Stock kopia and a Python script take backups out of a vault; other hosts restore them."},
}

func writeReport(file string) error {
	ledger.Lock()
	defer ledger.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "# Conformance\n\nWritten by the suite on %s: `go test ./conformance -update` after `./conformance/install`. Do not edit.\n\n", time.Now().UTC().Format(time.DateOnly))
	fmt.Fprintf(&b, "Clients: %s (Debian %s); pymobiledevice3 %s; kopia %s; readers %s. No real iPhone is within reach of these tests; what is unproven for that reason stands in [doubts](doubts.md).\n",
		version("idevicebackup2", "--version"), version("dpkg-query", "-W", "-f", "${Version}", "libimobiledevice-utils"),
		version("pymobiledevice3", "version"), version("kopia", "--version"), readerVersions())
	slices.SortStableFunc(ledger.rows, func(a, b row) int {
		return strings.Compare(a.ladder+a.client, b.ladder+b.client)
	})
	for _, l := range ladders {
		fmt.Fprintf(&b, "\n## %s. %s\n\n%s\n\n| client | operation | exit | it says | result |\n|---|---|---|---|---|\n", l.name, l.title, l.about)
		for _, r := range ledger.rows {
			if r.ladder == l.name {
				fmt.Fprintf(&b, "| %s | %s | %d | %s | %s |\n", r.client, r.operation, r.exit, cell(r.says), r.result)
			}
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

func cell(s string) string { return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(s) }

func readerVersions() string {
	py := os.Getenv("RUSSET_PYTHON")
	if py == "" {
		return "not installed"
	}
	return version(py, "-c", "from importlib.metadata import version as v; print(', '.join(f'{p} {v(p)}' for p in ('iphone_backup_decrypt', 'pyiosbackup')))")
}
