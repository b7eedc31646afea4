package host_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/secrets"
	"russet/internal/vault/backend"
	"russet/internal/vault/keys"
	"russet/internal/vault/servers"
)

const vaultPassword = "anna's canary of a password"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hostIn is a host with a home of its own, to whom nobody answers.
func hostIn(t *testing.T, dir string, answers host.VaultAnswers) *host.Host {
	t.Helper()
	h := host.Open(host.Options{Home: home.Place{Dir: dir, Data: dir, Moved: true}, Vaults: answers})
	t.Cleanup(func() { must(t, h.Close()) })
	return h
}

func given(password string) host.VaultAnswers {
	return host.VaultAnswers{Given: func() (string, error) { return password, nil }}
}

func addition(url string, c backend.Credentials) host.VaultAddition {
	return host.VaultAddition{
		Name: "home", URL: url,
		Credentials: func(context.Context, backend.Location) (backend.Credentials, error) { return c, nil },
		NewPassword: func(context.Context) (secrets.Secret, error) { return vaultPassword, nil },
	}
}

// TestVaultsOnServers adds a vault on each kind of server, uses it from a new
// process, joins it from another computer, and looks for secrets that lie
// about.
func TestVaultsOnServers(t *testing.T) {
	for kind, start := range map[string]func(testing.TB) *servers.Server{
		"s3": servers.StartS3, "sftp": servers.StartSFTP, "sftp with a password": servers.StartSFTPPassword, "webdav": servers.StartWebDAV,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.Location.Prefix = map[bool]string{true: "our phones/all"}[s.Location.Kind == backend.S3]
			home := t.TempDir()
			h := hostIn(t, home, host.VaultAnswers{})
			added, err := h.AddVault(t.Context(), addition(s.Location.String(), s.Credentials))
			must(t, err)
			if !added.Made {
				t.Error("it was not made")
			}
			must(t, h.Close())

			again := hostIn(t, home, host.VaultAnswers{})
			if status, err := again.StoreStatuses(t.Context(), ""); err != nil || len(status) != 1 || status[0].Problem != "" {
				t.Errorf("status: %+v, %v", status, err)
			}
			second := hostIn(t, t.TempDir(), given(vaultPassword))
			a := addition(s.Location.String(), s.Credentials)
			joined, err := second.AddVault(t.Context(), a)
			must(t, err)
			if joined.Made || joined.Store.Vault != added.Store.Vault {
				t.Errorf("joined: %+v", joined)
			}
			slots, err := second.VaultPasswords(t.Context(), "home")
			if err != nil || len(slots) != 1 {
				t.Errorf("passwords: %v, %v", slots, err)
			}
			for _, word := range []string{vaultPassword, string(s.Credentials.SecretKey), string(s.Credentials.Password), string(s.Credentials.PrivateKey)} {
				noTrace(t, home, word)
				noTrace(t, s.Data, word)
			}
		})
	}
}

// noTrace makes sure that no file holds a word.
func noTrace(t *testing.T, dir, word string) {
	t.Helper()
	if word == "" {
		return
	}
	must(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if bytes.Contains(data, []byte(word)) {
			t.Errorf("a secret stands in %s", name)
		}
		return err
	}))
}

// TestAddingGoesOn: whatever an attempt to make a vault left behind, adding it
// again makes it.
func TestAddingGoesOn(t *testing.T) {
	for what, leave := range map[string]func(t *testing.T, b *backend.Backend){
		"nothing": func(*testing.T, *backend.Backend) {},
		"a torn file": func(t *testing.T, b *backend.Backend) {
			must(t, b.Put(t.Context(), keys.Name, []byte(`{"format": "russet ke`)))
		},
		"two torn files": func(t *testing.T, b *backend.Backend) {
			must(t, b.Put(t.Context(), keys.Name, []byte(`{"format": "russet ke`)))
			must(t, b.Put(t.Context(), keys.CopyName, nil))
		},
		"keys without a vault": func(t *testing.T, b *backend.Backend) {
			f, _ := keys.New(keys.NewID())
			f.Lighten()
			must(t, f.AddPassword("", vaultPassword))
			must(t, keys.Save(t.Context(), b, f))
		},
		"one copy without a vault": func(t *testing.T, b *backend.Backend) {
			f, _ := keys.New(keys.NewID())
			f.Lighten()
			must(t, f.AddPassword("", vaultPassword))
			must(t, keys.Stage(t.Context(), b, f))
		},
	} {
		dir := filepath.Join(t.TempDir(), "v")
		b, err := backend.Open(t.Context(), backend.Options{Location: backend.Location{Kind: backend.File, Path: dir}, Create: true})
		must(t, err)
		leave(t, b)
		must(t, b.Close(t.Context()))
		h := hostIn(t, t.TempDir(), given(vaultPassword))
		if _, err := h.AddVault(t.Context(), addition("vault:"+dir, backend.Credentials{})); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if status, err := h.StoreStatuses(t.Context(), ""); err != nil || status[0].Problem != "" {
			t.Errorf("%s: %+v, %v", what, status, err)
		}
	}
}

