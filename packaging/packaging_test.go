// Package packaging_test lets other programs judge how russet is started with a
// computer.
package packaging_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tool finds a program, or skips what it would judge.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// TestUnits asks systemd about the units, with a program in russet's place that
// is there. exposed is how much systemd may find open, 0 to 100.
func TestUnits(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	for _, c := range []struct {
		unit, exposed string
		flags         []string
	}{
		{"systemd/russet.service", "15", nil},
		{"systemd/user/russet.service", "70", []string{"--user"}},
	} {
		dir := t.TempDir()
		unit := filepath.Join(dir, "russet.service")
		text := strings.Replace(read(t, c.unit), "/usr/local/bin/russet", "/bin/true", 1)
		if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"verify", "--man=no"}, {"security", "--offline=yes", "--threshold=" + c.exposed},
		} {
			cmd := exec.Command(analyze, append(append(args, c.flags...), unit)...)
			cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "SYSTEMD_PAGER=")
			out, err := cmd.CombinedOutput()
			if err != nil || args[0] == "verify" && len(out) > 0 {
				t.Errorf("%s: %s: %v\n%s", c.unit, args[0], err, out)
			}
		}
	}
}

// TestLaunchd lets plutil or Python read the property list.
func TestLaunchd(t *testing.T) {
	const name = "launchd/net.russet.serve.plist"
	if plutil, err := exec.LookPath("plutil"); err == nil {
		if out, err := exec.Command(plutil, "-lint", name).CombinedOutput(); err != nil {
			t.Errorf("plutil: %v\n%s", err, out)
		}
	}
	out, err := exec.Command(tool(t, "python3"), "-c", `import plistlib, sys
p = plistlib.load(open(sys.argv[1], "rb"))
print(p["Label"], p["ProgramArguments"][2], p["KeepAlive"], p["ExitTimeOut"] > 90)`, name).CombinedOutput()
	want := `net.russet.serve exec /usr/local/bin/russet serve >>"$HOME/Library/Logs/russet.log" 2>&1 {'SuccessfulExit': False} True`
	if got := strings.TrimSpace(string(out)); err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestTask reads the task for Windows as XML. Task Scheduler gets it as UTF-16,
// whatever the file was in: it must name no encoding, nor need one.
func TestTask(t *testing.T) {
	task := read(t, "windows/russet.xml")
	if !strings.HasPrefix(task, "<?xml version=\"1.0\"?>") || strings.ContainsFunc(task, func(r rune) bool { return r > '~' }) {
		t.Errorf("schtasks would take its first line for a fault: %.60q", task)
	}
	decoder := xml.NewDecoder(strings.NewReader(task))
	texts := map[string]string{}
	name := ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name = token.Name.Local
		case xml.CharData:
			texts[name] += strings.TrimSpace(string(token))
		}
	}
	if texts["Arguments"] != `--headless "%LocalAppData%\Programs\russet\russet.exe" serve` || texts["ExecutionTimeLimit"] != "PT0S" {
		t.Errorf("got %q", texts)
	}
}

// TestContainer: what is copied is there, and Docker understands the rest where
// it is installed.
func TestContainer(t *testing.T) {
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-\n].*) \S+$`).FindAllStringSubmatch(read(t, "container/Containerfile"), -1) {
		for _, name := range strings.Fields(m[1]) {
			if _, err := os.Stat(filepath.Join("..", name)); err != nil {
				t.Error(err)
			}
		}
	}
	docker := tool(t, "docker")
	if exec.Command(docker, "compose", "version").Run() != nil {
		t.Skip("docker has no compose")
	}
	if out, err := exec.Command(docker, "compose", "-f", "container/compose.yaml", "config", "--quiet").CombinedOutput(); err != nil {
		t.Errorf("docker compose: %v\n%s", err, out)
	}
}

// TestDocs: what docs/service.md tells people to copy is there, and copied into
// folders that are made where a bare system has none.
func TestDocs(t *testing.T) {
	text := read(t, "../docs/service.md")
	for _, name := range regexp.MustCompile(`packaging[/\\][\w./\\-]+`).FindAllString(text, -1) {
		if _, err := os.Stat(filepath.Join("..", strings.ReplaceAll(name, `\`, "/"))); err != nil {
			t.Error(err)
		}
	}
	for _, line := range strings.Split(text, "\n") {
		for _, dir := range []string{"/etc/sysusers.d/", "/etc/polkit-1/rules.d/", "~/.config/systemd/user/"} {
			if strings.Contains(line, " "+dir) && !strings.Contains(line, "install -D") && !strings.Contains(line, "mkdir -p") {
				t.Errorf("%s is not on every system: %s", dir, line)
			}
		}
	}
}

// TestTrial: the trial with a real systemd is no part of the tests, and must not
// rot for that.
func TestTrial(t *testing.T) {
	if out, err := exec.Command(tool(t, "bash"), "-n", "try-systemd").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, name := range regexp.MustCompile(`/units/([\w./]+)`).FindAllStringSubmatch(read(t, "try-systemd"), -1) {
		if _, err := os.Stat(filepath.Join("systemd", name[1])); err != nil {
			t.Error(err)
		}
	}
}

// TestAlerts lets promtool play what the service tells, and see which alerts
// fire. Every metric they ask for is one that the service has.
func TestAlerts(t *testing.T) {
	const rules = "prometheus/russet.rules.yml"
	source := read(t, "../internal/service/metrics.go")
	for _, name := range regexp.MustCompile(`russet_([a-z_]+)`).FindAllStringSubmatch(read(t, rules), -1) {
		if !strings.Contains(source, `desc("`+name[1]+`"`) {
			t.Errorf("there is no metric %s", name[0])
		}
	}
	promtool := tool(t, "promtool")
	for _, args := range [][]string{{"check", "rules", rules}, {"test", "rules", "prometheus/russet.test.yml"}} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", args[0], err, out)
		}
	}
}
