package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/device/usbmux"
)

// overdue is after how long without a backup a device is worth a word.
const overdue = 14 * 24 * time.Hour

// Finding is one thing the doctor looked at.
type Finding struct {
	What string `json:"what"` // what was looked at, and what was found
	Good bool   `json:"good"`
	Hint string `json:"hint,omitempty"` // the next step
	Kind int    `json:"kind"`           // the exit status it stands for; 0 when good or only worth a word

	kind russet.Kind
}

func good(format string, args ...any) Finding {
	return Finding{What: fmt.Sprintf(format, args...), Good: true}
}

func bad(kind russet.Kind, hint, format string, args ...any) Finding {
	return Finding{What: fmt.Sprintf(format, args...), Hint: hint, kind: kind, Kind: int(kind)}
}

// Doctor looks at everything a backup needs, from the home folder to the last
// runs, and says of each what it found and what to do. The kind is that of
// the worst finding; 0 when all is well.
func (h *Host) Doctor(ctx context.Context) ([]Finding, russet.Kind) {
	findings := h.examineHome()
	findings = append(findings, h.examinePhones(ctx)...)
	findings = append(findings, h.examineStores(ctx)...)
	findings = append(findings, h.examineHistory(ctx)...)
	return findings, worst(findings)
}

// severity orders kinds from what stops everything to what stops one device.
var severity = []russet.Kind{
	russet.Failed, russet.Damaged, russet.NoSpace, russet.Usage, russet.NotConnected, russet.NotTrusted, russet.Locked,
}

func worst(findings []Finding) russet.Kind {
	for _, kind := range severity {
		if slices.ContainsFunc(findings, func(f Finding) bool { return f.kind == kind }) {
			return kind
		}
	}
	return 0
}

func (h *Host) examineHome() []Finding {
	findings := []Finding{}
	dir, err := h.openHome()
	if err == nil {
		err = tryWriting(dir.Path())
	}
	if err != nil {
		e, _ := errors.AsType[*russet.Error](homeError(err))
		findings = append(findings, bad(e.Kind, e.Hint, "russet's own folder %s cannot be written: %s", h.home.Dir, plainFileError(err)))
	} else {
		findings = append(findings, good("russet keeps its settings in %s", h.home.Dir))
	}
	if h.passwordFile != "" {
		if _, err := PasswordFromFile(h.passwordFile); err != nil {
			findings = append(findings, bad(russet.Usage, "mend the file, or unset RUSSET_BACKUP_PASSWORD_FILE", "%v", err))
		}
	}
	return findings
}

