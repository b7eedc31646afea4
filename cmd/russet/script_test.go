package main

import (
	"crypto/rsa"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

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
			"count":   countCommand,
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
	for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE", "RUSSET_BACKUP_PASSWORD_FILE", "DBUS_SESSION_BUS_ADDRESS"} {
		env.Setenv(name, "")
	}
	env.Setenv("HOME", filepath.Join(env.WorkDir, "person"))
	env.Setenv("RUSSET_HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("USBMUXD_SOCKET_ADDRESS", "UNIX:"+b.socket)
	env.Setenv("TZ", "UTC")
	return nil
}

// captureCommand keeps a word of the last output: capture NAME REGEXP, with the
// word in the first group.
func captureCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	ts.Setenv(args[0], firstGroup(ts, args[1], ts.ReadFile("stdout")))
}

// countCommand compares a number of files below a folder: count N FOLDER.
func countCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: count N FOLDER")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	files := map[string]bool{}
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[name] = true
		}
		return err
	}))
	if (len(files) == want) == neg {
		ts.Fatalf("%s holds %d files: %q", args[1], len(files), slices.Sorted(maps.Keys(files)))
	}
}
