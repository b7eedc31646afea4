package host

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLocalName(t *testing.T) {
	long := strings.Repeat("ä", 200) + ".jpeg"
	for _, test := range []struct{ name, system, want string }{
		{"sms.db", "linux", "sms.db"},
		{"a:b?.txt", "linux", "a:b?.txt"},
		{"a:b?.txt", "windows", "a_b_.txt"},
		{"dot. ", "windows", "dot_"},
		{"con.txt", "windows", "_con.txt"},
		{"COM7", "windows", "_COM7"},
		{"COM0", "windows", "COM0"},
		{"..", "linux", "_.."},
		{".", "windows", "_"},
		{"a\x00b", "linux", "a_b"},
		{"a\xffb", "darwin", "a_b"},
		{"tab\tin", "windows", "tab_in"},
	} {
		if got := localName(test.name, test.system); got != test.want {
			t.Errorf("localName(%q, %s) = %q, want %q", test.name, test.system, got, test.want)
		}
	}
	got := localName(long, "linux")
	if len(got) > maxName || !strings.HasSuffix(got, ".jpeg") || !utf8.ValidString(got) {
		t.Errorf("a long name became %q", got)
	}
	if other := localName(strings.Repeat("ä", 201)+".jpeg", "linux"); other == got {
		t.Error("two long names became the same")
	}
}

func FuzzLocalName(f *testing.F) {
	for _, name := range []string{"sms.db", "..", "a/b", `a\b`, "con", "x\x00", strings.Repeat("é", 300), " . "} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, system := range []string{"linux", "darwin", "windows"} {
			got := localName(name, system)
			if got == "" || got == "." || got == ".." || len(got) > maxName || strings.ContainsAny(got, "/\x00") || !utf8.ValidString(got) {
				t.Fatalf("localName(%q, %s) = %q", name, system, got)
			}
			if system == "windows" && strings.ContainsAny(got, `<>:"\|?*`) {
				t.Fatalf("localName(%q, %s) = %q", name, system, got)
			}
			if !filepath.IsLocal(got) {
				t.Fatalf("localName(%q, %s) = %q leads elsewhere", name, system, got)
			}
		}
	})
}

func TestExcusedCodes(t *testing.T) {
	for code, want := range map[int]bool{
		1: false, 3: true, 22: true, 104: false, 105: true, 205: false, 207: true, 208: true, 216: false, 217: true, 224: true, 225: false,
	} {
		if got := excusesDraft(code); got != want {
			t.Errorf("excusesDraft(%d) = %v", code, got)
		}
	}
}

func TestWaysToStayAwake(t *testing.T) {
	for system, want := range map[string]string{"linux": "systemd-inhibit", "darwin": "caffeinate", "plan9": ""} {
		if got, _ := awakeCommand(system, "why"); got != want {
			t.Errorf("on %s: %q", system, got)
		}
	}
	letSleep := keepAwake(t.Context(), "a test") // whether or not anything is there to ask
	letSleep()
}
