package mobilesync

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"time"

	"russet/internal/plist"
)

// infoLimit bounds Info.plist, which holds an icon per app: Finder wrote one
// of 57.9 MB for a phone of 50 GB.
const infoLimit = 128 << 20

// Info is Info.plist, which the computer writes before each backup; Finder
// writes it once more some minutes after. Nothing in it is needed to read a
// backup.
type Info struct {
	BuildVersion   string
	DeviceName     string
	DisplayName    string
	GUID           string // 32 upper-case hexadecimal digits
	ICCID          string
	IMEI, IMEI2    string
	MEID           string
	PhoneNumber    string
	ProductName    string // "iPhone 12", from a table: no device tells it
	ProductType    string // "iPhone13,2"
	ProductVersion string // "18.6"
	SerialNumber   string
	UDID           string // Target Identifier
	ITunesVersion  string
	LastBackupDate time.Time
	// InstalledApplications are the bundle IDs of what the owner installed.
	InstalledApplications []string
	// Applications is what a restore needs to fetch the apps again, by bundle
	// ID.
	Applications map[string]InfoApplication
	// ITunesFiles are small files of /iTunes_Control/iTunes, by name.
	ITunesFiles map[string][]byte
	// ITunesSettings is lockdown's domain com.apple.iTunes.
	ITunesSettings map[string]any
	// IBooksData is /Books/iBooksData2.plist.
	IBooksData []byte
	// Other holds keys not named here, so that writing does not lose them.
	Other map[string]any
}

// InfoApplication is one app in Info.plist.
type InfoApplication struct {
	ApplicationSINF []byte
	ITunesMetadata  []byte // a binary property list
	PlaceholderIcon []byte // PNG
	IsDemotedApp    bool
	Other           map[string]any
}

// infoStrings are the keys that hold strings.
func (i *Info) infoStrings() map[string]*string {
	return map[string]*string{
		"Build Version": &i.BuildVersion, "Device Name": &i.DeviceName, "Display Name": &i.DisplayName,
		"GUID": &i.GUID, "ICCID": &i.ICCID, "IMEI": &i.IMEI, "IMEI 2": &i.IMEI2, "MEID": &i.MEID,
		"Phone Number": &i.PhoneNumber, "Product Name": &i.ProductName, "Product Type": &i.ProductType,
		"Product Version": &i.ProductVersion, "Serial Number": &i.SerialNumber,
		"Target Identifier": &i.UDID, "iTunes Version": &i.ITunesVersion,
	}
}

// The keys that hold something else.
const (
	keyLastBackup   = "Last Backup Date"
	keyInstalled    = "Installed Applications"
	keyApplications = "Applications"
	keyFiles        = "iTunes Files"
	keySettings     = "iTunes Settings"
	keyBooks        = "iBooks Data 2"
	keyTargetType   = "Target Type"
	keyUnique       = "Unique Identifier"
)

// NewGUID makes the GUID of a new backup folder.
func NewGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.ToUpper(hex.EncodeToString(b[:]))
}

// ParseInfo reads an Info.plist.
func ParseInfo(data []byte) (*Info, error) {
	d, err := plist.ParseDict(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", infoName, err)
	}
	return infoOf(d), nil
}

// infoOf takes d apart.
func infoOf(d plist.Dict) *Info {
	i := &Info{
		LastBackupDate:        d.Time(keyLastBackup),
		InstalledApplications: d.Strings(keyInstalled),
		ITunesSettings:        d.Dict(keySettings),
		IBooksData:            d.Data(keyBooks),
	}
	for key, field := range i.infoStrings() {
		*field = d.String(key)
	}
	if raw := d.Data("GUID"); raw != nil { // pymobiledevice3 writes the bytes
		i.GUID = strings.ToUpper(hex.EncodeToString(raw))
	}
	if apps := d.Dict(keyApplications); apps != nil {
		i.Applications = make(map[string]InfoApplication, len(apps))
		for id := range apps {
			i.Applications[id] = appOf(apps.Dict(id))
		}
	}
	if files := d.Dict(keyFiles); files != nil {
		i.ITunesFiles = make(map[string][]byte, len(files))
		for name := range files {
			i.ITunesFiles[name] = files.Data(name)
		}
	}
	i.Other = others(d, keyLastBackup, keyInstalled, keyApplications, keyFiles, keySettings, keyBooks, keyTargetType, keyUnique)
	for key := range i.infoStrings() {
		delete(i.Other, key)
	}
	return i
}

