package vault_test

import (
	"testing"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/internal/engine"
	"russet/internal/vault"
	"russet/vphone"
	"russet/vphone/agent"
	"russet/vphone/content"
)

// BenchmarkFirst is the first backup of an encrypted phone with a gigabyte; the
// virtual phone's work is in it.
func BenchmarkFirst(b *testing.B) {
	key, err := deviceKey()
	if err != nil {
		b.Fatal(err)
	}
	phone, err := vphone.New(vphone.Options{Key: key})
	if err != nil {
		b.Fatal(err)
	}
	defer phone.Close()
	phone.Faults().Update(func(c *agent.Config) { c.Rounds = [2]int{10, 10} })
	if err := content.MakeOn(b.Context(), phone.Disk(), content.Options{Profile: "small", Size: 1e9, Files: 5000}); err != nil {
		b.Fatal(err)
	}
	if err := phone.SetBackupPassword("a backup password"); err != nil {
		b.Fatal(err)
	}
	pair, err := device.Pair(b.Context(), phone, lockdown.PairOptions{}, device.Options{})
	if err != nil {
		b.Fatal(err)
	}
	l := life{phone: phone}
	for range b.N {
		store, err := openWith(b.TempDir(), nil, vault.Options{})
		if err != nil {
			b.Fatal(err)
		}
		dev, err := device.Connect(b.Context(), phone, pair, device.Options{})
		if err != nil {
			b.Fatal(err)
		}
		udid := russet.UDID(phone.UDID())
		d, err := store.Begin(b.Context(), russet.BeginOptions{Device: udid, Allow: -1, Passwords: l.password, Encrypted: true})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := engine.Backup(b.Context(), dev, d, engine.BackupOptions{UDID: udid}); err != nil {
			b.Fatal(err)
		}
		made, err := d.Commit(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(made.Size)
		dev.Close()
		store.Close()
	}
}
