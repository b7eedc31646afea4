package vphone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"slices"
	"strings"

	"russet/vphone/disk"
	"russet/vphone/internal/plist"
	"russet/vphone/internal/wire"
)

// An App is what the App Store knows of an application. Only ID must be set.
type App struct {
	ID      string // CFBundleIdentifier
	Name    string
	Version string // CFBundleShortVersionString
	Build   string // CFBundleVersion
	Artist  string
	Genre   string
	ItemID  int64
	Icon    []byte // PNG
}

// made fills what is empty with something made of the identifier.
func (a App) made() App {
	sum := int64(hash(a.ID))
	word := a.ID[strings.LastIndexByte(a.ID, '.')+1:]
	if word != "" {
		word = strings.ToUpper(word[:1]) + word[1:]
	}
	a.Name = cmp.Or(a.Name, word, a.ID)
	a.Version = cmp.Or(a.Version, fmt.Sprintf("%d.%d", 1+sum%9, sum>>8%10))
	a.Build = cmp.Or(a.Build, a.Version)
	a.Artist = cmp.Or(a.Artist, "Virtual Software")
	a.Genre = cmp.Or(a.Genre, "Utilities")
	a.ItemID = cmp.Or(a.ItemID, sum)
	return a
}

func hash(text string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(text))
	return h.Sum32()
}

// An installedApp is an application on the phone: every AppDomain on its disk
// is one.
type installedApp struct {
	App
	size int64 // of its data
}

const appDomain = "AppDomain-"

// errEnough ends a walk.
var errEnough = errors.New("enough")

// installed lists the applications. It walks the disk the first time, and
// after a reboot, as a restore ends with one.
func (p *Phone) installed() ([]installedApp, error) {
	p.appsMu.Lock()
	defer p.appsMu.Unlock()
	if p.apps != nil {
		return p.apps, nil
	}
	apps := []installedApp{}
	err := p.disk.Walk(func(e *disk.Entry) error {
		id, ok := strings.CutPrefix(e.Domain, appDomain)
		switch {
		case !ok && e.Domain > appDomain:
			return errEnough // the domains are sorted
		case !ok:
			return nil
		}
		if len(apps) == 0 || apps[len(apps)-1].ID != id {
			known := App{ID: id}
			if i := slices.IndexFunc(p.knownApps, func(a App) bool { return a.ID == id }); i >= 0 {
				known = p.knownApps[i]
			}
			apps = append(apps, installedApp{App: known.made()})
		}
		apps[len(apps)-1].size += e.Size
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("list applications: %w", err)
	}
	p.apps = apps
	return apps, nil
}

func (p *Phone) forgetApps() {
	p.appsMu.Lock()
	defer p.appsMu.Unlock()
	p.apps = nil
}

// attributes is what installation_proxy tells of an application.
func (a installedApp) attributes() (map[string]any, error) {
	metadata, err := plist.Binary(map[string]any{
		"artistName":               a.Artist,
		"bundleShortVersionString": a.Version,
		"bundleVersion":            a.Build,
		"genre":                    a.Genre,
		"itemId":                   a.ItemID,
		"itemName":                 a.Name,
		"kind":                     "software",
		"softwareVersionBundleId":  a.ID,
	})
	if err != nil {
		return nil, err
	}
	sum := hash(a.ID)
	return map[string]any{
		"ApplicationSINF":            fmt.Appendf(nil, "sinf of %s", a.ID),
		"ApplicationType":            "User",
		"CFBundleDisplayName":        a.Name,
		"CFBundleExecutable":         a.Name,
		"CFBundleIdentifier":         a.ID,
		"CFBundleName":               a.Name,
		"CFBundleShortVersionString": a.Version,
		"CFBundleVersion":            a.Build,
		"DynamicDiskUsage":           a.size,
		"MinimumOSVersion":           "15.0",
		"Path":                       fmt.Sprintf("/private/var/containers/Bundle/Application/%08X/%s.app", sum, a.Name),
		"StaticDiskUsage":            int64(20<<20 + sum%(80<<20)),
		"iTunesMetadata":             metadata,
	}, nil
}

// browsed is how many applications go into one answer.
const browsed = 20

func serveInstallation(_ context.Context, p *Phone, conn net.Conn, _ guest) error {
	for {
		msg, err := wire.Read(conn)
		if err != nil {
			return err
		}
		options, _ := msg["ClientOptions"].(map[string]any)
		apps, err := p.chosenApps(options)
		if err != nil {
			return err
		}
		switch msg["Command"] {
		case "Browse":
			err = browse(conn, apps)
		case "Lookup":
			result := map[string]any{}
			for _, a := range apps {
				result[a.id] = a.shown
			}
			err = wire.WriteXML(conn, map[string]any{"LookupResult": result, "Status": "Complete"})
		default:
			err = wire.WriteXML(conn, map[string]any{
				"Error":            "InvalidCommand",
				"ErrorDescription": fmt.Sprintf("the virtual iPhone does not know %v", msg["Command"]),
			})
		}
		if err != nil {
			return err
		}
	}
}

// A shownApp is an application with the attributes a host asked for.
type shownApp struct {
	id    string
	shown map[string]any
}

// chosenApps applies ApplicationType, BundleIDs and ReturnAttributes.
func (p *Phone) chosenApps(options map[string]any) ([]shownApp, error) {
	if kind, ok := options["ApplicationType"].(string); ok && kind != "User" && kind != "Any" {
		return nil, nil
	}
	ids, hasIDs := options["BundleIDs"].([]any)
	keys, hasKeys := options["ReturnAttributes"].([]any)
	installed, err := p.installed()
	if err != nil {
		return nil, err
	}
	var chosen []shownApp
	for _, a := range installed {
		if hasIDs && !slices.Contains(ids, any(a.ID)) {
			continue
		}
		all, err := a.attributes()
		if err != nil {
			return nil, err
		}
		shown := all
		if hasKeys {
			shown = map[string]any{}
			for _, key := range keys {
				if name, ok := key.(string); ok && all[name] != nil {
					shown[name] = all[name]
				}
			}
		}
		chosen = append(chosen, shownApp{a.ID, shown})
	}
	return chosen, nil
}

func browse(conn net.Conn, apps []shownApp) error {
	at := 0
	for part := range slices.Chunk(apps, browsed) {
		list := make([]any, len(part))
		for i, a := range part {
			list[i] = a.shown
		}
		err := wire.WriteXML(conn, map[string]any{
			"Status": "BrowsingApplications", "Total": len(apps),
			"CurrentIndex": at, "CurrentAmount": len(part), "CurrentList": list,
		})
		if err != nil {
			return err
		}
		at += len(part)
	}
	return wire.WriteXML(conn, map[string]any{"Status": "Complete"})
}