// others copies the entries that are not named.
func others(d plist.Dict, named ...string) map[string]any {
	rest := maps.Clone(map[string]any(d))
	for _, key := range named {
		delete(rest, key)
	}
	return rest
}

func appOf(d plist.Dict) InfoApplication {
	return InfoApplication{
		ApplicationSINF: d.Data("ApplicationSINF"),
		ITunesMetadata:  d.Data("iTunesMetadata"),
		PlaceholderIcon: d.Data("PlaceholderIcon"),
		IsDemotedApp:    d.Bool("IsDemotedApp"),
		Other:           others(d, "ApplicationSINF", "iTunesMetadata", "PlaceholderIcon", "IsDemotedApp"),
	}
}

func (a InfoApplication) dict() plist.Dict {
	d := plist.Dict{}
	maps.Copy(d, a.Other)
	for key, value := range map[string][]byte{
		"ApplicationSINF": a.ApplicationSINF, "iTunesMetadata": a.ITunesMetadata, "PlaceholderIcon": a.PlaceholderIcon,
	} {
		if value != nil {
			d[key] = value
		}
	}
	if a.IsDemotedApp {
		d["IsDemotedApp"] = true
	}
	return d
}

// Marshal encodes the file as iTunes does, as XML; or as a binary list where
// XML cannot carry what an owner has typed.
func (i *Info) Marshal() ([]byte, error) {
	d := plist.Dict{}
	maps.Copy(d, i.Other)
	for key, field := range i.infoStrings() {
		if *field != "" {
			d[key] = *field
		}
	}
	apps, files := plist.Dict{}, plist.Dict{}
	for id, a := range i.Applications {
		apps[id] = a.dict()
	}
	for name, data := range i.ITunesFiles {
		files[name] = data
	}
	d[keyApplications], d[keyFiles] = apps, files
	d[keyInstalled] = append([]string{}, i.InstalledApplications...)
	d[keySettings] = plist.Dict(i.ITunesSettings)
	d[keyTargetType] = "Device"
	if i.UDID != "" {
		d[keyUnique] = strings.ToUpper(i.UDID)
	}
	if !i.LastBackupDate.IsZero() {
		d[keyLastBackup] = i.LastBackupDate.UTC()
	}
	if i.IBooksData != nil {
		d[keyBooks] = i.IBooksData
	}
	if data, err := plist.MarshalXML(d); err == nil {
		return data, nil
	}
	return plist.MarshalBinary(d)
}

// ReadInfo reads a folder's Info.plist. A folder without one is
// fs.ErrNotExist; a broken one, also an empty one (Finder leaves it empty for
// seconds while it writes), is ErrDamaged.
func ReadInfo(fsys fs.FS) (*Info, error) {
	data, err := readBounded(fsys, infoName, infoLimit)
	if err != nil {
		return nil, err
	}
	i, err := ParseInfo(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return i, nil
}

// Summary is what a list of backups shows, read without opening them.
type Summary struct {
	// Info is without Applications and ITunesFiles; zero if there is none
	// that can be read.
	Info     Info
	Status   Status // zero if there is none
	Manifest *Manifest
}

// Summarize reads what a list shows of a folder. It passes over the icons
// that make an Info.plist large. Errors are those of Open, but an unfinished
// backup is none.
func Summarize(fsys fs.FS) (*Summary, error) {
	m, err := ReadManifest(fsys)
	if err != nil {
		return nil, err
	}
	s := &Summary{Manifest: m}
	if s.Status, err = ReadStatus(fsys); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if data, err := readBounded(fsys, infoName, infoLimit); err == nil {
		if d, err := plist.ParseDictWithout(data, keyApplications, keyFiles); err == nil {
			s.Info = *infoOf(d)
		}
	}
	return s, nil
}
