// Package conformance lets programs that nobody here wrote judge the virtual
// iPhone and the host: libimobiledevice's tools and pymobiledevice3 as hosts,
// iphone_backup_decrypt and pyiosbackup as readers.
//
// A missing program skips its tests, unless RUSSET_CLIENTS=require: then it
// fails them. With -update the results are written to docs/conformance.md.
package conformance

import (
	"crypto/rsa"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"russet/internal/cli"
	"russet/vphone"
)

var update = flag.Bool("update", false, "write docs/conformance.md")

// asRusset makes this test binary be russet, so that it can be run as a
// process of its own without being built twice.
const asRusset = "RUSSET_TEST_IS_RUSSET"

func TestMain(m *testing.M) {
	if os.Getenv(asRusset) != "" {
		os.Exit(cli.Main())
	}
	flag.Parse()
	code := m.Run()
	if *update && code == 0 {
		if err := writeReport("../docs/conformance.md"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// deviceKey is one RSA key for all phones of a run: making one takes a while.
var deviceKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return vphone.NewKey() })

// need skips the test without a program, or fails it where clients are required.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil {
			continue
		}
		if os.Getenv("RUSSET_CLIENTS") == "require" {
			t.Fatalf("%s is required (RUSSET_CLIENTS=require) and not installed: run ./conformance/install", p)
		}
		t.Skipf("%s is not installed: run ./conformance/install", p)
	}
}

// python is the interpreter that has the readers.
func python(t *testing.T) string {
	t.Helper()
	p := os.Getenv("RUSSET_PYTHON")
	if p == "" {
		need(t, "pymobiledevice3")
		p, _ = exec.LookPath("pymobiledevice3")
		p = strings.TrimSuffix(p, "pymobiledevice3") + "python"
	}
	need(t, p)
	return p
}
