package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"russet/vphone"
	"russet/vphone/content"
	"russet/vphone/disk"
)

const makeHelp = `Usage: vphone make DIR [flags]

Makes a phone in a folder that must not hold one. Equal flags make equal
phones, byte for byte, but for the device key. Two phones on one usbmuxd need
different seeds.

Flags:
`

func runMake(ctx context.Context, args []string, out io.Writer) error {
	o := content.Options{}
	var phone vphone.Options
	var size, messages string
	flags := newFlags("make", makeHelp, out)
	flags.StringVar(&o.Profile, "profile", "tiny", "what `kind` of phone: blank, "+strings.Join(content.Profiles(), ", "))
	flags.IntVar(&o.Files, "files", 0, "how many files, instead of the profile's `number`")
	flags.StringVar(&size, "size", "", "how much content, instead of the profile's: `bytes` with kB, MB, GB, KiB, MiB or GiB")
	flags.StringVar(&messages, "messages", "", "least size of the message database, in `bytes` as above")
	flags.Uint64Var(&o.Seed, "seed", 1, "`number` that the phone and everything on it is made from")
	flags.StringVar(&phone.Identity.Name, "name", "", "what its owner calls it")
	flags.StringVar(&phone.Identity.UDID, "udid", "", "its `identifier`, instead of one made from the seed")
	flags.StringVar(&phone.Identity.ProductVersion, "ios", "18.6", "`version` of iOS it claims to have")
	flags.StringVar(&phone.Passcode, "passcode", "", "`code` of its lock screen; none by default")
	flags.StringVar(&phone.BackupPassword, "password", "", "backup `password`: backups are encrypted from the start")
	dirs, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	if o.Size, err = parseBytes(size); err != nil {
		return err
	}
	if o.MessageBytes, err = parseBytes(messages); err != nil {
		return err
	}
	phone.Dir, phone.Seed = dirs[0], o.Seed
	p, err := makePhone(ctx, phone, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s  in %s\n", p.UDID(), phone.Dir)
	return p.Close()
}

// blank is the profile of a phone that holds nothing: one to restore to.
const blank = "blank"

// makePhone fills a folder and makes the phone in it.
func makePhone(ctx context.Context, phone vphone.Options, o content.Options) (*vphone.Phone, error) {
	if err := os.MkdirAll(phone.Dir, 0o700); err != nil {
		return nil, err
	}
	o.DeviceName = phone.Identity.Name
	if o.Profile != blank {
		if err := content.Make(ctx, diskDir(phone.Dir), o); err != nil {
			return nil, err
		}
	}
	return vphone.New(phone)
}

// diskDir is where the content of a phone lies in its folder.
func diskDir(dir string) string { return filepath.Join(dir, "disk") }

// openPhone opens a phone, with what its applications are called.
func openPhone(dir string, log *slog.Logger) (*vphone.Phone, error) {
	o := vphone.Options{Logger: log}
	made, err := content.Load(diskDir(dir))
	if err == nil {
		o.Apps, err = apps(made)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return vphone.Open(dir, o)
}

// apps lists the applications of a phone made with these options.
func apps(o content.Options) ([]vphone.App, error) {
	made, err := content.Apps(o)
	if err != nil {
		return nil, err
	}
	known := make([]vphone.App, len(made))
	for i, a := range made {
		icon, err := a.Icon()
		if err != nil {
			return nil, err
		}
		known[i] = vphone.App{
			ID: a.BundleID, Name: a.Name, Version: a.Version, Build: a.Build,
			Artist: a.Artist, Genre: a.Genre, ItemID: int64(a.ItemID), Icon: icon,
		}
	}
	return known, nil
}

// temporaryPhone makes a phone that is gone when it is closed.
func temporaryPhone(ctx context.Context, log *slog.Logger) (*vphone.Phone, error) {
	o := content.Options{Seed: 1}
	d, err := content.Generated(ctx, o)
	if err != nil {
		return nil, err
	}
	known, err := apps(o)
	if err != nil {
		return nil, err
	}
	return vphone.New(vphone.Options{Seed: 1, Disk: d, Apps: known, Logger: log})
}

const churnHelp = `Usage: vphone churn DIR [flags]

Lives a day on a phone that is not being served: new messages and photos,
changed databases, deleted files.

Flags:
`

func runChurn(ctx context.Context, args []string, out io.Writer) error {
	o := content.ChurnOptions{Report: &content.Report{}}
	flags := newFlags("churn", churnHelp, out)
	flags.IntVar(&o.Day, "day", 1, "which `day` of its life it is; 1 is the day after it was made")
	flags.StringVar((*string)(&o.Activity), "activity", string(content.UsualDay), "how busy: `light`, usual or heavy")
	flags.BoolVar(&o.KeepPages, "keep-pages", false, "store changed databases with their pages where they were")
	dirs, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	made, err := content.Load(diskDir(dirs[0]))
	if err != nil {
		return fmt.Errorf("a phone that vphone make did not make has no days to live: %w", err)
	}
	o.Seed = made.Seed
	d, err := disk.Open(diskDir(dirs[0]))
	if err != nil {
		return err
	}
	if err := errors.Join(content.Churn(ctx, d, o), d.Close()); err != nil {
		return err
	}
	fmt.Fprintln(out, reportText(*o.Report))
	return nil
}

func reportText(r content.Report) string {
	return fmt.Sprintf("%d files added, %d changed, %d removed, %d renamed, %d bytes", r.Added, r.Changed, r.Removed, r.Renamed, r.Bytes)
}

const compareHelp = `Usage: vphone compare DIR DIR

Compares what two phones hold: kind, content, mode, time, attributes of every
file. Prints a line for each difference; the exit status is 1 if there is one.
`

func runCompare(_ context.Context, args []string, out io.Writer) error {
	flags := newFlags("compare", compareHelp, out)
	dirs, err := parse(flags, args, 2, 2)
	if err != nil {
		return err
	}
	a, err := disk.Open(diskDir(dirs[0]))
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := disk.Open(diskDir(dirs[1]))
	if err != nil {
		return err
	}
	defer b.Close()
	differences, err := content.Compare(a, b, content.CompareOptions{})
	if err != nil {
		return err
	}
	for _, d := range differences {
		fmt.Fprintln(out, d)
	}
	if len(differences) > 0 {
		return fmt.Errorf("%w in %d places", errDiffer, len(differences))
	}
	return nil
}

// parseBytes reads "2GiB", "500 MB", "1000"; "" is 0.
func parseBytes(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	number, factor := text, int64(1)
	for _, unit := range []struct {
		name   string
		factor int64
	}{
		{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	} {
		if rest, ok := strings.CutSuffix(text, unit.name); ok {
			number, factor = strings.TrimSpace(rest), unit.factor
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 || n*float64(factor) > 1<<62 {
		return 0, fmt.Errorf("%w: %q is no size such as 500MB or 2GiB", errUsage, text)
	}
	return int64(n * float64(factor)), nil
}
