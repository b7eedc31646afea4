package kit_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"russet/internal/secrets"
	"russet/internal/vault/keys"
	"russet/internal/vault/kit"
)

const password = "Schlüssel für den Apfelkeller"

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// needs makes sure that other people's program is there. Without it a test can
// only be left out; the gate requires it.
func needs(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("RUSSET_CLIENTS") == "require" {
		t.Fatalf("%s is required: %v", program, err)
	}
	if err != nil {
		t.Skipf("%s is not installed; see conformance/install", program)
	}
	return path
}

func output(t *testing.T, stdin, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", program, args, err, out, stderr.Bytes())
	}
	return string(out)
}

// vaultKeys is a keys file with its master and code.
func vaultKeys(t *testing.T) (data []byte, master, code secrets.Secret) {
	t.Helper()
	f, master := keys.New(keys.NewID())
	f.Lighten()
	check(t, f.AddPassword("", "some other password"))
	check(t, f.AddPassword("", password))
	code, err := f.NewRecoveryCode()
	check(t, err)
	data, err = f.Marshal()
	check(t, err)
	return data, master, code
}

func kitFor(p kit.Place, code secrets.Secret) kit.Kit {
	return kit.Kit{
		Store: "apples", Vault: keys.NewID(), Place: p, Code: code, Made: time.Date(2026, 11, 26, 1, 2, 3, 0, time.UTC),
	}
}

func places() map[string]kit.Place {
	return map[string]kit.Place{
		"folder": {Address: "vault:/srv/my apples", Kind: kit.Folder, Path: "/srv/my apples"},
		"s3": {
			Address: "vault:s3://cellar/phones/ours?endpoint=s3.example.org%3A9000&region=north&tls=off", Kind: kit.S3,
			Host: "s3.example.org", Port: 9000, Bucket: "cellar", Prefix: "phones/ours", Region: "north",
		},
		"amazon": {Address: "vault:s3://cellar", Kind: kit.S3, Host: "s3.amazonaws.com", Bucket: "cellar", TLS: true},
		"sftp": {
			Address: "vault:sftp://anna@nas:2222/vaults/apples", Kind: kit.SFTP, Host: "nas", Port: 2222, User: "anna", Path: "/vaults/apples",
		},
		"webdav": {
			Address: "vault:webdavs://anna@cloud.example.org/dav/my%20apples", Kind: kit.WebDAV, Host: "cloud.example.org", User: "anna",
			Path: "/dav/my apples", TLS: true,
		},
	}
}

func TestScriptFitsThePage(t *testing.T) {
	for line := range strings.Lines(kit.Script()) {
		if len(line) > 101 {
			t.Errorf("too wide for a page: %q", line)
		}
	}
}

// TestScriptOpensKeys: Python without any library opens what we sealed.
func TestScriptOpensKeys(t *testing.T) {
	python := needs(t, "python3")
	dir := t.TempDir()
	data, master, code := vaultKeys(t)
	check(t, os.WriteFile(filepath.Join(dir, "russet.keys"), data, 0o600))
	check(t, os.WriteFile(filepath.Join(dir, "open.py"), []byte(kit.Script()), 0o600))
	for what, typed := range map[string]string{
		"a password":         password,
		"a decomposed one":   strings.ReplaceAll(password, "ü", "u\u0308"),
		"the code":           string(code),
		"the code, as typed": strings.ToLower(strings.NewReplacer("-", " ", "0", "o", "1", "l").Replace(string(code))),
	} {
		if got := output(t, typed+"\n", dir, python, "-I", "open.py", "russet.keys"); got != string(master)+"\n" {
			t.Errorf("%s opened something else", what)
		}
	}
	kept, err := filepath.Abs("../keys/testdata/version1.keys") // sealed as usual: it takes a moment
	check(t, err)
	if got := output(t, password, dir, python, "-I", "open.py", kept); len(got) != 53 {
		t.Errorf("the keys of version 1 give %d characters", len(got))
	}
	cmd := exec.CommandContext(t.Context(), python, "-I", "open.py", "russet.keys")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader("a wrong password\n")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "opens no slot") {
		t.Errorf("a wrong password: %v, %s", err, out)
	}
}

