package agent_test

import (
	"testing"
)

func TestFullBackup(t *testing.T) {
	p, h := newPhone(t), newHost(t)
	p.furnish(300)
	backup(t, p, h)
	t.Log(len(h.files(udid)), h.seen[len(h.seen)-20:])
}
