package service

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
)

//go:embed page.html page.css
var pageFiles embed.FS

// pageTemplate is the page. html/template escapes whatever phones and people
// named.
var pageTemplate = template.Must(template.ParseFS(pageFiles, "page.html"))

// How often the page is asked for again, in seconds.
const (
	refreshUsual   = 30
	refreshRunning = 3
)

// pageView is what the page shows, in words.
type pageView struct {
	Title, Headline, Time, Version string
	Refresh                        int
	Needs                          []needView
	Devices                        []deviceView
	Stores                         []storeView
}

type needView struct{ Title, Text, Next, Since string }

type deviceView struct {
	Name, Where, Class, Text string
	Run                      *runView
	Missing                  []needView
	Facts                    []factView
}

type runView struct {
	Text    string
	Percent float64 // negative while it is not known
}

type storeView struct {
	Name, Where, Problem string
	Facts                []factView
}

type factView struct{ Name, Value string }

func (w *web) page(out http.ResponseWriter, r *http.Request) {
	st, err := w.glance.status(r.Context())
	if err != nil {
		http.Error(out, host.Explain(r.Context(), err).Error(), http.StatusInternalServerError)
		return
	}
	var b strings.Builder
	if err := pageTemplate.Execute(&b, newPageView(st)); err != nil {
		w.log.Error("the page could not be made", "error", err)
		http.Error(out, "the page could not be made", http.StatusInternalServerError)
		return
	}
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(out, b.String())
}

func style(out http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(out, r, pageFiles, "page.css")
}

func newPageView(st Status) pageView {
	v := pageView{
		Time: at(st.Time, st.Time), Version: russet.Version, Refresh: refreshUsual, Title: "russet",
		Needs: needs(st),
	}
	if len(st.Running) > 0 {
		v.Refresh = refreshRunning
	}
	switch n := len(v.Needs); {
	case n == 1:
		v.Headline, v.Title = "One thing needs you.", "(1) russet"
	case n > 1:
		v.Headline, v.Title = fmt.Sprintf("%d things need you.", n), fmt.Sprintf("(%d) russet", n)
	case len(st.Devices) == 0:
		v.Headline = "Ready for the first phone."
	case slices.ContainsFunc(st.Devices, func(d DeviceStatus) bool { return d.Decision.Due || d.Present && d.Problem != "" }):
		v.Headline = "Nothing needs you."
	default:
		v.Headline = "All is well."
	}
	for _, d := range st.Devices {
		device := newDeviceView(d, st.Time)
		for _, a := range st.Alarms {
			if a.Kind == notify.Damage && a.Device == d.UDID { // a new backup is no comfort
				device.Class = "ill"
				device.Missing = append(device.Missing, needView{Text: fmt.Sprintf("a backup of it in %s is damaged, see above", a.Store)})
			}
		}
		v.Devices = append(v.Devices, device)
	}
	for _, s := range st.Stores {
		v.Stores = append(v.Stores, newStoreView(s, st))
	}
	return v
}

// needs are what somebody must do something about: the alarms, and what ails
// that no alarm tells of.
func needs(st Status) []needView {
	var list []needView
	told := map[string]bool{}
	for _, a := range st.Alarms {
		told[string(a.Device)+"/"+a.Store] = true
		list = append(list, needView{Title: a.Title, Text: a.Text, Next: a.Next, Since: at(a.Since, st.Time)})
	}
	for _, p := range st.Problems {
		list = append(list, needView{Title: p})
	}
	for _, d := range st.Devices {
		if d.Decision.Overdue && !told[string(d.UDID)+"/"] {
			list = append(list, needView{Title: d.called() + " is overdue", Text: sentence(d.Decision.Text)})
		}
	}
	for _, s := range st.Stores {
		if s.Problem != "" && !told["/"+s.Name] {
			list = append(list, needView{
				Title: "The store " + s.Name + " cannot be used", Text: sentence(s.Problem), Next: "See what is the matter with it: russet store status " + s.Name,
			})
		}
	}
	return list
}

func newDeviceView(d DeviceStatus, now time.Time) deviceView {
	v := deviceView{Name: d.called(), Where: whereabouts(d), Class: "well", Text: sentence(d.Decision.Text)}
	switch {
	case d.Decision.Overdue:
		v.Class = "ill"
	case d.Decision.Due:
		v.Class = "waits"
	}
	if d.Running != nil {
		v.Class, v.Run = "", &runView{Text: sentence(StepText(d.Running.Event)), Percent: d.Running.Event.Percent}
	} else {
		for _, m := range d.Decision.Missing {
			if m.Said {
				continue
			}
			v.Missing = append(v.Missing, needView{Text: m.Text, Next: m.Next})
		}
	}
	if d.Present && d.Problem != "" && !d.Decision.Due && d.Running == nil {
		v.Missing = append(v.Missing, needView{Text: d.Problem})
	}
	if text, next := LastTry(d, now); text != "" {
		v.Missing = append(v.Missing, needView{Text: text, Next: next})
	}
	fact := func(name, value string) {
		if value != "" {
			v.Facts = append(v.Facts, factView{name, value})
		}
	}
	fact("Device", strings.Join(notEmpty(cmp.Or(d.Product, d.ProductType), iosText(d.IOS)), ", "))
	for _, s := range d.Stores {
		fact("In "+s.Name, backupText(s, now))
	}
	return v
}

func backupText(s StoreBackup, now time.Time) string {
	text := "no backup yet"
	if s.Problem != "" {
		text = "not known now"
	}
	if b := s.Backup; b != nil {
		text = at(b.Time, now) + ", " + size(b.Size)
		if b.Encrypted {
			text += ", encrypted"
		}
	}
	if s.Problem != "" {
		text += " (" + s.Problem + ")"
	}
	return text
}

func newStoreView(s StoreStatus, st Status) storeView {
	v := storeView{Name: s.Name, Where: s.URL, Problem: sentence(s.Problem)}
	fact := func(name, value string) { v.Facts = append(v.Facts, factView{name, value}) }
	if s.Problem == "" {
		fact("Backups", fmt.Sprintf("%d, of %s; %s", s.Backups, devicesText(s.Devices), size(s.Size)))
		if s.Free < 1<<50 { // else a server that does not tell
			fact("Room", size(s.Free))
		}
		if s.Allowance > 0 {
			fact("Allowance", size(s.Used)+" of "+size(s.Allowance))
		}
	}
	for _, c := range st.Chores {
		if c.Store == s.Name && (c.Every > 0 || c.Running) {
			fact(choreName(c), choreText(c, st.Time))
		}
	}
	return v
}

func choreName(c ChoreStatus) string {
	name := string(c.Kind)
	if c.To != "" {
		name += " to " + c.To
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func choreText(c ChoreStatus, now time.Time) string {
	if c.Running {
		return "under way"
	}
	text := "not done yet"
	if c.Last != nil {
		text = at(c.Last.End, now) + ", " + c.Last.Said()
	}
	switch {
	case c.Waiting != "":
		text += "; " + c.Waiting
	case !c.Next.IsZero():
		text += "; next " + at(c.Next, now)
	}
	return text
}
