package conformance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"russet/vphone/disk"
)

const (
	stockKopia    = "kopia"
	vaultPassword = "the vault's own password"
)

// TestStockKopia leaves russet: two days of a phone go into a vault, and from
// then on only kopia, Python and other people's hosts are used.
func TestStockKopia(t *testing.T) {
	t.Parallel()
	need(t, stockKopia, "python3", "openssl", "idevicepair", "idevicebackup2", pmd3)
	for name, password := range map[string]string{"plain": "", "encrypted": "pass"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, 71, false)
			if err := l.phone.SetBackupPassword(password); err != nil {
				t.Fatal(err)
			}
			vault, days := fillVault(t, l, password)
			k := connectKopia(t, vault)
			k.step(t, "snapshot verify, every byte, "+name, "snapshot", "verify", "--verify-files-percent=100")
			snapshots := k.list(t, l.udid())
			if len(snapshots) != len(days) {
				t.Fatalf("kopia lists %d snapshots, want %d", len(snapshots), len(days))
			}
			var rebuilt string
			for i, day := range days {
				tree := filepath.Join(t.TempDir(), "tree")
				k.step(t, fmt.Sprintf("restore of day %d, %s", i+1, name), "restore", snapshots[i].Root.Object, tree)
				equalOwnersFiles(t, tree, day.files)
				rebuilt = t.TempDir()
				o := getFilesBy(t, filepath.Join(tree, "russet", "get-files.py"), false, "--rebuild", tree, rebuilt)
				must(t, "get-files --rebuild", o, 0, " 0 missing or damaged")
				identical(t, filepath.Join(day.export, l.udid()), filepath.Join(rebuilt, l.udid()))
				record(t, "E", "get-files.py", fmt.Sprintf("--rebuild of day %d, %s", i+1, name), o, "the same bytes as russet's export")
			}
			last := days[len(days)-1].export
			elsewhere(t, l, name, password, last, rebuilt)
		})
	}
}

// vaultDay is a backup in the vault, and what it should hold.
type vaultDay struct {
	export string            // by russet, with the phone's folder in it
	files  map[string]string // DOMAIN/PATH → SHA-256 of what the phone held
}

