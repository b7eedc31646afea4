package vphone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"net"
	"slices"
	"strings"

	"russet/vphone/disk"
	"russet/vphone/internal/plist"
	"russet/vphone/internal/wire"
)

// An app is an application on the phone: every AppDomain on its disk is one.
type app struct {
	id   string
	size int64 // of its data
}

const appDomain = "AppDomain-"

// errEnough ends a walk.
var errEnough = errors.New("enough")

// findApps walks the disk up to the last application; they come first.
func (p *Phone) findApps() ([]app, error) {
	var apps []app
	err := p.disk.Walk(func(e *disk.Entry) error {
		id, ok := strings.CutPrefix(e.Domain, appDomain)
		switch {
		case !ok && e.Domain > appDomain:
			return errEnough
		case !ok:
			return nil
		}
		if len(apps) == 0 || apps[len(apps)-1].id != id {
			apps = append(apps, app{id: id})
		}
		apps[len(apps)-1].size += e.Size
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("list applications: %w", err)
	}
	return apps, nil
}

// name makes a name of the last part of the identifier.
func (a app) name() string {
	word := a.id[strings.LastIndexByte(a.id, '.')+1:]
	if word == "" {
		return a.id
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// attributes is what installation_proxy tells of an application.
func (a app) attributes() (map[string]any, error) {
	hash := fnv.New64a()
	hash.Write([]byte(a.id))
	sum := hash.Sum64()
	version := fmt.Sprintf("%d.%d", 1+sum%9, sum>>8%10)
	metadata, err := plist.Binary(map[string]any{
		"itemId":                   int64(sum >> 34),
		"itemName":                 a.name(),
		"artistName":               "Virtual Software",
		"kind":                     "software",
		"softwareVersionBundleId":  a.id,
		"bundleShortVersionString": version,
		"bundleVersion":            version,
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"ApplicationSINF":            fmt.Appendf(nil, "sinf of %s", a.id),
		"ApplicationType":            "User",
		"CFBundleDisplayName":        a.name(),
		"CFBundleExecutable":         a.name(),
		"CFBundleIdentifier":         a.id,
		"CFBundleName":               a.name(),
		"CFBundleShortVersionString": version,
		"CFBundleVersion":            version,
		"DynamicDiskUsage":           a.size,
		"MinimumOSVersion":           "15.0",
		"Path":                       fmt.Sprintf("/private/var/containers/Bundle/Application/%016X/%s.app", sum, a.name()),
		"StaticDiskUsage":            int64(20<<20 + sum%(80<<20)),
		"iTunesMetadata":             metadata,
	}, nil
}

// browsed is how many applications go into one answer.
const browsed = 20

func serveInstallation(_ context.Context, p *Phone, conn net.Conn) error {
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
		if hasIDs && !slices.Contains(ids, any(a.id)) {
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
		chosen = append(chosen, shownApp{a.id, shown})
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

// serveSpringboard draws icons.
func serveSpringboard(_ context.Context, _ *Phone, conn net.Conn) error {
	for {
		msg, err := wire.Read(conn)
		if err != nil {
			return err
		}
		reply := map[string]any{}
		if id, ok := msg["bundleId"].(string); ok && msg["command"] == "getIconPNGData" {
			if reply["pngData"], err = icon(id); err != nil {
				return err
			}
		}
		if err := wire.WriteBinary(conn, reply); err != nil {
			return err
		}
	}
}

// icon is a square with round corners in a colour of the application's own.
func icon(id string) ([]byte, error) {
	const size, radius = 60, 13
	hash := fnv.New32a()
	hash.Write([]byte(id))
	sum := hash.Sum32()
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			dx := max(radius-x, x-(size-1-radius), 0)
			dy := max(radius-y, y-(size-1-radius), 0)
			if dx*dx+dy*dy > radius*radius {
				continue
			}
			shade := uint8(y)
			img.SetNRGBA(x, y, color.NRGBA{byte(sum)/2 + 128 - shade, byte(sum>>8)/2 + 128 - shade, byte(sum>>16)/2 + 128 - shade, 255})
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}
