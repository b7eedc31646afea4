package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	flags.StringVar(&o.Profile, "profile", "tiny", "what `kind` of phone: "+strings.Join(content.Profiles(), ", "))
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

// makePhone fills a folder and makes the phone in it.
func makePhone(ctx context.Context, phone vphone.Options, o content.Options) (*vphone.Phone, error) {
	if err := os.MkdirAll(phone.Dir, 0o700); err != nil {
		return nil, err
	}
	o.DeviceName = phone.Identity.Name
	if err := content.Make(ctx, diskDir(phone.Dir), o); err != nil {
		return nil, err
	}
	return vphone.New(phone)
}

// diskDir is where the content of a phone lies in its folder.
func diskDir(dir string) string { return filepath.Join(dir, "disk") }

// temporaryPhone makes a phone that is gone when it is closed.
func temporaryPhone(ctx context.Context, log *slog.Logger) (*vphone.Phone, error) {
	d, err := content.Generated(ctx, content.Options{Seed: 1})
	if err != nil {
		return nil, err
	}
	return vphone.New(vphone.Options{Seed: 1, Disk: d, Logger: log})
}

const churnHelp = `Usage: vphone churn DIR [flags]

Lives a day on a phone that is not being served: new messages and photos,
changed databases, deleted files.

Flags:
`

func runChurn(ctx context.Context, args []string, out io.Writer) error {
	flags := newFlags("churn", churnHelp, out)
	day := flags.Int("day", 1, "which `day` of its life it is")
	heavy := flags.Bool("heavy", false, "a heavy day")
	dirs, err := parse(flags, args, 1, 1)
	if err != nil {
		return err
	}
	d, err := disk.Open(diskDir(dirs[0]))
	if err != nil {
		return err
	}
	err = content.Churn(ctx, d, *day, content.ChurnOptions{Heavy: *heavy})
	return errors.Join(err, d.Close())
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
