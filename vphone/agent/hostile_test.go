package agent_test

import (
	"strings"
	"testing"
)

// TestHostileScripts runs scripts against the obedient host: they must come
// to their end, or to the host's, and tell what it said.
func TestHostileScripts(t *testing.T) {
	command := map[string]any{"MessageName": "Backup", "TargetIdentifier": udid}
	for script, hangsUp := range map[string]bool{
		"move": false, "remove": false, "copy": false, "mkdir": false, "list": false, "download": false,
		"upload": true, "link-in-the-way": true, "empty-array": true, "giant-path": true, "giant-message": true, "plist-garbage": true,
		"plist-cycle": true, "plist-counts": true, "plist-deep": true, "plist-no-array": true, "unknown-message": true,
	} {
		p, h := newPhone(t), newHost(t)
		set(t, p, "hostile", script)
		response, err := session(p, h, command)
		if hung := err != nil; hung != hangsUp {
			t.Errorf("%s: %v, %v", script, response, err)
		}
		answers := p.faults.Answers()
		if len(answers) == 0 {
			t.Errorf("%s: no answer was noted", script)
			continue
		}
		if last := answers[len(answers)-1]; strings.HasPrefix(last.Said, "hung up") != hangsUp {
			t.Errorf("%s: %+v", script, last)
		}
	}
}

func TestHostileAnswers(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	if err := h.root.put("vphone-escape", []byte("stolen")); err != nil {
		t.Fatal(err)
	}
	set(t, p, "hostile", "download")
	want(t, p, h, map[string]any{"MessageName": "Backup", "TargetIdentifier": udid}, 0)
	said := map[string]string{}
	for _, a := range p.faults.Answers() {
		said[a.Step] = a.Said
	}
	if got := said[`download "vphone-escape": 6 bytes`]; got != "0 " {
		t.Errorf("%q in %v", got, said)
	}
	if got := said[`download "/etc/passwd": 0 bytes`]; !strings.HasPrefix(got, "-13 Multi status") {
		t.Errorf("%q in %v", got, said)
	}
}
