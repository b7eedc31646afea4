package content

import (
	"cmp"
	"fmt"
	"slices"

	"russet/vphone/content/internal/dice"
	"russet/vphone/content/internal/picture"
)

// App is an application on a phone. Its files are in the domains
// AppDomain-BundleID, AppDomainGroup-… for Groups and AppDomainPlugin-… for
// Plugins.
type App struct {
	BundleID string
	Name     string
	Version  string // CFBundleShortVersionString
	Build    string // CFBundleVersion
	Artist   string
	Genre    string
	ItemID   int // in the App Store
	Groups   []string
	Plugins  []string

	seed uint64
}

// Icon draws the application's icon, a PNG of 60 points square.
func (a App) Icon() ([]byte, error) { return picture.PNG(dice.New(a.seed, "icon", a.BundleID), 60) }

const whatsApp = "net.whatsapp.WhatsApp"

var appWords = []string{
	"trails", "ledger", "recipes", "tides", "sketch", "transit", "chess", "podcast", "garden", "budget", "lantern", "metronome", "atlas", "journal",
}

var genres = []string{"Navigation", "Finance", "Food & Drink", "Weather", "Games", "Music", "Productivity", "News"}

// Apps lists the applications that people installed on the phone made with
// these options, by bundle identifier.
func Apps(o Options) ([]App, error) {
	p, err := o.plan()
	if err != nil || p.bare {
		return nil, err
	}
	if p.onTheFly {
		p = plans[0]
	}
	apps := []App{{
		BundleID: whatsApp, Name: "WhatsApp", Version: "25.7.75", Build: "251075000", Artist: "WhatsApp Inc.", Genre: "Social Networking",
		ItemID: 310633997, Groups: []string{"group.net.whatsapp.WhatsApp.shared"}, Plugins: []string{whatsApp + ".ShareExtension"}, seed: o.Seed,
	}}
	for i := range p.apps - 1 {
		apps = append(apps, madeApp(o.Seed, i))
	}
	slices.SortFunc(apps, func(a, b App) int { return cmp.Compare(a.BundleID, b.BundleID) })
	return apps, nil
}

func madeApp(seed uint64, i int) App {
	d := dice.New(seed, "app", fmt.Sprint(i))
	word := appWords[i%len(appWords)]
	if i >= len(appWords) {
		word += fmt.Sprint(i / len(appWords))
	}
	a := App{
		BundleID: "org.example." + word, Name: string(word[0]-'a'+'A') + word[1:], Artist: "Example Software", Genre: dice.Pick(d, genres),
		Version: fmt.Sprintf("%d.%d.%d", d.Between(1, 9), d.IntN(20), d.IntN(10)), Build: fmt.Sprint(d.Between(100, 99_999)),
		ItemID: 1_000_000_000 + d.IntN(500_000_000), seed: seed,
	}
	if i%2 == 0 {
		a.Groups = []string{"group." + a.BundleID}
	}
	if i%3 == 0 {
		a.Plugins = []string{a.BundleID + ".widget"}
	}
	return a
}
