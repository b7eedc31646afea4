package service

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"russet"
	"russet/internal/host"
	"russet/internal/retention"
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
	Missing                  []string
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
	default:
		v.Headline = "All is well."
	}
	for _, d := range st.Devices {
		v.Devices = append(v.Devices, newDeviceView(d, st.Time))
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
			list = append(list, needView{Title: d.Name + " is overdue", Text: sentence(d.Decision.Text)})
		}
	}
	for _, s := range st.Stores {
		if s.Problem != "" && !told["/"+s.Name] {
			list = append(list, needView{Title: "The store " + s.Name + " cannot be used", Text: sentence(s.Problem)})
		}
	}
	return list
}

func newDeviceView(d DeviceStatus, now time.Time) deviceView {
	v := deviceView{Name: cmp.Or(d.Name, string(d.UDID)), Where: whereabouts(d), Class: "well", Text: sentence(d.Decision.Text)}
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
			v.Missing = append(v.Missing, m.Text)
		}
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
	if d.Last != nil && d.Last.Outcome != "done" {
		fact("Last run", at(d.Last.End, now)+": "+cmp.Or(d.Last.Error, d.Last.Outcome))
	}
	return v
}

// StepText says where a run is, in words.
func StepText(e russet.Event) string {
	text := StageText(e.Stage)
	if e.Passcode {
		text = "waiting for the passcode on the phone"
	}
	parts := []string{text}
	if e.Percent >= 0 && (e.Stage == russet.Receiving || e.Stage == russet.Checking) {
		parts = append(parts, fmt.Sprintf("%.0f %%", e.Percent))
	}
	if e.Bytes > 0 && e.Stage == russet.Receiving {
		parts = append(parts, retention.Bytes(e.Bytes))
	}
	return strings.Join(parts, ", ")
}

// StageText says a stage of a run in plain words.
func StageText(s russet.Stage) string {
	switch s {
	case russet.Connecting, "":
		return "connecting"
	case russet.Waiting:
		return "the phone prepares (unlock it and type its passcode if it asks)"
	case russet.Preparing:
		return "the phone reads the last backup"
	case russet.Receiving:
		return "receiving"
	case russet.Moving:
		return "putting files in place"
	case russet.Checking:
		return "the phone checks the backup"
	case russet.Committing:
		return "checking and keeping the backup"
	case russet.Sending:
		return "sending"
	default:
		return string(s)
	}
}

func whereabouts(d DeviceStatus) string {
	var parts []string
	switch {
	case !d.Present && !d.Seen.IsZero():
		parts = append(parts, "away")
	case !d.Present:
		parts = append(parts, "not here")
	case d.Connection == "usb":
		parts = append(parts, "on the cable")
	default:
		parts = append(parts, "on the network")
	}
	if d.Present && d.Paired {
		if d.Power {
			parts = append(parts, "on power")
		}
		if d.Battery >= 0 {
			parts = append(parts, fmt.Sprintf("%d %%", d.Battery))
		}
	}
	return strings.Join(parts, ", ")
}

func iosText(version string) string {
	if version == "" {
		return ""
	}
	return "iOS " + version
}

func notEmpty(words ...string) []string {
	var list []string
	for _, w := range words {
		if w != "" {
			list = append(list, w)
		}
	}
	return list
}

func backupText(s StoreBackup, now time.Time) string {
	text := "no backup yet"
	if b := s.Backup; b != nil {
		text = at(b.Time, now) + ", " + retention.Bytes(b.Size)
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
		fact("Backups", fmt.Sprintf("%d of %d devices, %s", s.Backups, s.Devices, retention.Bytes(s.Size)))
		if s.Free < 1<<50 { // else a server that does not tell
			fact("Room", retention.Bytes(s.Free))
		}
		if s.Allowance > 0 {
			fact("Allowance", retention.Bytes(s.Used)+" of "+retention.Bytes(s.Allowance))
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
		text = at(c.Last.End, now) + ", " + c.Last.Outcome
		if why := cmp.Or(c.Last.Error, c.Last.Text); why != "" {
			text += ": " + why
		}
	}
	switch {
	case c.Waiting != "":
		text += "; " + c.Waiting
	case !c.Next.IsZero():
		text += "; next " + at(c.Next, now)
	}
	return text
}

// at says when something was or will be, as seen from now.
func at(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(now.Location())
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return "today " + t.Format("15:04")
	case t.AddDate(0, 0, 1).Format(time.DateOnly) == now.Format(time.DateOnly):
		return "yesterday " + t.Format("15:04")
	case t.AddDate(0, 0, -1).Format(time.DateOnly) == now.Format(time.DateOnly):
		return "tomorrow " + t.Format("15:04")
	default:
		return t.Format("2006-01-02 15:04")
	}
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	first, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(first)) + s[n:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}
