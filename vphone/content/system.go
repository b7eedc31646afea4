package content

import (
	"fmt"
	"time"

	"russet/vphone/content/internal/dice"
	"russet/vphone/disk"
)

// system puts what iOS itself keeps in each of its domains.
func (m *maker) system(o Options, apps []App) {
	d := m.roll("system")
	m.preferences(d, apps)
	m.domains(d, o)
	m.secrets(d)
	m.skeletons()
}

func (m *maker) preferences(d *dice.Dice, apps []App) {
	const home = "HomeDomain"
	for _, name := range []string{
		".GlobalPreferences", "com.apple.springboard", "com.apple.mobilesafari", "com.apple.MobileSMS", "com.apple.Accessibility",
		"com.apple.keyboard.preferences", "com.apple.camera", "com.apple.mobilephone",
	} {
		m.plist(home, "Library/Preferences/"+name+".plist", map[string]any{
			"AppleLocale": "de_DE", "AppleLanguages": []string{"de-DE", "en-GB"}, "LastChange": m.now, "Token": d.Bytes(16), "Count": d.IntN(1000),
		}, class(4))
	}
	icons := make([]any, len(apps))
	for i, a := range apps {
		icons[i] = a.BundleID
	}
	m.plist(home, "Library/SpringBoard/IconState.plist", map[string]any{
		"buttonBar": []any{"com.apple.mobilephone", "com.apple.mobilesafari"}, "iconLists": []any{icons},
	}, class(4))
	m.photo(home, "Library/SpringBoard/OriginalLockBackground.cpbitmap", d.Uint64(), 60_000, class(4))
	m.bytesFile(home, "Library/Preferences/com.apple.empty.plist", nil, class(4))
	m.bytesFile(home, "Library/Safari/Thumbnails/.keep", nil)
	m.bytesFile(home, "Library/Cookies/Cookies.binarycookies", append([]byte("cook"), d.Bytes(900)...))
	m.plist(home, "Library/Mail/Accounts.plist", map[string]any{"Accounts": []any{}})
	for _, zone := range []string{"Metadata", "Records"} {
		m.media(home, "Library/Application Support/com.apple.internal.ck/"+zone+".bin", nil, d.Uint64(), int64(d.Between(100, 4000)), flagged(128), class(4))
	}
	m.cloudDrive(d)
	m.link(home, "Library/Preferences/group.com.apple.shared.plist",
		"/private/var/mobile/Containers/Shared/AppGroup/"+d.UUID()+"/Library/Preferences/group.com.apple.shared.plist")
}

// cloudDrive puts a document that is on the phone and two that are only in
// iCloud: no content, but a size.
func (m *maker) cloudDrive(d *dice.Dice) {
	const root = "Library/Mobile Documents/com~apple~CloudDocs/"
	m.bytesFile("HomeDomain", root+"Shopping list.txt", []byte(d.Text(300)))
	for name, size := range []int64{2_345_678, 99} {
		dataless := func(e *disk.Entry) { e.ScanSize = size }
		m.bytesFile("HomeDomain", fmt.Sprintf(root+"Reports/Report %d.pdf", name+1), nil, dataless)
	}
	m.plist("HomeDomain", "Library/Application Support/CloudDocs/session/containers.plist", map[string]any{"containers": []any{"com~apple~CloudDocs"}})
}

