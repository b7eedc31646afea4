package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"russet"
	"russet/internal/host"
	"russet/internal/vault/backend"
	"russet/internal/vault/servers"
)

// TestAcceptCertificate: a server that nobody vouches for is shown with its
// fingerprint; named in the file of credentials, its certificate is enough.
func TestAcceptCertificate(t *testing.T) {
	s := servers.StartS3TLS(t)
	shown, err := backend.ServerCertificate(t.Context(), s.Location)
	if err != nil || shown.Vouched {
		t.Fatalf("the server shows %+v, %v", shown, err)
	}
	a := &app{terminal: &terminal{}}
	_, err = a.acceptCertificate(t.Context(), s.Location)
	e, ok := err.(*russet.Error) //nolint:errorlint // it is returned bare
	if !ok || e.Kind != russet.Usage || !strings.Contains(e.What, shown.Fingerprint) || !strings.Contains(e.Hint, "certificateFile") {
		t.Errorf("without a terminal: %v", err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "server.pem")
	if err := os.WriteFile(file, []byte(shown.PEM), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]string{
		"accessKey": s.Credentials.AccessKey, "secretKey": string(s.Credentials.SecretKey), "certificateFile": file,
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := host.ParseCredentials(data)
	if err != nil {
		t.Fatal(err)
	}
	b, err := backend.Open(t.Context(), backend.Options{Location: s.Location, Credentials: c, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
