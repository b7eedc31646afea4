package service

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
)

// newMetrics is the page for Prometheus, on a registry of its own: whatever a
// library registers elsewhere is not ours to show. Every name begins with
// russet_, so that one rule keeps or drops them all; what the process itself
// takes is told by the system that runs it.
func newMetrics(g *glance, h *host.Host, log *slog.Logger) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(
		&statusCollector{glance: g, log: log},
		&runCollector{glance: g, host: h, log: log, sums: map[russet.UDID]*runSums{}},
	)
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 4, Timeout: 30 * time.Second,
	})
}

// scrapeLimit bounds one look for a metric.
const scrapeLimit = 20 * time.Second

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("russet_"+name, help, labels, nil)
}

// The metrics of a moment. A device is named by its UDID; its name, which its
// owner may change, stands beside it.
var (
	descBuild = desc("build_info", "Constantly 1, with the version of russet.", "version")
	descDone  = desc("backup_timestamp_seconds", "When the newest backup of a device in a store was finished.", "udid", "name", "store")
	descAge   = desc("backup_age_seconds", "Age of the newest backup of a device, wherever it is.", "udid", "name")
	descDue   = desc("backup_due", "Whether a backup of the device is due.", "udid", "name")
	descOver  = desc("backup_overdue", "Whether the device has been without a backup for too long.", "udid", "name")
	descRuns  = desc("backup_running", "Whether the device is being backed up.", "udid", "name")
	descHere  = desc("device_present", "Whether the device can be reached.", "udid", "name")
	descLevel = desc("device_battery_ratio", "Charge of the device's battery, 0 to 1, when it was last seen.", "udid", "name")
	descPower = desc("device_on_power", "Whether the device was on power when it was last seen.", "udid", "name")

	descReach = desc("store_reachable", "Whether the store can be used.", "store")
	descFree  = desc("store_free_bytes", "Room that is left where the store is.", "store")
	descUsed  = desc("store_used_bytes", "What the store takes, as its allowance counts it.", "store")
	descAllow = desc("store_allowance_bytes", "What the store may take; absent without a limit.", "store")
	descCount = desc("store_backups", "Backups in the store.", "store")

	descChore  = desc("chore_timestamp_seconds", "When a chore was last tried.", "chore", "store", "to")
	descGood   = desc("chore_good", "Whether the chore, when it was last tried, was done to its end and found no damage.", "chore", "store", "to")
	descAlarms = desc("alarms", "Troubles of which people were told and that still hold.", "kind")
)

// statusCollector shows the Status.
type statusCollector struct {
	glance *glance
	log    *slog.Logger
}

// Describe implements prometheus.Collector.
func (c *statusCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descBuild, descDone, descAge, descDue, descOver, descRuns, descHere, descLevel, descPower,
		descReach, descFree, descUsed, descAllow, descCount, descChore, descGood, descAlarms,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *statusCollector) Collect(ch chan<- prometheus.Metric) {
	set := gauges(ch)
	set(descBuild, 1, russet.Version)
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	st, err := c.glance.status(ctx)
	if err != nil {
		c.log.Warn("the metrics could not be gathered", "error", err)
		return
	}
	for _, d := range st.Devices {
		deviceMetrics(set, d, st.Time)
	}
	for _, s := range st.Stores {
		set(descReach, truth(s.Problem == ""), s.Name)
		if s.Problem != "" {
			continue // what is not known is not told
		}
		set(descFree, float64(s.Free), s.Name)
		set(descUsed, float64(s.Used), s.Name)
		set(descCount, float64(s.Backups), s.Name)
		if s.Allowance > 0 {
			set(descAllow, float64(s.Allowance), s.Name)
		}
	}
	for _, c := range st.Chores {
		if c.Last != nil {
			set(descChore, seconds(c.Last.End), string(c.Kind), c.Store, c.To)
			set(descGood, truth(c.Last.Outcome == "done"), string(c.Kind), c.Store, c.To)
		}
	}
	kinds := map[string]float64{}
	for _, k := range notify.Kinds() {
		if k != notify.Done {
			kinds[string(k)] = 0 // one that was never told is not one that is unknown
		}
	}
	for _, a := range st.Alarms {
		kinds[string(a.Kind)]++
	}
	for kind, n := range kinds {
		set(descAlarms, n, kind)
	}
}