func (m *maker) domains(d *dice.Dice, o Options) {
	m.plist("RootDomain", "Library/Preferences/com.apple.MobileBackup.plist", map[string]any{"AccountEnabledDate": beginning, "BackupStateInfo": d.Bytes(40)}, class(4))
	m.plist("RootDomain", "Library/Caches/locationd/consolidated.plist", map[string]any{"Interval": 60}, class(4), mode(0o600))
	m.bytesFile("DatabaseDomain", "timezone/zone.tab", []byte(d.Text(500)), class(4))
	m.link("DatabaseDomain", "timezone/localtime", "/usr/share/zoneinfo/Europe/Berlin")
	m.plist("InstallDomain", "Library/MobileInstallation/LastLaunchServicesMap.plist", map[string]any{"System": map[string]any{}}, class(4))
	m.plist("ManagedPreferencesDomain", "mobile/com.apple.webcontentfilter.plist", map[string]any{"restrictWeb": false}, class(4))
	m.plist("SystemPreferencesDomain", "SystemConfiguration/preferences.plist", map[string]any{
		"System": map[string]any{"System": map[string]any{"ComputerName": o.deviceName(), "HostName": "iPhone"}},
	}, class(4))
	m.plist("WirelessDomain", "Library/Preferences/com.apple.commcenter.plist", map[string]any{"CarrierId": "310410", "PhoneNumber": "+12015550100"}, owned(25, -2), class(4))
	m.bytesFile("KeyboardDomain", "Library/Keyboard/UserDictionary.txt", []byte(d.Text(900)))
	m.plist("TonesDomain", "Media/iTunes_Control/iTunes/Ringtones.plist", map[string]any{"Ringtones": map[string]any{}})
	m.media("MobileDeviceDomain", "ProvisioningProfiles/"+d.UUID(), []byte("0\x82"), d.Uint64(), 4000, class(4))
	m.plist("NetworkDomain", "Library/Preferences/com.apple.networkd.plist", map[string]any{"version": 3}, class(4))
	m.bytesFile("ProtectedDomain", "trustd/private/analytics.state", d.Bytes(77), class(4))
	m.plist("BooksDomain", "Media/Books/Books.plist", map[string]any{"Books": []any{}})
	m.plist("MediaDomain", "Media/iTunes_Control/iTunes/iTunesPrefs.plist", map[string]any{"iPodPrefs": d.Bytes(60)})
	m.plist("SysSharedContainerDomain-systemgroup.com.apple.configurationprofiles", "Library/ConfigurationProfiles/EffectiveUserSettings.plist",
		map[string]any{"restrictedBool": map[string]any{"allowCamera": map[string]any{"value": true}}}, class(4))
	m.plist("SysContainerDomain-com.apple.geod", "Library/Preferences/com.apple.geod.plist", map[string]any{"ttl": 86400}, class(4))
	m.plist("AppDomain-com.apple.mobilesafari", "Library/Preferences/com.apple.mobilesafari.plist", map[string]any{"Bookmarks": 40})
	m.plist("AppDomain-com.apple.Preferences", "Library/Preferences/com.apple.Preferences.plist", map[string]any{"kPreferencePositionKey": ""})
}

// secrets puts what only an encrypted backup holds, and the keychain, which
// is there always but cannot be read from an unencrypted one.
func (m *maker) secrets(d *dice.Dice) {
	item := func() map[string]any {
		return map[string]any{"v_Data": append([]byte{3, 0, 0, 0, 7, 0, 0, 0, 40, 0, 0, 0}, d.Bytes(180)...), "v_PersistentRef": append([]byte("genp"), d.Bytes(8)...)}
	}
	items := []any{item(), item(), item()}
	m.plist("KeychainDomain", "keychain-backup.plist", map[string]any{"genp": items, "inet": items[:1], "cert": []any{}, "keys": []any{}},
		class(1), mode(0o400))
	m.bytesFile("KeychainDomain", "TrustStore.sqlite3", nil, class(4))
	m.plist("SystemPreferencesDomain", "com.apple.wifi.known-networks.plist", map[string]any{
		"wifi.network.ssid.Home 🏠": map[string]any{"AddReason": "WiFi Settings", "JoinedByUserAt": beginning.Add(time.Hour), "SSID": []byte("Home 🏠")},
	}, encryptedOnly)
	m.plist("SystemPreferencesDomain", "SystemConfiguration/com.apple.wifi-private-mac-networks.plist", map[string]any{"List": []any{}}, encryptedOnly)
	for _, name := range []string{"datastore.sqlite", "datastore3.sqlite", "protected-home.config", "plain-metadata.config"} {
		m.media("HomeKitDomain", "Library/homed/"+name, []byte("homed"), d.Uint64(), int64(d.Between(500, 20_000)), encryptedOnly)
	}
	m.plist("HomeDomain", "Library/Preferences/com.apple.speakerrecognition.plist", map[string]any{"v": 1}, encryptedOnly)
	m.bytesFile("HomeDomain", "Library/DoNotDisturb/DB/ModeConfigurations.json", []byte(`{"data":[],"header":{"version":2}}`), encryptedOnly)
	m.bytesFile("HomeDomain", "Library/com.apple.geod/state.json", []byte(`{"places":[]}`), encryptedOnly)
}

// skeletons makes the empty containers that phones are full of.
func (m *maker) skeletons() {
	for _, id := range []string{"com.apple.Maps", "com.apple.stocks", "com.apple.weather", "com.apple.podcasts", "com.apple.tips", "com.apple.Fitness"} {
		m.dir("AppDomain-"+id, "Documents")
		m.dir("AppDomain-"+id, "Library/Preferences")
		m.dir("AppDomainGroup-group."+id, "Library/Preferences")
		m.dir("AppDomainPlugin-"+id+".widget", "Library")
	}
	for _, id := range []string{"com.apple.adid", "com.apple.corespeech", "com.apple.lsd", "com.apple.wallpaper"} {
		m.dir("SysContainerDomain-"+id, "Library/Preferences")
		m.dir("SysSharedContainerDomain-systemgroup."+id, "")
	}
}
