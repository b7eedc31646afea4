package device

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"russet/device/lockdown"
	"russet/internal/plist"
)

// Info is what a device says about itself. Without a session a device leaves
// out what is private; every field may be empty.
type Info struct {
	UDID           string // 40 hexadecimal digits, or 25 characters with a dash
	Name           string // "Anna's iPhone"; any Unicode
	Class          string // "iPhone", "iPad", "iPod"
	ProductType    string // "iPhone16,1"
	ProductVersion string // "17.5.1"
	BuildVersion   string // "21F90"
	WiFiAddress    string // "aa:bb:cc:dd:ee:ff"
	Locked         bool   // the screen is locked and there is a passcode
}

// Identify asks a device who it is without a session, so that it also works on
// one that is not paired, and never makes the Trust dialog appear.
func Identify(ctx context.Context, d Dialer, opts Options) (Info, error) {
	opts = opts.withDefaults()
	c, _, err := greet(ctx, d, opts)
	if err != nil {
		return Info{}, err
	}
	defer func() { _ = c.Close() }()
	return readInfo(ctx, c)
}

// readInfo reads the default domain.
func readInfo(ctx context.Context, c *lockdown.Client) (Info, error) {
	v, err := c.Value(ctx, "", "")
	if err != nil {
		return Info{}, err
	}
	d, ok := v.(plist.Dict)
	if !ok {
		return Info{}, fmt.Errorf("read what device this is: the device sent a %T", v)
	}
	return Info{
		UDID:           d.String("UniqueDeviceID"),
		Name:           d.String("DeviceName"),
		Class:          d.String("DeviceClass"),
		ProductType:    d.String("ProductType"),
		ProductVersion: d.String("ProductVersion"),
		BuildVersion:   d.String("BuildVersion"),
		WiFiAddress:    d.String("WiFiAddress"),
		Locked:         d.Bool("PasswordProtected"),
	}, nil
}

// Major is the first number of the iOS version, 0 if it cannot be told.
func (i Info) Major() int {
	first, _, _ := strings.Cut(i.ProductVersion, ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

// legacy reports whether the device can be older than TLS 1.2.
func (i Info) legacy() bool { return i.Major() > 0 && i.Major() < 10 }
