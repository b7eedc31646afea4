package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/vphone"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// demoSeed makes every demo the same.
const demoSeed = 2026

// demoPassword is the backup password of the virtual phone. It protects
// nothing but invented people.
const demoPassword = "correct horse battery staple"

// demo is one performance.
type demo struct {
	*app
	dir    string
	host   *host.Host
	socket string
	first  *vphone.Phone
	second *vphone.Phone
	stops  []func() error // in the order things were started
	steps  []demoStep

	store  host.StoreSettings
	backup russet.Backup // the last one
}

// demoStep is one thing that was done, for scripts.
type demoStep struct {
	What    string  `json:"what"`
	Seconds float64 `json:"seconds"`
}

// play goes through all the acts.
func (d *demo) play(ctx context.Context) error {
	for _, act := range []struct {
		title string
		do    func(context.Context) (string, error)
	}{
		{"A virtual iPhone is switched on", d.switchOn},
		{"Pairing", d.pair},
		{"Encryption", d.encrypt},
		{"First backup", d.backUp},
		{"A day goes by", d.liveADay},
		{"Second backup", d.backUp},
		{"Archiving", d.archive},
		{"Verifying", d.verify},
		{"Restoring onto a second phone", d.restore},
		{"Comparing the phones", d.compare},
	} {
		began := time.Now()
		if !d.json {
			fmt.Fprintf(d.out, "%s … ", act.title)
		}
		said, err := act.do(ctx)
		if err != nil {
			if !d.json {
				fmt.Fprintln(d.out, "failed.")
			}
			return err
		}
		took := time.Since(began).Seconds()
		d.steps = append(d.steps, demoStep{What: act.title + ": " + said, Seconds: took})
		if !d.json {
			fmt.Fprintf(d.out, "%s (%.1f s)\n", said, took)
		}
	}
	if !d.json {
		fmt.Fprintln(d.out, "\nThat was all of it, with keys as hard as a real phone's (10,000,000 rounds). With your own phone:\n"+
			"plug it in, then:  russet pair  and  russet backup")
	}
	return nil
}

func (d *demo) switchOn(ctx context.Context) (string, error) {
	storage := disk.NewMemory()
	if err := content.MakeOn(ctx, storage, content.Options{Profile: "tiny", Seed: demoSeed}); err != nil {
		return "", err
	}
	var err error
	identity := vphone.NewIdentity(demoSeed)
	identity.Name = "Demo iPhone"
	d.first, err = d.phone("first", vphone.Options{Identity: identity, Disk: storage, Passcode: "123456"})
	if err != nil {
		return "", err
	}
	identity = vphone.NewIdentity(demoSeed + 1)
	identity.Name = "Second iPhone"
	if d.second, err = d.phone("second", vphone.Options{Identity: identity, Disk: disk.NewMemory()}); err != nil {
		return "", err
	}
	socket, stop, err := serveMux(ctx, d.logger(), d.first, d.second)
	if err != nil {
		return "", err
	}
	d.socket = socket
	d.stops = append(d.stops, stop)
	d.host = host.Open(host.Options{
		Home: home.Place{Dir: d.home(), Data: d.home(), Moved: true}, Mux: "UNIX:" + socket, Log: d.logger(),
	})
	d.stops = append(d.stops, d.host.Close)
	files, bytes, err := holds(storage)
	return fmt.Sprintf("%s with iOS %s holds %s, %s.", quoted(d.first.Identity().DeviceName),
		d.first.Identity().ProductVersion, many(files, "file"), size(bytes)), err
}

func (d *demo) phone(name string, o vphone.Options) (*vphone.Phone, error) {
	o.Dir, o.Logger = filepath.Join(d.dir, name), d.logger()
	p, err := vphone.New(o)
	if err == nil {
		d.stops = append(d.stops, p.Close)
	}
	return p, err
}

// holds counts what is on a phone.
func holds(phone disk.Disk) (files int, bytes int64, err error) {
	err = phone.Walk(func(e *disk.Entry) error {
		if e.Kind == disk.File {
			files++
			bytes += e.Size
		}
		return nil
	})
	return files, bytes, err
}