// tryWriting makes a file and removes it.
func tryWriting(dir string) error {
	f, err := os.CreateTemp(dir, ".russet-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func (h *Host) examinePhones(ctx context.Context) []Finding {
	addr := h.mux
	if addr == "" {
		addr = usbmux.DefaultAddr()
	}
	plugged := usbPhones(usbDevices)
	sv := h.survey(ctx, quest{})
	seen := sv.seen
	if err := sv.mux; err != nil && len(seen) == 0 {
		f := bad(russet.NotConnected, h.muxHint(), "usbmuxd does not answer at %s", addr)
		if !errors.Is(err, usbmux.ErrNoDaemon) {
			f = bad(russet.Failed, "restart usbmuxd", "usbmuxd at %s: %v", addr, err)
		}
		if len(plugged) > 0 {
			f.What += fmt.Sprintf(", although the kernel sees %s on the cable", strings.Join(plugged, ", "))
		}
		return append([]Finding{f}, containerFinding()...)
	}
	findings := []Finding{good("usbmuxd answers at %s", addr)}
	if sv.mux != nil {
		findings = nil // the phones on the network do without
	}
	for _, s := range seen {
		findings = append(findings, examinePhone(s.Device))
	}
	if len(plugged) > countUSB(seen) {
		return append(findings, bad(russet.Locked,
			"unlock the phone once and keep it unlocked for a moment; if that does not help, restart usbmuxd or plug it in again",
			"the kernel sees %s on the cable, but usbmuxd does not: a phone that was locked for an hour hides from computers",
			strings.Join(plugged, ", ")))
	}
	if len(seen) == 0 {
		findings = append(findings, bad(russet.NotConnected,
			"plug it in and unlock it; some cables only charge: try another cable or socket", "no iPhone or iPad is connected"))
		findings = append(findings, containerFinding()...)
	}
	return findings
}

func countUSB(seen []sighting) int {
	n := 0
	for _, s := range seen {
		if s.Connection == "usb" {
			n++
		}
	}
	return n
}

func examinePhone(d russet.Device) Finding {
	name := fmt.Sprintf("%q (%s, iOS %s, %s)", d.Name, cmp.Or(d.Product, d.ProductType), d.IOS, d.Connection)
	switch {
	case d.Problem != "" && d.Locked && !d.Paired:
		return bad(russet.Locked, "unlock it and look again", "%s is locked, and whether it trusts this computer shows only when it is not", name)
	case d.Problem != "" && !d.Paired:
		return bad(russet.NotTrusted, "russet pair "+shellWord(d), "%s: %s", name, d.Problem)
	case d.Problem != "":
		return bad(russet.NotConnected, "unplug it and plug it in again", "%s: %s", name, d.Problem)
	case !d.Encrypted:
		f := good("%s is ready; its backups are not encrypted, so that saved logins, Wi-Fi and Health stay out of them", name)
		f.Hint = "russet encryption on " + shellWord(d)
		return f
	default:
		return good("%s is ready, and its backups are encrypted", name)
	}
}

// containerFinding says what a container needs to see a cable.
func containerFinding() []Finding {
	if runtime.GOOS != "linux" {
		return nil
	}
	_, inDocker := os.Stat("/.dockerenv")
	_, inPodman := os.Stat("/run/.containerenv")
	_, bus := os.Stat("/dev/bus/usb")
	if (inDocker != nil && inPodman != nil) || bus == nil {
		return nil
	}
	return []Finding{bad(russet.NotConnected,
		"hand in usbmuxd's socket (-v /var/run/usbmuxd:/var/run/usbmuxd), or mount /dev/bus/usb and allow devices c 189:*",
		"this is a container without USB")}
}

func (h *Host) examineStores(ctx context.Context) []Finding {
	stores, err := h.Stores()
	if err != nil {
		return []Finding{bad(russet.KindOf(err), "mend the settings", "%v", err)}
	}
	if len(stores) == 0 {
		return []Finding{good("no store is configured yet; the first backup makes one in %s", filepath.Join(h.home.Data, "backups"))}
	}
	var findings []Finding
	for _, st := range stores {
		findings = append(findings, h.examineStore(ctx, st))
	}
	return findings
}

func (h *Host) examineStore(ctx context.Context, st StoreSettings) Finding {
	status := h.StoreStatus(ctx, st)
	if status.Problem != "" {
		_, err := h.openStore(ctx, st)
		e := Explain(ctx, err)
		if e == nil {
			return bad(russet.Damaged, `"russet repair `+st.Name+`" mends what can be mended`, "store %q: %s", st.Name, status.Problem)
		}
		return bad(e.Kind, e.Hint, "store %q: %s", st.Name, e.What)
	}
	if err := tryWriting(filepath.Join(strings.TrimPrefix(st.URL, "folder:"), ".russet")); err != nil {
		e, _ := errors.AsType[*russet.Error](storeError(st, err))
		return bad(e.Kind, e.Hint, "store %q cannot be written: %s", st.Name, plainFileError(err))
	}
	if st.Allowance > 0 && status.Used >= st.Allowance {
		return bad(russet.NoSpace, `delete old backups, or raise it with "russet store set `+st.Name+` --allowance …"`,
			"store %q has used up its allowance", st.Name)
	}
	if status.Free < headroom {
		return bad(russet.NoSpace, "make room on its disk", "store %q has no room left", st.Name)
	}
	return good("store %q holds %s of %s, and has room for %s more",
		st.Name, plural(status.Backups, "backup"), plural(status.Devices, "device"), bytesText(status.Free))
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// examineHistory looks at what happened lately to each device.
func (h *Host) examineHistory(ctx context.Context) []Finding {
	known, err := h.knownByRuns()
	if err != nil {
		return []Finding{bad(russet.Failed, "look at the folder "+runsDir, "%v", err)}
	}
	backups, err := h.Backups(ctx, "", "", false)
	if err != nil {
		h.log.Debug("some backups cannot be listed", "error", err) // the store's own finding says it
	}
	var findings []Finding
	for _, d := range known {
		runs, err := h.Runs(d.UDID)
		if err != nil || len(runs) == 0 {
			continue
		}
		findings = append(findings, lastRun(d, runs[len(runs)-1], backups))
	}
	return findings
}

func lastRun(d russet.Device, run russet.Run, backups []russet.Backup) Finding {
	var last russet.Backup
	for _, b := range backups {
		if b.Device == d.UDID && b.Time.After(last.Time) {
			last = b
		}
	}
	when := run.End.Local().Format("2006-01-02 15:04")
	switch {
	case run.Outcome != "done" && run.Outcome != "partial":
		f := Finding{What: fmt.Sprintf("%q: the last run, on %s, ended as %s: %s", d.Name, when, run.Outcome, run.Error)}
		f.Hint = "russet backup " + shellWord(d)
		return f
	case last.ID == "":
		return Finding{What: fmt.Sprintf("%q has no backup any more", d.Name), Hint: "russet backup " + shellWord(d)}
	case time.Since(last.Time) > overdue:
		return Finding{What: fmt.Sprintf("%q was not backed up for %d days", d.Name, int(time.Since(last.Time).Hours()/24)), Hint: "russet backup " + shellWord(d)}
	default:
		return good("%q was last backed up on %s", d.Name, last.Time.Local().Format("2006-01-02 15:04"))
	}
}
