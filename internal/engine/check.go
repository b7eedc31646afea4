package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"russet"
	"russet/device"
	"russet/device/lockdown"
	"russet/mobilesync"
)

// RestoreCheck is what is known of a restore before it begins.
type RestoreCheck struct {
	Encrypted bool   // the backup is
	BackupIOS string // "" if it does not say
	DeviceIOS string
	FindMy    bool  // Find My is on
	Size      int64 // bytes of the backup
	Available int64 // bytes free on the device; -1 if it does not say
	Capacity  int64 // bytes the device has for data; -1 if it does not say

	Refusals []*russet.Error // why it would fail
	Warnings []string        // what to think of first
	// NotRestored says what will not come back, in sentences.
	NotRestored []string
}

// CheckRestore finds out beforehand what a restore would run into. Only what
// cannot be found out is an error.
func CheckRestore(ctx context.Context, dev *device.Device, contents russet.Contents, opts RestoreOptions) (RestoreCheck, error) {
	opts = opts.withDefaults()
	backup := readRestorable(contents.Folder())
	c := RestoreCheck{
		Encrypted: backup.encrypted(), BackupIOS: backup.ios(), DeviceIOS: dev.Info().ProductVersion,
		Size: contents.Backup().Size, Available: -1, Capacity: -1,
	}
	if e := backup.refusal(opts); e != nil {
		c.Refusals = append(c.Refusals, e)
	}
	if err := c.askDevice(ctx, dev, opts.Log); err != nil {
		return c, (&troubles{}).explain(ctx, opRestore, dev.Info().Name, err)
	}
	c.compare(backup, dev.Info())
	c.notRestored(opts)
	return c, nil
}

// askDevice reads what the device says. Values it does not have are no error.
func (c *RestoreCheck) askDevice(ctx context.Context, dev *device.Device, log *slog.Logger) error {
	findMy, err := dev.Values(ctx, "com.apple.fmip")
	switch {
	case errors.As(err, new(*lockdown.Error)):
		log.Warn("the phone does not say whether Find My is on", "error", err)
		c.Warnings = append(c.Warnings, "the phone does not say whether Find My is on; while it is, it refuses to be restored")
	case err != nil:
		return err
	}
	if c.FindMy = findMy.Bool("IsAssociated"); c.FindMy {
		m := meanings()[211]
		c.Refusals = append(c.Refusals, &russet.Error{Kind: m.kind, What: m.what, Hint: m.hint, Code: 211})
	}
	usage, err := dev.Values(ctx, "com.apple.disk_usage")
	if err != nil {
		log.Warn("the phone does not say how full it is", "error", err)
		return ctx.Err()
	}
	for _, key := range []string{"TotalDataAvailable", "AmountDataAvailable"} {
		if usage.Has(key) {
			c.Available = usage.Int(key)
		}
	}
	if usage.Has("TotalDataCapacity") {
		c.Capacity = usage.Int("TotalDataCapacity")
	}
	return nil
}

// compare sets the backup beside the device.
func (c *RestoreCheck) compare(backup restorable, info device.Info) {
	switch order := compareVersions(c.BackupIOS, c.DeviceIOS); {
	case c.BackupIOS == "" || c.DeviceIOS == "":
	case order > 0:
		c.Refusals = append(c.Refusals, &russet.Error{
			Kind: russet.Unsupported, What: fmt.Sprintf("the backup is of iOS %s, the phone has the older %s", c.BackupIOS, c.DeviceIOS),
			Hint: "update the phone first",
		})
	case order < 0:
		c.Warnings = append(c.Warnings, fmt.Sprintf("the backup is of iOS %s, the phone has %s: it will be converted, and cannot go back", c.BackupIOS, c.DeviceIOS))
	}
	if class := backup.class(); class != "" && info.Class != "" && class != info.Class {
		c.Warnings = append(c.Warnings, fmt.Sprintf("the backup is of an %s, the device is an %s: some things will not come back", class, info.Class))
	}
	switch {
	case c.Capacity >= 0 && c.Size > c.Capacity:
		c.Refusals = append(c.Refusals, &russet.Error{
			Kind: russet.NoSpace, What: fmt.Sprintf("the backup has %s, the phone holds %s", size(c.Size), size(c.Capacity)),
			Hint: "restore onto a larger phone, or get single files out of the backup: russet get",
		})
	case c.Available >= 0 && c.Size > c.Available:
		c.Warnings = append(c.Warnings, fmt.Sprintf("the backup has %s, the phone has %s free: the restore may not fit", size(c.Size), size(c.Available)))
	}
}

func (c *RestoreCheck) notRestored(opts RestoreOptions) {
	c.NotRestored = []string{
		"cards of Apple Pay, Face ID and Touch ID: no backup holds them",
		"photos, messages and other things that are only in iCloud: the phone fetches them itself",
		"music, books and films that can be downloaded again",
	}
	if !c.Encrypted {
		c.NotRestored = append(c.NotRestored,
			"saved passwords and accounts' logins, Wi-Fi networks, Health, HomeKit, call and web history: only encrypted backups hold them")
	}
	if opts.SkipApps {
		c.NotRestored = append(c.NotRestored, "apps of the App Store: left out as asked, and with them their data")
	}
	if !opts.System {
		c.NotRestored = append(c.NotRestored, "system settings: left out as asked")
	}
}

// restorable is what a device looks at first.
type restorable struct {
	status   mobilesync.Status
	manifest *mobilesync.Manifest
	err      error
}

func readRestorable(folder fs.FS) restorable {
	var r restorable
	r.status, r.err = mobilesync.ReadStatus(folder)
	manifest, err := mobilesync.ReadManifest(folder)
	r.manifest, r.err = manifest, errors.Join(r.err, err)
	if _, err := fs.Stat(folder, "Manifest.db"); err != nil {
		r.err = errors.Join(r.err, err)
	}
	return r
}

func (r restorable) encrypted() bool { return r.manifest != nil && r.manifest.IsEncrypted }

func (r restorable) ios() string {
	if r.manifest == nil {
		return ""
	}
	return r.manifest.Lockdown.ProductVersion
}

// class is "iPhone", "iPad" or "iPod": the beginning of the product type.
func (r restorable) class() string {
	if r.manifest == nil {
		return ""
	}
	return strings.TrimRight(r.manifest.Lockdown.ProductType, "0123456789,")
}

// refusal says why the backup cannot be restored at all.
func (r restorable) refusal(opts RestoreOptions) *russet.Error {
	switch {
	case r.err != nil:
		return &russet.Error{
			Kind: russet.Damaged, What: fmt.Sprintf("the backup is not whole: %v", r.err),
			Hint: "russet verify tells what is wrong with it; try an older one", Err: r.err,
		}
	case !r.status.Finished():
		return &russet.Error{
			Kind: russet.Damaged, What: fmt.Sprintf("the backup was never finished: it is %q", r.status.SnapshotState),
			Hint: "choose one that was",
		}
	case r.encrypted() && opts.Password == "":
		return &russet.Error{
			Kind: russet.Password, What: "the backup is encrypted, and no password was given",
			Hint: "give the password the phone had when the backup was made",
		}
	}
	return nil
}

// compareVersions compares "17.5.1" with "26.0" number by number; what is no
// number counts as 0.
func compareVersions(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(x), len(y)) {
		if d := versionPart(x, i) - versionPart(y, i); d != 0 {
			return d
		}
	}
	return 0
}

func versionPart(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, _ := strconv.Atoi(parts[i]) // 0 on an error
	return n
}
