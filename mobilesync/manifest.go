package mobilesync

import (
	"fmt"
	"io/fs"
	"time"

	"russet/internal/plist"
)

// manifestLimit bounds Manifest.plist; 160–430 KB were seen.
const manifestLimit = 64 << 20

// Manifest is Manifest.plist, written by the device at the end of a run.
type Manifest struct {
	Version              string // "10.0" since iOS 10
	SystemDomainsVersion string
	Date                 time.Time
	IsEncrypted          bool
	WasPasscodeSet       bool // the device's passcode, not the backup's password
	Lockdown             Lockdown
	Applications         map[string]Application // by container identifier
	// BackupKeyBag may be there in a plain backup too.
	BackupKeyBag []byte
	// ManifestKey opens Manifest.db, since iOS 10.2.
	ManifestKey []byte
}

// Lockdown is what Manifest.plist says of the device.
type Lockdown struct {
	DeviceName, DeviceClass, ProductType, ProductVersion, BuildVersion string
	SerialNumber, UniqueDeviceID                                       string
}

// Application is one container of an app, plug-in or app group.
type Application struct {
	BundleID, Version, ContentClass, Path string
}

// ParseManifest reads a Manifest.plist.
func ParseManifest(data []byte) (*Manifest, error) {
	d, err := plist.ParseDict(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", manifestName, err)
	}
	l := d.Dict("Lockdown")
	m := &Manifest{
		Version:              d.String("Version"),
		SystemDomainsVersion: d.String("SystemDomainsVersion"),
		Date:                 d.Time("Date"),
		IsEncrypted:          d.Bool("IsEncrypted"),
		WasPasscodeSet:       d.Bool("WasPasscodeSet"),
		BackupKeyBag:         d.Data("BackupKeyBag"),
		ManifestKey:          d.Data("ManifestKey"),
		Lockdown: Lockdown{
			DeviceName: l.String("DeviceName"), DeviceClass: l.String("DeviceClass"),
			ProductType: l.String("ProductType"), ProductVersion: l.String("ProductVersion"),
			BuildVersion: l.String("BuildVersion"), SerialNumber: l.String("SerialNumber"),
			UniqueDeviceID: l.String("UniqueDeviceID"),
		},
		Applications: make(map[string]Application),
	}
	apps := d.Dict("Applications")
	for id := range apps {
		a := apps.Dict(id)
		m.Applications[id] = Application{
			a.String("CFBundleIdentifier"), a.String("CFBundleVersion"), a.String("ContainerContentClass"), a.String("Path"),
		}
	}
	return m, nil
}

// ReadManifest reads a folder's Manifest.plist. A folder without one is
// ErrNoManifest, or ErrLegacy; a broken one is ErrDamaged.
func ReadManifest(fsys fs.FS) (*Manifest, error) {
	data, err := readBounded(fsys, manifestName, manifestLimit)
	if err != nil {
		return nil, missing(fsys, manifestName, err)
	}
	m, err := ParseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return m, nil
}

// Marshal encodes the manifest as the device does.
func (m *Manifest) Marshal() ([]byte, error) {
	l := m.Lockdown
	apps := plist.Dict{}
	for id, a := range m.Applications {
		apps[id] = filled(map[string]string{
			"CFBundleIdentifier": a.BundleID, "CFBundleVersion": a.Version,
			"ContainerContentClass": a.ContentClass, "Path": a.Path,
		})
	}
	d := plist.Dict{
		"Version": m.Version, "SystemDomainsVersion": m.SystemDomainsVersion, "Date": m.Date.UTC(),
		"IsEncrypted": m.IsEncrypted, "WasPasscodeSet": m.WasPasscodeSet, "Applications": apps,
		"Lockdown": filled(map[string]string{
			"DeviceName": l.DeviceName, "DeviceClass": l.DeviceClass, "ProductType": l.ProductType,
			"ProductVersion": l.ProductVersion, "BuildVersion": l.BuildVersion,
			"SerialNumber": l.SerialNumber, "UniqueDeviceID": l.UniqueDeviceID,
		}),
	}
	if m.BackupKeyBag != nil {
		d["BackupKeyBag"] = m.BackupKeyBag
	}
	if m.ManifestKey != nil {
		d["ManifestKey"] = m.ManifestKey
	}
	return plist.MarshalBinary(d)
}

// filled leaves out the entries that are empty.
func filled(m map[string]string) plist.Dict {
	d := plist.Dict{}
	for k, v := range m {
		if v != "" {
			d[k] = v
		}
	}
	return d
}
