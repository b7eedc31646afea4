package backend_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"russet"
	"russet/internal/vault/backend"
)

func TestAddresses(t *testing.T) {
	for address, want := range map[string]backend.Location{
		"vault:/srv/vault":                             {Kind: backend.File, Path: "/srv/vault"},
		"vault:/srv//Anna's #1 vault/../v":             {Kind: backend.File, Path: "/srv/v"},
		"vault:s3://phones":                            {Kind: backend.S3, Bucket: "phones", Host: "s3.amazonaws.com", TLS: true},
		"vault:s3://phones/a/b/?region=eu-central-1":   {Kind: backend.S3, Bucket: "phones", Prefix: "a/b", Host: "s3.amazonaws.com", Region: "eu-central-1", TLS: true},
		"vault:s3://phones?endpoint=nas:9000&tls=off":  {Kind: backend.S3, Bucket: "phones", Host: "nas", Port: 9000},
		"vault:s3://phones?endpoint=%5B::1%5D:9000":    {Kind: backend.S3, Bucket: "phones", Host: "::1", Port: 9000, TLS: true},
		"vault:sftp://anna@nas/srv/vault":              {Kind: backend.SFTP, User: "anna", Host: "nas", Path: "/srv/vault"},
		"vault:sftp://NAS.local:2222/srv/a%20b%23%3F":  {Kind: backend.SFTP, Host: "nas.local", Port: 2222, Path: "/srv/a b#?"},
		"vault:sftp://[fe80::1]:22/v":                  {Kind: backend.SFTP, Host: "fe80::1", Port: 22, Path: "/v"},
		"vault:webdav://nas":                           {Kind: backend.WebDAV, Host: "nas", Path: "/"},
		"vault:webdavs://anna%40home@nas:8443/dav/v/.": {Kind: backend.WebDAV, User: "anna@home", Host: "nas", Port: 8443, Path: "/dav/v", TLS: true},
	} {
		got, err := backend.Parse(address)
		if err != nil || got != want {
			t.Errorf("%s is %+v, %v", address, got, err)
			continue
		}
		again, err := backend.Parse(got.String())
		if err != nil || again != got {
			t.Errorf("%s becomes %s and %+v, %v", address, got, again, err)
		}
		if got.Local() != (got.Kind == backend.File) {
			t.Errorf("%s is local: %v", address, got.Local())
		}
	}
}

func TestRefusedAddresses(t *testing.T) {
	for _, address := range []string{
		"", "vault:", "/srv", "folder:/srv", "vault:srv", "vault:~/v", "vault:/a\x00b", "vault:/" + strings.Repeat("a", 5000),
		"vault:gopher://nas/hush", "vault:s3://", "vault:s3://a", "vault:s3://b!!/x", "vault:s3://AKIA:hush@bucket", "vault:s3://hush@bucket",
		"vault:s3://bucket?secret_key=hush", "vault:s3://bucket?region=a&region=b", "vault:s3://bucket?tls=hush", "vault:s3://bucket?endpoint=a:0",
		"vault:s3://bucket?endpoint=:9", "vault:s3://bucket?%zz", "vault:s3://bucket/%00", "vault:sftp://nas:99999/v", "vault:sftp:///v",
		"vault:sftp://anna:hush@nas/v", "vault:sftp://anna:hush@na s/%zz", "vault:sftp://nas/v?key=hush", "vault:sftp://nas/v#hush", "vault:sftp://nas/%0a",
		"vault:webdav://a:hush@nas/", "vault:webdavs://nas:/v", "vault:sftp://[nas]/v", "vault:sftp://nas:+22/v", "vault:sftp://-nas/v",
	} {
		l, err := backend.Parse(address)
		if russet.KindOf(err) != russet.Usage {
			t.Errorf("%q is %+v, %v", address, l, err)
			continue
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), "hush") {
			t.Errorf("%q: the refusal repeats a secret: %v", address, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"vault:/srv", "vault:s3://bucket/p?endpoint=h:1&region=r&tls=off", "vault:sftp://u@h:22/p", "vault:webdavs://[::1]:1/a%20b", "vault:s3://b.c?endpoint=[::ffff:1.2.3.4]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := backend.Parse(s)
		if err != nil {
			if russet.KindOf(err) != russet.Usage {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := backend.Parse(l.String())
		if err != nil || again != l {
			t.Fatalf("%q is %+v; written as %q it is %+v, %v", s, l, l, again, err)
		}
	})
}

func TestCredentialsDoNotPrint(t *testing.T) {
	c := backend.Credentials{AccessKey: "key", SecretKey: "hush1", SessionToken: "hush2", User: "anna", Password: "hush3", PrivateKey: "hush4", Passphrase: "hush5", KnownHosts: "nas ssh-ed25519 AAAA", Certificate: "PEM"}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "c", c, "p", &c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", c, "o", backend.Options{Credentials: c})
	plain, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %s %q %x %v %+v %#v", c, c, c, c, c, c, &c, backend.Options{Credentials: c}, struct{ C backend.Credentials }{c}) + log.String() + string(plain)
	if strings.Contains(text, "hush") || strings.Contains(text, "68757368") {
		t.Errorf("a secret is printed: %s", text)
	}
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := backend.DecodeCredentials(data); err != nil || again != c {
		t.Errorf("credentials are not what was kept, %v", err)
	}
	if _, err := backend.DecodeCredentials([]byte(`{"password": hush`)); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("damaged credentials: %v", err)
	}
}
