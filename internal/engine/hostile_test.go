package engine_test

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"russet/internal/engine"
	"russet/vphone"
	"russet/vphone/agent"
)

// A hostile phone gets at nothing outside its folder, does no harm to the last
// backup, and ends with an error whatever it claims.
func TestHostilePhone(t *testing.T) {
	l := newLab(t, vphone.Options{}, fewFiles())
	home := t.TempDir()
	l.store = openStore(t, filepath.Join(home, "stores", "lab"))
	plant(t, home)
	l.mustBackUp()
	before, beside := tree(t, l.latest().Folder()), besideStore(t, home)
	for _, script := range agent.Scripts() {
		t.Run(script, func(t *testing.T) {
			l.phone.Faults().Update(func(c *agent.Config) { c.HostileScript = script })
			var start, end runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&start)
			draft := l.begin(t.Context(), false)
			_, err := engine.Backup(t.Context(), l.connect(), draft, l.options())
			if err := draft.Discard(t.Context()); err != nil {
				t.Error(err)
			}
			runtime.GC()
			runtime.ReadMemStats(&end)
			if err == nil {
				t.Error("a backup of a hostile phone succeeds")
			}
			if kept := int64(end.HeapAlloc) - int64(start.HeapAlloc); kept > 32<<20 {
				t.Errorf("%d bytes are kept in memory", kept)
			}
			if !maps.Equal(before, tree(t, l.latest().Folder())) {
				t.Error("the last backup has changed")
			}
			if !maps.Equal(beside, besideStore(t, home)) {
				t.Error("something outside the store has changed")
			}
		})
	}
	l.phone.Faults().Update(func(c *agent.Config) { c.HostileScript = "" })
	l.mustBackUp()
}

// plant puts files where a phone that climbs out would find them.
func plant(t *testing.T, home string) {
	t.Helper()
	for _, name := range []string{"vphone-escape", "stores/vphone-escape", "stores/victim"} {
		if err := os.WriteFile(filepath.Join(home, filepath.FromSlash(name)), []byte("untouched"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// besideStore is what lies around the store.
func besideStore(t *testing.T, home string) map[string]string {
	t.Helper()
	all := tree(t, os.DirFS(home))
	maps.DeleteFunc(all, func(name, _ string) bool { return strings.HasPrefix(name, "stores/lab/") })
	if _, err := os.Lstat("/tmp/vphone-escape"); err == nil {
		all["/tmp/vphone-escape"] = "there"
	}
	return all
}
