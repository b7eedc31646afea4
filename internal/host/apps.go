package host

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"russet/internal/plist"
	"russet/mobilesync"
)

// App is an app with all its containers, or a part of the system.
type App struct {
	Name   string `json:"name"`             // as the store sells it; else the bundle, or the domain
	Bundle string `json:"bundle,omitempty"` // "" for parts of the system
	Amount
	New Amount `json:"new"`
}

// The domains of an app's containers begin so; its bundle ID follows.
const (
	appDomain    = "AppDomain-"
	pluginDomain = "AppDomainPlugin-"
	groupDomain  = "AppDomainGroup-"
)

// appsOf puts the domains of each app together. A plug-in is called after its
// app, a group usually; one that is not stands for itself.
func appsOf(domains []Domain, names map[string]string) []App {
	bundles := make([]string, 0, len(names))
	for id := range names {
		bundles = append(bundles, id)
	}
	for _, d := range domains {
		if id, ok := strings.CutPrefix(d.Name, appDomain); ok {
			bundles = append(bundles, id)
		}
	}
	slices.Sort(bundles)
	bundles = slices.Compact(bundles)
	byName := map[string]*App{}
	for _, d := range domains {
		name, bundle := d.Name, bundleOf(d.Name, bundles)
		if bundle != "" {
			name = cmp.Or(names[bundle], bundle)
		}
		key := cmp.Or(bundle, d.Name)
		a := byName[key]
		if a == nil {
			a = &App{Name: name, Bundle: bundle}
			byName[key] = a
		}
		a.Files, a.Bytes = a.Files+d.Files, a.Bytes+d.Bytes
		a.New.Files, a.New.Bytes = a.New.Files+d.New.Files, a.New.Bytes+d.New.Bytes
	}
	apps := make([]App, 0, len(byName))
	for _, a := range byName {
		apps = append(apps, *a)
	}
	slices.SortFunc(apps, func(a, b App) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name, b.Name), strings.Compare(a.Bundle, b.Bundle))
	})
	return apps
}

// bundleOf is the app a domain belongs to; "" for parts of the system.
func bundleOf(domain string, bundles []string) string {
	if id, ok := strings.CutPrefix(domain, appDomain); ok {
		return id
	}
	id, ok := strings.CutPrefix(domain, pluginDomain)
	if !ok {
		if id, ok = strings.CutPrefix(domain, groupDomain); !ok {
			return ""
		}
		id = strings.TrimPrefix(id, "group.")
	}
	// The longest app that the name is, or goes on from.
	for name := id; name != ""; {
		if _, is := slices.BinarySearch(bundles, name); is {
			return name
		}
		dot := strings.LastIndexByte(name, '.')
		name = name[:max(dot, 0)]
	}
	return ""
}

// appNames reads what the apps of a backup are called, from what Info.plist
// keeps of the store they were bought in. Whatever is wrong with it, nothing
// but names is missing.
func appNames(folder fs.FS) map[string]string {
	names := map[string]string{}
	info, err := mobilesync.ReadInfo(folder)
	if err != nil {
		return names
	}
	for id, app := range info.Applications {
		if d, err := plist.ParseDict(app.ITunesMetadata); err == nil {
			names[id] = d.String("itemName")
		}
	}
	return names
}
