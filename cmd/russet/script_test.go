package main

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"russet/internal/cli"
	"russet/vphone"
)

// TestMain makes this test binary russet itself when a script calls it so.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"russet": func() { os.Exit(cli.Main()) },
	})
}

// TestScripts runs every script with phones of its own, which the command
// "phone" works (see phones_test.go).
func TestScripts(t *testing.T) {
	key := sync.OnceValues(vphone.NewKey) // making one takes a second
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return setup(env, key) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"phone":   phoneCommand,
			"damage":  damageCommand,
			"capture": captureCommand,
			"exits":   exitsCommand,
			"cmptree": cmptreeCommand,
			"holds":   holdsCommand,
			"await":   awaitCommand,
			"night":   nightCommand,
			"hook":    hookCommand,
		},
	})
}

// setup gives a script a home, a usbmuxd that has no phones yet, and nothing
// of the person who runs the tests.
func setup(env *testscript.Env, key func() (*rsa.PrivateKey, error)) error {
	b, err := newBench(env.WorkDir, key)
	if err != nil {
		return err
	}
	env.Defer(func() {
		if err := b.close(); err != nil {
			env.T().Log(err)
		}
	})
	env.Values[benchKey{}] = b
	for _, name := range []string{
		"NO_COLOR", "CLICOLOR_FORCE", "RUSSET_BACKUP_PASSWORD_FILE", "RUSSET_VAULT_PASSWORD_FILE", "DBUS_SESSION_BUS_ADDRESS",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	} {
		env.Setenv(name, "")
	}
	env.Setenv("HOME", filepath.Join(env.WorkDir, "person"))
	env.Setenv("RUSSET_HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("USBMUXD_SOCKET_ADDRESS", "UNIX:"+b.socket)
	env.Setenv("TZ", "UTC")
	return nil
}

// exitsCommand runs a program that must end with a status: exits N PROGRAM ….
func exitsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N PROGRAM …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("the exit status is %d, not %d", got, want)
	}
}

// captureCommand keeps a word of the last output: capture NAME REGEXP, with the
// word in the first group.
func captureCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	ts.Setenv(args[0], firstGroup(ts, args[1], ts.ReadFile("stdout")))
}

// cmptreeCommand compares two folders byte for byte: cmptree DIR DIR.
func cmptreeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: cmptree DIR DIR")
	}
	a, b := tree(ts, ts.MkAbs(args[0])), tree(ts, ts.MkAbs(args[1]))
	if maps.Equal(a, b) == neg {
		ts.Fatalf("%s and %s: %d and %d files", args[0], args[1], len(a), len(b))
	}
}

// holdsCommand looks for a word in every file of a folder: holds WORD DIR.
func holdsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: holds WORD DIR")
	}
	found := ""
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if bytes.Contains(data, []byte(args[0])) {
			found = name
		}
		return err
	}))
	if (found != "") == neg {
		ts.Fatalf("%q: %q", args[0], found)
	}
}

// awaitCommand runs a program until its output matches, so many times if a count
// is given: await [-count=N] REGEXP PROGRAM ….
func awaitCommand(ts *testscript.TestScript, neg bool, args []string) {
	count := 1
	if len(args) > 0 && strings.HasPrefix(args[0], "-count=") {
		var err error
		count, err = strconv.Atoi(strings.TrimPrefix(args[0], "-count="))
		ts.Check(err)
		args = args[1:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await [-count=N] REGEXP PROGRAM …")
	}
	want := regexp.MustCompile(args[0])
	last := ""
	err := until(func() bool {
		if ts.Exec(args[1], args[2:]...) == nil {
			last = ts.ReadFile("stdout")
		}
		return len(want.FindAllString(last, -1)) >= count
	})
	if err != nil {
		ts.Fatalf("%q is not in %q: %v", args[0], last, err)
	}
}

// nightCommand moves the script to where it is between two and three in the
// morning: nobody is disturbed then, so nothing begins by itself.
func nightCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: night")
	}
	east := (2-time.Now().UTC().Hour()+36)%24 - 12    // hours, -12 to 11
	ts.Setenv("TZ", fmt.Sprintf("Etc/GMT%+d", -east)) // its sign is the other way round
}

// tree is every file below a folder with the hash of its bytes.
func tree(ts *testscript.TestScript, dir string) map[string][32]byte {
	files := map[string][32]byte{}
	ts.Check(filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		files[rel] = sha256.Sum256(data)
		return err
	}))
	return files
}