func (d *demo) pair(ctx context.Context) (string, error) {
	d.first.SetTrust(vphone.Ask)
	tapped := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { tapped <- d.first.TapTrust(ctx) }()
	asked := false
	_, _, err := d.host.Pair(ctx, d.first.UDID(), func(russet.Device) { asked = true })
	if err != nil {
		return "", err
	}
	if _, _, err := d.host.Pair(ctx, d.second.UDID(), func(russet.Device) {}); err != nil {
		return "", err
	}
	if !asked {
		return "the phone trusts this computer.", nil
	}
	return "the phone asked whether to trust this computer, and its owner tapped Trust.", <-tapped
}

func (d *demo) encrypt(ctx context.Context) (string, error) {
	_, err := d.host.ChangePassword(ctx, host.EncryptionChange{Device: d.first.UDID(), New: demoPassword})
	return "the phone has a backup password now; russet keeps it sealed.", err
}

func (d *demo) backUp(ctx context.Context) (string, error) {
	var err error
	if d.store, _, err = d.host.StoreFor(ctx, ""); err != nil {
		return "", err
	}
	devices, _, err := d.host.Connected(ctx, []string{d.first.UDID()})
	if err != nil {
		return "", err
	}
	r, err := d.host.Backup(ctx, host.BackupOptions{Device: devices[0], Store: d.store})
	if err != nil {
		return "", err
	}
	d.backup = *r.Backup
	said := fmt.Sprintf("the phone sent %s in %s.", size(r.Run.Received), many(r.Run.Files, "file"))
	for _, note := range r.Notes {
		said += " " + strings.ToUpper(note[:1]) + note[1:] + "."
	}
	return said, nil
}

func (d *demo) liveADay(ctx context.Context) (string, error) {
	var did content.Report
	err := content.Churn(ctx, d.first.Disk(), content.ChurnOptions{Seed: demoSeed, Day: 1, Report: &did})
	return fmt.Sprintf("messages came, photos were taken: %s added, %d changed, %d deleted.",
		many(did.Added, "file"), did.Changed+did.Renamed, did.Removed), err
}

func (d *demo) archive(ctx context.Context) (string, error) {
	b, err := d.host.Archive(ctx, host.Which{Backup: string(d.backup.ID)}, "the demo's")
	return fmt.Sprintf("backup %s is kept until somebody says otherwise.", shortID(b.ID)), err
}

func (d *demo) verify(ctx context.Context) (string, error) {
	b, err := d.host.FindBackup(ctx, host.Which{Backup: string(d.backup.ID)})
	if err != nil {
		return "", err
	}
	report, err := d.host.Verify(ctx, b, true, nil)
	if err != nil {
		return "", err
	}
	if len(report.Problems) > 0 {
		return "", fmt.Errorf("the backup is not whole: %v", report.Problems)
	}
	return fmt.Sprintf("%s were read, decrypted and hashed; all are good.", many(report.Files, "file")), nil
}

func (d *demo) restore(ctx context.Context) (string, error) {
	b, err := d.host.FindBackup(ctx, host.Which{Backup: string(d.backup.ID)})
	if err != nil {
		return "", err
	}
	r, err := d.host.Restore(ctx, host.RestoreOptions{
		Backup: b, Device: d.second.UDID(), System: true, RemoveNotRestored: true, Reboot: true,
	})
	return fmt.Sprintf("%s were sent, and the phone restarts.", size(r.Sent)), err
}

func (d *demo) compare(context.Context) (string, error) {
	differences, err := content.Compare(d.first.Disk(), d.second.Disk(), content.CompareOptions{Most: 10})
	if err != nil {
		return "", err
	}
	if len(differences) > 0 {
		return "", fmt.Errorf("the second phone differs from the first: %v", differences)
	}
	files, bytes, err := holds(d.second.Disk())
	return fmt.Sprintf("all %s, %s, are the same on both.", many(files, "file"), size(bytes)), err
}

// keep leaves the phones running until somebody stops them.
func (d *demo) keep(ctx context.Context) {
	fmt.Fprintf(d.err, `
The phones go on running until you press Ctrl-C. In another terminal:

  export USBMUXD_SOCKET_ADDRESS=UNIX:%s
  export RUSSET_HOME=%s
  russet devices
  russet backups

The backup password is %q.
`, d.socket, d.home(), demoPassword)
	d.patient.Store(true)
	<-ctx.Done()
}

// end switches everything off, last things first.
func (d *demo) end(err *error) {
	for i := range d.stops {
		*err = errors.Join(*err, d.stops[len(d.stops)-1-i]())
	}
	*err = errors.Join(*err, os.RemoveAll(d.dir))
}
