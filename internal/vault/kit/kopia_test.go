package kit_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"russet/internal/secrets"
	"russet/internal/vault/backend"
	"russet/internal/vault/depot"
	"russet/internal/vault/keys"
	"russet/internal/vault/kit"
	"russet/internal/vault/servers"
)

// TestWithoutRusset follows a kit word by word on a computer that has kopia and
// no russet: the keys are fetched and opened with the code, the repository is
// connected, its backups are listed, one is read back.
func TestWithoutRusset(t *testing.T) {
	needs(t, "python3")
	t.Run("folder", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "anna's Äpfel (all)")
		follow(t, backend.Location{Kind: backend.File, Path: path}, backend.Credentials{}, nil)
	})
	t.Run("s3", func(t *testing.T) {
		s := servers.StartS3(t)
		s.Location.Prefix = "our/phones"
		data := filepath.Join(s.Data, "our", "phones")
		follow(t, s.Location, s.Credentials, func(c string) (string, string) {
			if url, ok := strings.CutPrefix(c, "aws s3 cp s3://phones/our/phones/"); ok { // for want of an aws here
				name, _, _ := strings.Cut(url, " ")
				return "cp " + filepath.Join(data, name) + " .", ""
			}
			c = strings.ReplaceAll(c, "AWS_ACCESS_KEY_ID=KEY", "AWS_ACCESS_KEY_ID="+s.Credentials.AccessKey)
			return c, string(s.Credentials.SecretKey)
		})
	})
	t.Run("sftp", func(t *testing.T) {
		scp := needs(t, "scp")
		s := servers.StartSFTP(t)
		follow(t, s.Location, s.Credentials, func(c string) (string, string) {
			return strings.Replace(c, "scp ", scp+` -i "$HOME/.ssh/id_ed25519" -o UserKnownHostsFile="$HOME/.ssh/known_hosts" `, 1), ""
		})
	})
	t.Run("webdav", func(t *testing.T) {
		needs(t, "curl")
		s := servers.StartWebDAV(t)
		s.Location.User = s.Credentials.User
		follow(t, s.Location, s.Credentials, func(c string) (string, string) {
			return strings.Replace(c, "--user russet", "--user russet:"+string(s.Credentials.Password), 1), ""
		})
	})
}

// makeVault makes a repository with its keys in a place.
func makeVault(t *testing.T, l backend.Location, c backend.Credentials) (code secrets.Secret) {
	t.Helper()
	b, err := backend.Open(t.Context(), backend.Options{Location: l, Credentials: c, Create: true})
	check(t, err)
	defer func() { check(t, b.Close(context.Background())) }()
	f, master := keys.New(keys.NewID())
	f.Lighten()
	check(t, f.AddPassword("", password))
	code, err = f.NewRecoveryCode()
	check(t, err)
	check(t, keys.Save(t.Context(), b, f))
	check(t, b.Put(t.Context(), kit.ScriptName, []byte(kit.Script())))
	check(t, depot.Create(t.Context(), b, string(master), depot.CreateOptions{}))
	return code
}

func follow(t *testing.T, l backend.Location, c backend.Credentials, adapt func(string) (string, string)) {
	shell := needs(t, "bash")
	needs(t, "kopia")
	code := makeVault(t, l, c)
	k := kitFor(kit.Place{
		Address: l.String(), Kind: l.Kind, Path: l.Path, Host: l.Host, Port: l.Port, User: l.User,
		Bucket: l.Bucket, Prefix: l.Prefix, Region: l.Region, TLS: l.TLS,
	}, code)

	home := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(home, ".ssh"), 0o700))
	check(t, os.WriteFile(filepath.Join(home, ".ssh", "id_ed25519"), []byte(string(c.PrivateKey)), 0o600))
	check(t, os.WriteFile(filepath.Join(home, ".ssh", "known_hosts"), []byte(c.KnownHosts), 0o600))
	check(t, os.MkdirAll(filepath.Join(home, "phone", "russet"), 0o700))
	check(t, os.WriteFile(filepath.Join(home, "phone", "russet", "README.txt"), []byte("how to go on"), 0o600))
	env := append(os.Environ(), "HOME="+home, "KOPIA_CONFIG_PATH="+home+"/kopia.config", "KOPIA_CACHE_DIRECTORY="+home+"/cache",
		"KOPIA_LOG_DIR="+home+"/log", "KOPIA_CHECK_FOR_UPDATES=false", "KOPIA_PERSIST_CREDENTIALS_ON_CONNECT=false", "LC_ALL=C.UTF-8")

	script, stdin := "set -e\n", ""
	for _, command := range commands(k) {
		if adapt != nil {
			var typed string
			if command, typed = adapt(command); strings.HasPrefix(command, "read ") {
				stdin += typed + "\n"
			}
		}
		switch {
		case strings.HasPrefix(command, "python3"):
			// A person types what kopia asks for on the terminal.
			command = "export KOPIA_PASSWORD=$(echo " + strings.ToLower(string(code)) + " | " + command + ") KOPIA_WEBDAV_PASSWORD=" + string(c.Password)
		case strings.HasPrefix(command, "kopia snapshot list"):
			// What russet would have made, so that there is something to list.
			script += `kopia snapshot create --override-source=russet@vault:/00008120-0011 "$HOME/phone" >&2` + "\n"
			command += " | tee list"
		case strings.HasPrefix(command, "kopia restore"):
			command = strings.NewReplacer("ID", `$(grep -o '\bk[0-9a-f]\{8,\}' list)`, "FOLDER", "out").Replace(command)
		case strings.Contains(command, "--path=FOLDER"):
			continue // the same as for a folder
		}
		script += command + "\n"
	}
	cmd := exec.CommandContext(t.Context(), shell, "-c", script)
	cmd.Dir, cmd.Env, cmd.Stdin = home, env, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	got, err := os.ReadFile(filepath.Join(home, "out", "russet", "README.txt"))
	if err != nil || string(got) != "how to go on" {
		t.Errorf("what was read back: %q, %v", got, err)
	}
	if !regexp.MustCompile(`russet@vault:/00008120-0011`).Match(out) {
		t.Errorf("the list is\n%s", out)
	}
	if !strings.Contains(k.Text(), l.String()) {
		t.Error("the kit does not name the address")
	}
}

// commands are those of a kit's text, as a person would copy them, from where
// russet is no more.
func commands(k kit.Kit) []string {
	var all []string
	goesOn := false
	_, text, _ := strings.Cut(k.Text(), "Without russet")
	text, _, _ = strings.Cut(text, "#!/usr")
	for line := range strings.SplitSeq(text, "\n") {
		rest, indented := strings.CutPrefix(line, "    ")
		switch {
		case !indented || rest == "":
			goesOn = false
			continue
		case goesOn:
			all[len(all)-1] += "\n" + rest
		default:
			all = append(all, rest)
		}
		goesOn = strings.HasSuffix(rest, `\`)
	}
	return all
}
