package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"russet"
	"russet/device"
	"russet/device/afc"
	"russet/device/installationproxy"
	"russet/device/springboard"
	"russet/internal/plist"
	"russet/mobilesync"
)

const (
	// previousLimit bounds the last Info.plist; one of 57.9 MB was seen.
	previousLimit = 128 << 20
	// mediaLimit bounds one of iTunes' files on the device.
	mediaLimit = 16 << 20
	// iconsLimit bounds all icons together.
	iconsLimit = 128 << 20
)

// itunesFiles are what hosts copy from /iTunes_Control/iTunes.
func itunesFiles() []string {
	return []string{
		"ApertureAlbumPrefs", "IC-Info.sidb", "IC-Info.sidv", "PhotosFolderAlbums", "PhotosFolderName", "PhotosFolderPrefs",
		"VoiceMemos.plist", "iPhotoAlbumPrefs", "iTunesApplicationIDs", "iTunesPrefs", "iTunesPrefs.plist",
	}
}

// infoMaker makes Info.plist: what Finder and backup browsers show of a
// backup, and the list of apps from which a restore has them downloaded again.
// The device itself does not need it, so that a service it refuses leaves
// something out and no more.
type infoMaker struct {
	dev      *device.Device
	media    *afc.Client // may be nil
	log      *slog.Logger
	udid     russet.UDID
	previous io.Reader    // the last Info.plist, may be nil
	note     func(string) // tells a person something; may be nil

	last []byte           // what previous held
	then *mobilesync.Info // the same, read; nil before lastInfo
}

// InfoPlist makes the Info.plist of a backup that begins now. previous is the
// last one, whose GUID is kept; it may be nil. media may be nil too.
func InfoPlist(ctx context.Context, dev *device.Device, media *afc.Client, previous io.Reader, opts BackupOptions) ([]byte, error) {
	opts = opts.withDefaults()
	m := infoMaker{dev: dev, media: media, log: opts.Log, udid: opts.UDID, previous: previous}
	return m.make(ctx, time.Now())
}

func (m *infoMaker) make(ctx context.Context, now time.Time) ([]byte, error) {
	values, err := m.dev.Values(ctx, "")
	if err != nil {
		return nil, err
	}
	info := &mobilesync.Info{
		BuildVersion:   values.String("BuildVersion"),
		DeviceName:     values.String("DeviceName"),
		DisplayName:    values.String("DeviceName"),
		GUID:           m.guid(),
		ICCID:          values.String("IntegratedCircuitCardIdentity"),
		IMEI:           values.String("InternationalMobileEquipmentIdentity"),
		IMEI2:          values.String("InternationalMobileEquipmentIdentity2"),
		MEID:           values.String("MobileEquipmentIdentifier"),
		PhoneNumber:    values.String("PhoneNumber"),
		ProductName:    mobilesync.ProductName(values.String("ProductType")), // lockdown's own says "iPhone OS", even on an iPad
		ProductType:    values.String("ProductType"),
		ProductVersion: values.String("ProductVersion"),
		SerialNumber:   values.String("SerialNumber"),
		UDID:           string(m.udid),
		LastBackupDate: now.UTC().Truncate(time.Second),
	}
	for _, fill := range []func(context.Context, *mobilesync.Info) error{m.settings, m.applications, m.mediaFiles} {
		if err := fill(ctx, info); err != nil {
			return nil, err
		}
	}
	return info.Marshal()
}

// lenient passes on what ends a run and logs the rest.
func (m *infoMaker) lenient(ctx context.Context, what string, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	m.log.Warn("left out of Info.plist", "what", what, "error", err)
	return nil
}

func (m *infoMaker) settings(ctx context.Context, info *mobilesync.Info) error {
	settings, err := m.dev.Values(ctx, "com.apple.iTunes")
	if err := m.lenient(ctx, "iTunes Settings", err); err != nil {
		return err
	}
	info.ITunesSettings = settings
	domain, err := m.dev.Values(ctx, "com.apple.mobile.iTunes")
	// The default is what hosts write when the device does not say.
	info.ITunesVersion = cmp.Or(domain.String("MinITunesVersion"), "10.0.1")
	return m.lenient(ctx, "iTunes Version", err)
}

// applications lists the apps, and for those from the App Store what a restore
// needs to have them downloaded again. Where the device does not tell, those of
// the last backup count: a restore without the list loses the apps and what is
// in them.
func (m *infoMaker) applications(ctx context.Context, info *mobilesync.Info) error {
	info.Applications = map[string]mobilesync.InfoApplication{}
	err := m.browse(ctx, func(app plist.Dict) {
		id := app.String(installationproxy.BundleIdentifier)
		if id == "" {
			return
		}
		info.InstalledApplications = append(info.InstalledApplications, id)
		sinf, metadata := app.Data(installationproxy.ApplicationSINF), app.Data(installationproxy.ITunesMetadata)
		if sinf != nil && metadata != nil {
			info.Applications[id] = mobilesync.InfoApplication{ApplicationSINF: sinf, ITunesMetadata: metadata}
		}
	})
	if err := m.lenient(ctx, "Applications", err); err != nil {
		return err
	}
	if err != nil {
		m.appsOfBefore(info)
		return nil
	}
	if len(info.Applications) == 0 {
		return nil
	}
	return m.lenient(ctx, "icons", m.icons(ctx, info.Applications))
}