// TestPDF lets qpdf judge the document and pdftotext read it.
func TestPDF(t *testing.T) {
	qpdf, totext := needs(t, "qpdf"), needs(t, "pdftotext")
	dir := t.TempDir()
	_, _, code := vaultKeys(t)
	for name, p := range places() {
		k := kitFor(p, code)
		file := filepath.Join(dir, name+".pdf")
		check(t, k.Write(file))
		if out := output(t, "", dir, qpdf, "--check", file); !strings.Contains(out, "No syntax or stream encoding errors") {
			t.Errorf("%s: %s", name, out)
		}
		if pages := output(t, "", dir, qpdf, "--show-npages", file); pages != "2\n" {
			t.Errorf("%s has %s pages", name, pages)
		}
		got := squeeze(output(t, "", dir, totext, "-layout", file, "-"))
		for _, want := range strings.Split(k.Text(), "\n") {
			want = strings.Trim(want, "\\=- ")
			if want != "" && !regexp.MustCompile(`^[A-Z].* `).MatchString(want) && !strings.Contains(got, squeeze(want)) {
				t.Errorf("%s: the text has %q, the document has not:\n%s", name, want, got)
			}
		}
	}
}

// squeeze leaves only what does not depend on how lines are broken.
func squeeze(s string) string {
	return strings.NewReplacer(" ", "", "\n", "", "\f", "", "\\", "", "'", "").Replace(s)
}

// TestScriptFromPaper runs the script as pdftotext reads it from the document.
func TestScriptFromPaper(t *testing.T) {
	totext, python := needs(t, "pdftotext"), needs(t, "python3")
	dir := t.TempDir()
	data, master, code := vaultKeys(t)
	check(t, os.WriteFile(filepath.Join(dir, "russet.keys"), data, 0o600))
	check(t, kitFor(places()["folder"], code).Write(filepath.Join(dir, "kit.pdf")))
	text := output(t, "", dir, totext, "-layout", "-f", "2", "kit.pdf", "-")
	_, script, found := strings.Cut(text, "#!/usr")
	if !found {
		t.Fatalf("no script on the second page:\n%s", text)
	}
	script = "#!/usr" + strings.TrimRight(script, "\f\n")
	check(t, os.WriteFile(filepath.Join(dir, "typed.py"), []byte(script), 0o600))
	if got := output(t, string(code)+"\n", dir, python, "-I", "typed.py", "russet.keys"); got != string(master)+"\n" {
		t.Error("the script from the page opened something else")
	}
}

// TestWhatTheFontsLack is said, not lost.
func TestWhatTheFontsLack(t *testing.T) {
	qpdf, totext := needs(t, "qpdf"), needs(t, "pdftotext")
	dir := t.TempDir()
	p := kit.Place{Address: "vault:/srv/Äpfel/苹果 (neu) \\", Kind: kit.Folder, Path: "/srv/Äpfel/苹果 (neu) \\"}
	k := kitFor(p, "CODE")
	check(t, os.WriteFile(filepath.Join(dir, "kit.pdf"), k.PDF(), 0o600))
	output(t, "", dir, qpdf, "--check", "kit.pdf")
	got := output(t, "", dir, totext, "-layout", "kit.pdf", "-")
	if !strings.Contains(got, `/srv/Äpfel/<U+82F9><U+679C> (neu) \`) || !strings.Contains(got, "ends in .txt") {
		t.Errorf("the document says\n%s", got)
	}
	if !strings.Contains(k.Text(), "'/srv/Äpfel/苹果 (neu) \\/russet.keys.f'") {
		t.Errorf("the text says\n%s", k.Text())
	}
	if plain := kitFor(places()["folder"], "CODE").PDF(); bytes.Contains(plain, []byte("ends in .txt")) {
		t.Error("a document that lacks nothing says it does")
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	k := kitFor(places()["folder"], "THE-CODE")
	for _, name := range []string{"kit", "kit.doc", "kit.txt.exe"} {
		if err := k.Write(filepath.Join(dir, name)); !errors.Is(err, kit.ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"kit.txt", "kit.PDF"} {
		name = filepath.Join(dir, name)
		check(t, k.Write(name))
		info, err := os.Stat(name)
		check(t, err)
		if info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		before, err := os.ReadFile(name)
		check(t, err)
		if err := k.Write(name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s was written over: %v", name, err)
		}
		if after, _ := os.ReadFile(name); !bytes.Equal(before, after) || !bytes.Contains(after, []byte("THE-CODE")) {
			t.Errorf("%s changed, or has no code", name)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%d files are left", len(entries))
	}
}