type setter func(d *prometheus.Desc, v float64, labels ...string)

func gauges(ch chan<- prometheus.Metric) setter {
	return func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labelValues(labels)...)
	}
}

func deviceMetrics(set setter, d DeviceStatus, now time.Time) {
	udid, name := string(d.UDID), d.Name
	var newest time.Time
	for _, s := range d.Stores {
		if s.Backup == nil {
			continue
		}
		set(descDone, seconds(s.Backup.Time), udid, name, s.Name)
		if s.Backup.Time.After(newest) {
			newest = s.Backup.Time
		}
	}
	if !newest.IsZero() {
		set(descAge, max(now.Sub(newest), 0).Seconds(), udid, name) // its clock may be ahead
	}
	set(descDue, truth(d.Decision.Due), udid, name)
	set(descOver, truth(d.Decision.Overdue), udid, name)
	set(descRuns, truth(d.Running != nil), udid, name)
	// What only says that it is the device cannot be backed up.
	set(descHere, truth(d.Present && !(d.Untrusted && d.Connection == "network")), udid, name)
	if d.Battery >= 0 {
		set(descLevel, float64(d.Battery)/100, udid, name)
	}
	set(descPower, truth(d.Power), udid, name)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// The metrics of the history.
var (
	descRunsTotal = desc("runs_total", "Runs since the history of the device begins, by how they ended.", "udid", "name", "outcome")
	descReceived  = desc("received_bytes_total", "Bytes that came from the device in its runs.", "udid", "name")
	descSent      = desc("sent_bytes_total", "Bytes that went to the device in its runs.", "udid", "name")
	descSeconds   = desc("run_seconds_total", "Time that the device's runs took.", "udid", "name")
)

// runCollector adds up the history of runs, which outlives the process.
type runCollector struct {
	glance *glance
	host   *host.Host
	log    *slog.Logger

	mu   sync.Mutex
	sums map[russet.UDID]*runSums
}

// runSums is what the runs of a device come to.
type runSums struct {
	last           string // the ID of the last run that was counted
	outcomes       map[string]float64
	received, sent float64
	seconds        float64
}

// Describe implements prometheus.Collector.
func (c *runCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descRunsTotal, descReceived, descSent, descSeconds} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *runCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	st, err := c.glance.status(ctx)
	if err != nil {
		return // the other collector says so
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labelValues(labels)...)
	}
	for _, d := range st.Devices {
		last := ""
		if d.Last != nil {
			last = d.Last.ID
		}
		sums, err := c.sum(d.UDID, last)
		if err != nil {
			c.log.Warn("a history of runs cannot be read", "device", d.Name, "error", err)
			continue
		}
		udid := string(d.UDID)
		for outcome, n := range sums.outcomes {
			count(descRunsTotal, n, udid, d.Name, outcome)
		}
		count(descReceived, sums.received, udid, d.Name)
		count(descSent, sums.sent, udid, d.Name)
		count(descSeconds, sums.seconds, udid, d.Name)
	}
}

// sum adds up the runs of a device, when there was one since the last time.
func (c *runCollector) sum(device russet.UDID, last string) (*runSums, error) {
	if have := c.sums[device]; have != nil && have.last == last {
		return have, nil
	}
	runs, err := c.host.Runs(device)
	if err != nil {
		return nil, err
	}
	// The first failure is an increase only if there was none before.
	sums := &runSums{last: last, outcomes: map[string]float64{"done": 0, "partial": 0, "failed": 0, "interrupted": 0, "stopped": 0, "not-now": 0}}
	for _, r := range runs {
		sums.outcomes[r.Outcome]++
		sums.received += float64(r.Received)
		sums.sent += float64(r.Sent)
		sums.seconds += max(r.End.Sub(r.Start), 0).Seconds()
	}
	c.sums[device] = sums
	return sums, nil
}

// labelValues makes names that strangers chose fit for a label.
func labelValues(values []string) []string {
	for i, v := range values {
		values[i] = strings.ToValidUTF8(v, "\ufffd")
	}
	return values
}