// TestDamagedKeysAreNotReplaced: where a vault is, spoiled keys are an error.
func TestDamagedKeysAreNotReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v")
	h := hostIn(t, t.TempDir(), host.VaultAnswers{})
	_, err := h.AddVault(t.Context(), addition("vault:"+dir, backend.Credentials{}))
	must(t, err)
	for _, name := range []string{"russet.keys.f", "russet.keys.1.f"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("{"), 0o600))
	}
	second := hostIn(t, t.TempDir(), given(vaultPassword))
	_, err = second.AddVault(t.Context(), addition("vault:"+dir, backend.Credentials{}))
	if russet.KindOf(err) != russet.Damaged {
		t.Errorf("joined with damaged keys: %v", err)
	}
	// This computer remembers, and goes on without them.
	if status, err := h.StoreStatuses(t.Context(), ""); err != nil || status[0].Problem != "" {
		t.Errorf("%+v, %v", status, err)
	}
}

// TestNothingRemembered: a computer that was told a wrong password does not
// keep it, one that removed the store keeps nothing.
func TestNothingRemembered(t *testing.T) {
	dir, home := filepath.Join(t.TempDir(), "v"), t.TempDir()
	h := hostIn(t, home, host.VaultAnswers{})
	_, err := h.AddVault(t.Context(), addition("vault:"+dir, backend.Credentials{}))
	must(t, err)
	_, err = h.RemoveStore(t.Context(), "home")
	must(t, err)
	sealed, err := filepath.Glob(filepath.Join(home, "secrets", "*.sealed"))
	if err != nil || len(sealed) > 0 {
		t.Errorf("left: %q, %v", sealed, err)
	}
	wrong := hostIn(t, t.TempDir(), given("a wrong password"))
	_, err = wrong.AddVault(t.Context(), addition("vault:"+dir, backend.Credentials{}))
	if russet.KindOf(err) != russet.Password || !errors.Is(err, keys.ErrPassword) {
		t.Errorf("a wrong password: %v", err)
	}
	if stores, err := wrong.Stores(); err != nil || len(stores) > 0 {
		t.Errorf("stores: %v, %v", stores, err)
	}
}

func FuzzParseCredentials(f *testing.F) {
	f.Add([]byte(`{"accessKey": "a", "secretKey": "canary", "user": "u"}`))
	f.Add([]byte("[default]\naws_access_key_id = a\naws_secret_access_key = canary\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := host.ParseCredentials(data)
		if err != nil && bytes.Contains(data, []byte("canary")) && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error quotes the file: %v", err)
		}
		if err == nil {
			sealed, err := c.Encode()
			must(t, err)
			if _, err := backend.DecodeCredentials(sealed); err != nil {
				t.Errorf("what was read cannot be kept: %v", err)
			}
		}
	})
}

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "key"), []byte("-----BEGIN"), 0o600))
	for what, c := range map[string]struct {
		text string
		want backend.Credentials
	}{
		"json": {
			`{"accessKey": "A", "secretKey": "s", "sessionToken": "t"}`,
			backend.Credentials{AccessKey: "A", SecretKey: "s", SessionToken: "t"},
		},
		"a login": {`{"user": "u", "password": "p", "knownHosts": "h"}`, backend.Credentials{User: "u", Password: "p", KnownHosts: "h"}},
		"a key":   {`{"privateKeyFile": "` + filepath.ToSlash(filepath.Join(dir, "key")) + `"}`, backend.Credentials{PrivateKey: "-----BEGIN"}},
		"ini": {
			"# mine\n[default]\naws_access_key_id=A\naws_secret_access_key = s=s\nregion = x\n[other]\naws_access_key_id=B\n",
			backend.Credentials{AccessKey: "A", SecretKey: "s=s"},
		},
	} {
		got, err := host.ParseCredentials([]byte(c.text))
		if err != nil || got != c.want {
			t.Errorf("%s: other credentials, %v", what, err)
		}
	}
	for _, text := range []string{"", "{", `{"secretkey2": "canary"}`, `{"secretKey": 7}`, "canary", "[default]\naws_access_key_id=A\n"} {
		_, err := host.ParseCredentials([]byte(text))
		if russet.KindOf(err) != russet.Usage || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