// appsOfBefore adds the apps of the last backup to those the device told.
func (m *infoMaker) appsOfBefore(info *mobilesync.Info) {
	last := m.lastInfo()
	if len(last.InstalledApplications) == 0 {
		m.tell("the phone did not say which apps it has: a restore of this backup would not have them downloaded again")
		return
	}
	for _, id := range last.InstalledApplications {
		if !slices.Contains(info.InstalledApplications, id) {
			info.InstalledApplications = append(info.InstalledApplications, id)
		}
	}
	for id, app := range last.Applications {
		if _, ok := info.Applications[id]; !ok {
			info.Applications[id] = app
		}
	}
	m.tell("the phone did not say which apps it has; the list of the last backup was taken")
}

func (m *infoMaker) tell(text string) {
	if m.note != nil {
		m.note(text)
	}
}

func (m *infoMaker) browse(ctx context.Context, app func(plist.Dict)) error {
	conn, err := m.dev.Dial(ctx, installationproxy.Service, device.ServiceOptions{})
	if err != nil {
		return err
	}
	c := installationproxy.NewClient(conn)
	defer func() { _ = c.Close() }() // only read from
	for d, err := range c.Browse(ctx, installationproxy.Query{
		Type: installationproxy.User,
		Attributes: []string{
			installationproxy.BundleIdentifier, installationproxy.ApplicationSINF, installationproxy.ITunesMetadata,
		},
	}) {
		if err != nil {
			return err
		}
		app(d)
	}
	return nil
}

// icons fetches what the last backup does not have already: each is a question
// and an answer, and a phone on a slow network has hundreds of them.
func (m *infoMaker) icons(ctx context.Context, applications map[string]mobilesync.InfoApplication) error {
	total, missing := m.iconsOfBefore(applications)
	if missing == 0 {
		return nil
	}
	conn, err := m.dev.Dial(ctx, springboard.Service, device.ServiceOptions{})
	if err != nil {
		return err
	}
	c := springboard.NewClient(conn)
	defer func() { _ = c.Close() }() // only read from
	for id, app := range applications {
		if app.PlaceholderIcon != nil {
			continue
		}
		icon, err := c.Icon(ctx, id)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if total += len(icon); total > iconsLimit {
			return errors.New("the icons are too large")
		}
		app.PlaceholderIcon = icon
		applications[id] = app
	}
	return nil
}

// iconsOfBefore gives apps that are as they were at the last backup, version and
// purchase, the icons they had then: total bytes. missing is how many apps still
// lack theirs.
func (m *infoMaker) iconsOfBefore(applications map[string]mobilesync.InfoApplication) (total, missing int) {
	for id, app := range applications {
		was := m.lastInfo().Applications[id]
		if was.PlaceholderIcon == nil || !bytes.Equal(was.ITunesMetadata, app.ITunesMetadata) || !bytes.Equal(was.ApplicationSINF, app.ApplicationSINF) {
			missing++
			continue
		}
		app.PlaceholderIcon = was.PlaceholderIcon
		applications[id] = app
		total += len(app.PlaceholderIcon)
	}
	return total, missing
}

// mediaFiles reads what iTunes once kept on the device, where it is there.
func (m *infoMaker) mediaFiles(ctx context.Context, info *mobilesync.Info) error {
	if m.media == nil {
		return nil
	}
	books, err := m.media.ReadFile(ctx, "/Books/iBooksData2.plist", mediaLimit)
	if err == nil {
		info.IBooksData = books
	} else if !errors.Is(err, fs.ErrNotExist) {
		return m.lenient(ctx, "iBooks Data 2", err)
	}
	info.ITunesFiles = map[string][]byte{}
	there, err := m.media.ReadDir(ctx, "/iTunes_Control/iTunes")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range itunesFiles() {
		if err == nil && !slices.Contains(there, name) {
			continue
		}
		data, err := m.media.ReadFile(ctx, "/iTunes_Control/iTunes/"+name, mediaLimit)
		switch {
		case err == nil:
			info.ITunesFiles[name] = data
		case !errors.Is(err, fs.ErrNotExist):
			return m.lenient(ctx, "iTunes Files", err)
		}
	}
	return nil
}

// lastInfo is the last Info.plist, an empty one if there is none that can be
// read.
func (m *infoMaker) lastInfo() *mobilesync.Info {
	if m.then == nil {
		var err error
		if m.then, err = mobilesync.ParseInfo(m.last); err != nil {
			m.then = &mobilesync.Info{}
		}
	}
	return m.then
}

// guid is that of the last Info.plist, or a new one.
func (m *infoMaker) guid() string {
	if m.previous == nil {
		return mobilesync.NewGUID()
	}
	var err error
	if m.last, err = io.ReadAll(io.LimitReader(m.previous, previousLimit)); err != nil {
		return mobilesync.NewGUID()
	}
	// All of it but what makes it large.
	last, err := plist.ParseDictWithout(m.last, "Applications", "iTunes Files")
	if err != nil || last.String("GUID") == "" {
		return mobilesync.NewGUID()
	}
	return last.String("GUID")
}