// fillVault backs a phone up on two days and exports both backups.
func fillVault(t *testing.T, l *lab, password string) (vault string, days []vaultDay) {
	t.Helper()
	dir := t.TempDir()
	vault = filepath.Join(dir, "vault")
	secrets := map[string]string{"vault": vaultPassword, "backup": password}
	for name, secret := range secrets {
		secrets[name] = filepath.Join(dir, name+"-password")
		if err := os.WriteFile(secrets[name], []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	step := func(args ...string) outcome {
		t.Helper()
		o := l.russet(t, args...)
		must(t, "russet "+strings.Join(args, " "), o, 0)
		return o
	}
	step("store", "add", "lab", "vault:"+vault, "--vault-password-file", secrets["vault"])
	step("pair", l.udid())
	for day := range 2 {
		if day > 0 {
			l.live(t, day)
		}
		args := []string{"backup", l.udid()}
		if password != "" {
			args = append(args, "--password-file", secrets["backup"])
		}
		step(args...)
		d := vaultDay{export: filepath.Join(dir, fmt.Sprintf("export-%d", day)), files: ownersFiles(t, l, password != "")}
		step("export", "latest", d.export)
		days = append(days, d)
	}
	return vault, days
}

// ownersFiles hashes what is on the phone and belongs into a backup.
func ownersFiles(t *testing.T, l *lab, encrypted bool) map[string]string {
	t.Helper()
	files := map[string]string{}
	flash := l.phone.Disk()
	err := flash.Walk(func(e *disk.Entry) error {
		if e.Kind != disk.File || e.EncryptedOnly && !encrypted {
			return nil
		}
		r, err := flash.Open(e.Domain, e.Path)
		if err != nil {
			return err
		}
		defer r.Close()
		h := sha256.New()
		n, err := io.Copy(h, r)
		// A file that is only in iCloud has no bytes to get.
		if err == nil && (n > 0 || e.ScanSize == 0) {
			files[e.Domain+"/"+e.Path] = hex.EncodeToString(h.Sum(nil))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// stock is a kopia that is connected to a vault, in a home of its own.
type stock struct{ home, password string }

// connectKopia opens the vault's keys with the script that lies in the vault
// and connects, on a computer that has never seen russet.
func connectKopia(t *testing.T, vault string) *stock {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", filepath.Join(vault, "russet.open-keys.py.f"), filepath.Join(vault, "russet.keys.f"))
	cmd.Stdin = strings.NewReader(vaultPassword + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("open-keys.py: %v\n%s", err, out)
	}
	k := &stock{home: t.TempDir(), password: strings.TrimSpace(string(out))}
	k.step(t, "repository connect", "repository", "connect", "filesystem", "--path", vault)
	return k
}

func (k *stock) run(t *testing.T, args ...string) outcome {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), stockKopia, args...)
	cmd.Env = []string{
		"HOME=" + k.home, "PATH=" + os.Getenv("PATH"), "KOPIA_PASSWORD=" + k.password,
		"KOPIA_CHECK_FOR_UPDATES=false", "KOPIA_PERSIST_CREDENTIALS_ON_CONNECT=false",
	}
	out, err := cmd.CombinedOutput()
	o := outcome{text: string(out)}
	if cmd.ProcessState == nil {
		t.Fatalf("kopia: %v", err)
	}
	o.exit = cmd.ProcessState.ExitCode()
	return o
}

func (k *stock) step(t *testing.T, operation string, args ...string) {
	t.Helper()
	o := k.run(t, args...)
	must(t, "kopia "+strings.Join(args, " "), o, 0)
	record(t, "E", stockKopia, operation, o, "ok")
}

// snapshot is what kopia says about one.
type snapshot struct {
	Source struct {
		Path string `json:"path"`
	} `json:"source"`
	Root struct {
		Object string `json:"obj"`
	} `json:"rootEntry"`
	Incomplete string `json:"incomplete"`
}

// list lists the phone's snapshots, oldest first.
func (k *stock) list(t *testing.T, udid string) []snapshot {
	t.Helper()
	must(t, "kopia snapshot list --all", k.run(t, "snapshot", "list", "--all"), 0, "russet@vault:/"+udid)
	o := k.run(t, "snapshot", "list", "--all", "--json")
	must(t, "kopia snapshot list --all --json", o, 0)
	var all []snapshot
	if err := json.Unmarshal([]byte(o.text), &all); err != nil {
		t.Fatalf("kopia's list: %v\n%s", err, clip(o.text))
	}
	for _, s := range all {
		if s.Source.Path != "/"+udid || s.Incomplete != "" {
			t.Errorf("kopia lists %+v", s)
		}
	}
	record(t, "E", stockKopia, "snapshot list --all", o, fmt.Sprintf("%d snapshots", len(all)))
	return all
}

// equalOwnersFiles has get-files.py write the owner's files and compares them
// with what was on the phone.
func equalOwnersFiles(t *testing.T, restored string, want map[string]string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "files")
	o := getFilesBy(t, filepath.Join(restored, "russet", "get-files.py"), false, restored, out)
	must(t, "get-files", o, 0, " 0 not decrypted, 0 missing or damaged")
	for name, sum := range want {
		data, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Errorf("get-files did not write %q", name)
		} else if sha(data) != sum {
			t.Errorf("get-files wrote %d other bytes to %q", len(data), name)
		}
	}
	written := 0
	for name, size := range tree(t, out) {
		if size >= 0 {
			written++
			if _, ok := want[name]; !ok {
				t.Errorf("get-files wrote %q, which was not on the phone", name)
			}
		}
	}
	record(t, "E", "get-files.py", "the owner's files", o, fmt.Sprintf("%d files equal those on the phone", written))
}

// identical compares two folders bit by bit. Empty folders mean nothing.
func identical(t *testing.T, a, b string) {
	t.Helper()
	x, y := tree(t, a), tree(t, b)
	for name, size := range x {
		switch other, ok := y[name]; {
		case size < 0:
		case !ok || other != size:
			t.Errorf("%q has %d bytes in russet's export and %d (%v) in the rebuilt folder", name, size, other, ok)
		case !sameFile(t, filepath.Join(a, name), filepath.Join(b, name)):
			t.Errorf("%q differs", name)
		}
	}
	for name, size := range y {
		if _, ok := x[name]; !ok && size >= 0 {
			t.Errorf("the rebuilt folder has %q, which russet's export lacks", name)
		}
	}
}

// elsewhere has other hosts restore what came out of the vault: russet's
// export, and the folder that was rebuilt without russet.
func elsewhere(t *testing.T, l *lab, name, password, export, rebuilt string) {
	t.Helper()
	blank := newLab(t, 72, true)
	must(t, "pair", blank.run(t, "idevicepair", "-u", blank.udid(), "pair"), 0)
	o := blank.limRestore(t, l.udid(), password, rebuilt)
	same(t, l, blank, compareRestored(password))
	record(t, "E", "idevicebackup2", "restore of what get-files.py rebuilt, "+name, o, "the restored phone equals the original")

	blank = newLab(t, 73, true)
	must(t, "pair", blank.pmd3(t, "lockdown", "pair"), 0)
	o = blank.pmd3Restore(t, l.udid(), password, export)
	same(t, l, blank, compareRestored(password))
	record(t, "E", pmd3, "restore of a vault's export, "+name, o, "the restored phone equals the original")
}
