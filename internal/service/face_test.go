package service_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"russet"
	"russet/internal/home"
	"russet/internal/host"
	"russet/internal/notify"
	"russet/internal/service"
	"russet/vphone"
)

// serve begins a service with faces, and returns how it is reached. The clock
// of the lab stands.
func (l *lab) serve() service.Hello {
	l.Helper()
	l.host = host.Open(host.Options{Home: home.Place{Dir: l.dir, Data: l.dir, Moved: true}, Mux: "UNIX:" + l.socket, Now: l.clock.now})
	l.service = service.New(service.Options{
		Host: l.host, Now: l.clock.now, Location: time.UTC, Notify: l.notify, AtOnce: 2, Drill: l.drills, Log: slog.New(slog.NewTextHandler(&l.log, nil)),
	})
	ctx, stop := context.WithCancel(context.Background())
	ready := make(chan service.Hello, 1)
	l.stop, l.over = stop, make(chan error, 1)
	go func() {
		l.over <- l.service.Serve(ctx, service.FaceOptions{
			Home: l.dir, Listen: "127.0.0.1:0", Patience: l.patience, Ready: func(h service.Hello) { ready <- h },
		})
	}()
	l.release = func() {
		l.stop()
		must(l, <-l.over)
	}
	select {
	case h := <-ready:
		return h
	case err := <-l.over:
		l.Fatalf("it ended at once: %v", err)
		return service.Hello{}
	}
}

// journal is a log that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// client reaches the service as a command does.
func (l *lab) client() *service.Client {
	l.Helper()
	c, err := service.Dial(l.Context(), l.dir)
	must(l, err)
	l.Cleanup(func() { must(l, c.Close()) })
	return c
}

// get asks the page's server for something.
func get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	res, err := http.Get(url)
	must(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, string(data)
}

// until waits for what another goroutine does.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 600 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("it did not happen within 30 s: %s", what)
}

// odd is the name of somebody who tries things.
const odd = `<script>alert("1")</script> & "Ånna" {x="}`

func TestFaces(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	hello := l.serve()
	p := l.phone(odd, vphone.Options{})
	c := l.client()
	if c.Hello() != hello || hello.PID != os.Getpid() {
		t.Errorf("it calls itself %+v and %+v", hello, c.Hello())
	}
	must(t, c.Wake(t.Context(), false))
	until(t, "a backup by itself", func() bool {
		st, err := c.Status(t.Context())
		must(t, err)
		return len(st.Devices) == 1 && st.Devices[0].Last != nil && !st.Devices[0].Decision.Due && len(st.Running) == 0
	})

	chosen, left, err := c.Connected(t.Context(), nil)
	if err != nil || len(chosen) != 1 || len(left) != 0 || chosen[0].Name != odd {
		t.Errorf("%+v, %+v, %v", chosen, left, err)
	}
	if _, _, err := c.Connected(t.Context(), []string{"nobody"}); russet.KindOf(err) != russet.NotConnected {
		t.Errorf("nobody: %v", err)
	}
	devices, err := c.Devices(t.Context())
	if err != nil || len(devices) != 1 || devices[0].UDID != russet.UDID(p.UDID()) {
		t.Errorf("%+v, %v", devices, err)
	}

	var stages []russet.Stage
	result, err := c.BackUp(t.Context(), service.Request{Device: devices[0].UDID}, func(e russet.Event) { stages = append(stages, e.Stage) })
	if err != nil || result.Backup == nil || result.Run.By != "" || len(stages) < 3 {
		t.Errorf("%+v, %v, %v", result, err, stages)
	}
	_, err = c.BackUp(t.Context(), service.Request{Device: devices[0].UDID, Store: "nowhere"}, nil)
	if russet.KindOf(err) != russet.Usage {
		t.Errorf("nowhere: %v", err)
	}
	_, err = c.BackUp(t.Context(), service.Request{Device: "../x"}, nil)
	if russet.KindOf(err) != russet.Failed || !strings.Contains(err.Error(), `"../x" is not a device's identifier`) {
		t.Errorf("no device: %v", err)
	}

	t.Run("page", func(t *testing.T) { checkPage(t, hello.Page) })
	t.Run("metrics", func(t *testing.T) { checkMetrics(t, hello.Page, p.UDID()) })
	t.Run("strangers", func(t *testing.T) { checkStrangers(t, hello.Page) })
	t.Run("second", func(t *testing.T) {
		h := host.Open(host.Options{Home: home.Place{Dir: l.dir, Data: l.dir, Moved: true}})
		defer h.Close()
		err := service.New(service.Options{Host: h}).Serve(t.Context(), service.FaceOptions{Home: l.dir, Listen: "127.0.0.1:0"})
		if russet.KindOf(err) != russet.Busy || !strings.Contains(err.Error(), hello.Page) {
			t.Errorf("a second service: %v", err)
		}
	})
}

func checkPage(t *testing.T, page string) {
	status, body := get(t, page)
	if status != http.StatusOK || !strings.Contains(body, "All is well.") || !strings.Contains(body, "Backed up just now") {
		t.Errorf("%d: %s", status, body)
	}
	if strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt; &amp; &#34;Ånna&#34;") {
		t.Errorf("a name is not escaped: %s", body)
	}
	if status, body = get(t, page+"page.css"); status != http.StatusOK || !strings.Contains(body, "color-scheme") {
		t.Errorf("%d: %s", status, body)
	}
	if status, body = get(t, page+"healthz"); status != http.StatusOK || body != "well\n" {
		t.Errorf("%d: %s", status, body)
	}
	if status, _ = get(t, page+"settings.json"); status != http.StatusNotFound {
		t.Errorf("something else: %d", status)
	}
}

func checkMetrics(t *testing.T, page, udid string) {
	status, body := get(t, page+"metrics")
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, body)
	}
	labels := `name="<script>alert(\"1\")</script> & \"Ånna\" {x=\"}",`
	for _, want := range []string{
		`russet_backup_overdue{` + labels + `udid="` + udid + `"} 0`,
		`russet_runs_total{` + labels + `outcome="done",udid="` + udid + `"} 2`,
		`russet_runs_total{` + labels + `outcome="failed",udid="` + udid + `"} 0`,
		`russet_alarms{kind="damage"} 0`,
		`russet_store_reachable{store="main"} 1`,
		`russet_build_info{version="` + russet.Version + `"} 1`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("there is no %q", want)
		}
	}
	for _, want := range []string{`russet_received_bytes_total\{[^\n]*\} [1-9]`, `russet_backup_age_seconds\{[^\n]*\} [0-9]`} {
		if !regexp.MustCompile(want).MatchString(body) {
			t.Errorf("nothing is like %q", want)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(body), "\n") {
		if name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "); !strings.HasPrefix(name, "russet_") {
			t.Errorf("a name that does not begin with russet_: %q", line)
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil && os.Getenv("RUSSET_CLIENTS") == "require" {
		t.Fatal("promtool is required (RUSSET_CLIENTS=require)")
	}
	if err != nil {
		t.Log("promtool is not installed: the form is not judged")
		return
	}
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(body)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// checkStrangers: names that lead here and are not ours, and what would change
// something.
func checkStrangers(t *testing.T, page string) {
	for _, name := range []string{"evil.example", "evil.example:7877", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
		must(t, err)
		req.Host = name
		if name == "" {
			req.Host = "0.0.0.0"
		}
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		if res.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%q gets %d", name, res.StatusCode)
		}
		must(t, res.Body.Close())
	}
	for _, path := range []string{"", "metrics", "healthz", "v1/stop", "v1/backup"} {
		res, err := http.Post(page+path, "application/json", strings.NewReader("{}"))
		must(t, err)
		if res.StatusCode != http.StatusMethodNotAllowed && res.StatusCode != http.StatusNotFound {
			t.Errorf("POST %q: %d", path, res.StatusCode)
		}
		must(t, res.Body.Close())
	}
}

// A service that is asked to stop does so, and what it was doing is kept.
func TestStop(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.serve()
	p := l.phone("anna", vphone.Options{})
	must(t, p.SetFault("slow-start", "1h"))
	c := l.client()
	ended := make(chan error, 1)
	go func() {
		_, err := c.BackUp(t.Context(), service.Request{Device: russet.UDID(p.UDID())}, nil)
		ended <- err
	}()
	until(t, "the run begins", func() bool { return len(l.service.Running()) == 1 })
	must(t, c.Stop(t.Context()))
	if err := <-ended; russet.KindOf(err) != russet.Interrupted {
		t.Errorf("whoever waited heard %v", err)
	}
	l.release()
	l.release = func() {}
	if _, err := service.Dial(t.Context(), l.dir); !errors.Is(err, service.ErrNotRunning) {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := os.Lstat(service.SocketPath(l.dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket stays: %v", err)
	}
	runs, err := l.host.Runs(russet.UDID(p.UDID()))
	if err != nil || len(runs) != 1 || runs[0].Outcome != "stopped" {
		t.Errorf("%+v, %v", runs, err)
	}
}

// Who asks half a question is not waited for.
func TestHalfQuestion(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.serve()
	conn, err := net.Dial("unix", service.SocketPath(l.dir))
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /v1/cancel HTTP/1.1\r\nHost: russet\r\nContent-Length: 100\r\n\r\n{")
	must(t, err)
	must(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(answer), " 400 ") {
		t.Errorf("%q, %v", answer, err)
	}
}

// What does not end when it is asked to is not waited for for ever.
func TestPatience(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	l.patience = time.Second
	l.tell = func(notify.Message) error {
		held <- struct{}{}
		<-hold
		return nil
	}
	l.serve()
	l.phone("anna", vphone.Options{})
	l.service.Wake()
	<-held // somebody is being told of the backup, and that takes its time
	l.stop()
	if err := <-l.over; russet.KindOf(err) != russet.Interrupted {
		t.Errorf("it ended with %v", err)
	}
	if _, err := service.Dial(t.Context(), l.dir); !errors.Is(err, service.ErrNotRunning) {
		t.Errorf("afterwards: %v", err)
	}
	close(hold)
	l.service.Wait()
	l.release = func() {}
}

// The socket is ours alone, however long the name of the home; one that a dead
// service left does not count.
func TestSocket(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no modes there")
	}
	l := newLab(t)
	l.dir = filepath.Join(l.dir, strings.Repeat("long", 30))
	path := service.SocketPath(l.dir)
	if len(path) > 100 || path == filepath.Join(l.dir, "serve.sock") {
		t.Fatalf("a socket at %q", path)
	}
	for range 2 {
		l.serve()
		info, err := os.Lstat(path)
		must(t, err)
		if info.Mode().Perm() != 0o600 || info.Mode().Type() != fs.ModeSocket {
			t.Errorf("its mode is %v", info.Mode())
		}
		if info, err = os.Lstat(filepath.Dir(path)); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("its folder: %v, %v", info.Mode(), err)
		}
		l.client()
		l.end()
		left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		must(t, err)
		left.SetUnlinkOnClose(false)
		must(t, left.Close())
		if _, err := service.Dial(t.Context(), l.dir); !errors.Is(err, service.ErrNotRunning) {
			t.Errorf("a socket without a service: %v", err)
		}
	}
	must(t, os.Remove(path))
}

// TestSocketElsewhere: a command finds the service of a home with a long name
// also where another folder is said to be the one for sockets.
func TestSocketElsewhere(t *testing.T) {
	short, err := os.MkdirTemp("", "run")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(short)) })
	l := newLab(t)
	l.dir = filepath.Join(l.dir, strings.Repeat("long", 30))
	t.Setenv("XDG_RUNTIME_DIR", short)
	l.serve()
	t.Setenv("XDG_RUNTIME_DIR", "")
	l.client()
	for _, name := range []string{"copy", strings.Repeat("copy", 30)} { // of the home
		dir := filepath.Join(filepath.Dir(l.dir), name)
		must(t, os.CopyFS(dir, os.DirFS(l.dir)))
		if _, err := service.Dial(t.Context(), dir); !errors.Is(err, service.ErrNotRunning) {
			t.Errorf("a copy of the home: %v", err)
		}
	}
	if os.Getuid() == 0 { // and asks the service of somebody else
		must(t, os.Chown(short, 65534, 65534))
		l.client()
	}
	l.end()
	if _, err := service.Dial(t.Context(), l.dir); !errors.Is(err, service.ErrNotRunning) {
		t.Errorf("when it is gone: %v", err)
	}
}

// What ails is said in words, and in the status.
func TestHealth(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	hello := l.serve()
	p := l.phone("anna", vphone.Options{})
	l.service.Wake()
	until(t, "a backup", func() bool {
		st, err := l.service.Status(t.Context())
		must(t, err)
		return len(st.Devices) == 1 && st.Devices[0].Last != nil && len(st.Running) == 0
	})
	p.Unplug()
	l.clock.set(morning.Add(20 * 24 * time.Hour))
	must(t, os.Rename(filepath.Join(l.dir, "backups"), filepath.Join(l.dir, "moved")))
	l.service.Wake()
	until(t, "both are noticed", func() bool {
		status, body := get(t, hello.Page+"healthz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, `"anna" is overdue: `) &&
			strings.Contains(body, `the store "main" cannot be used: `)
	})
	_, body := get(t, hello.Page)
	if !strings.Contains(body, "things need you.") || strings.Contains(body, "All is well") {
		t.Error(body)
	}
}

// Whoever asks what is going on does not disturb the phones: the answer is what
// was seen last.
func TestStatusAsksNoPhone(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.start()
	p := l.phone("anna", vphone.Options{})
	l.step(0)
	p.Unplug()
	l.clock.set(l.clock.now().Add(6 * time.Hour))
	if d := l.status(p); !d.Present {
		t.Error("it was looked for")
	}
	l.step(0)
	if d := l.status(p); d.Present {
		t.Error("it was not looked for when it was time")
	}
}

// A chore that finds damage is not good: everywhere, and after a restart.
func TestDamageIsSaid(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	hello := l.serve()
	p := l.phone("anna", vphone.Options{})
	l.service.Wake()
	until(t, "a backup", func() bool {
		st, err := l.service.Status(t.Context())
		must(t, err)
		return len(st.Devices) == 1 && len(st.Devices[0].Stores) == 1 && st.Devices[0].Stores[0].Backup != nil
	})
	until(t, "its end", func() bool { return !l.service.Busy() })
	spoil(t, filepath.Join(l.dir, "backups", p.UDID()))
	for _, kind := range []host.ChoreKind{host.VerifyChore, host.DrillChore} {
		_, err := l.host.SetChore(t.Context(), host.Chore{Kind: kind, Store: "main", Every: day})
		must(t, err)
	}
	l.service.Wake()
	check := func(when string) {
		for _, kind := range []host.ChoreKind{host.VerifyChore, host.DrillChore} {
			until(t, string(kind)+" is done", func() bool { return l.chore(kind, "main").Last != nil })
			if c := l.chore(kind, "main"); c.Last.Outcome != "damaged" || !strings.HasPrefix(c.Last.Said(), "found damage: ") || !strings.HasSuffix(c.Last.Said(), "1 damaged") {
				t.Errorf("%s: %s says %q: %+v", when, kind, c.Last.Said(), c.Last)
			}
		}
		_, metrics := get(t, hello.Page+"metrics")
		for _, want := range []string{
			`russet_chore_good{chore="verify",store="main",to=""} 0`, `russet_chore_good{chore="drill",store="main",to=""} 0`, `russet_alarms{kind="damage"} 1`,
		} {
			if !strings.Contains(metrics, want+"\n") {
				t.Errorf("%s: there is no %q", when, want)
			}
		}
		if status, body := get(t, hello.Page+"healthz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "damaged") {
			t.Errorf("%s: %d, %s", when, status, body)
		}
		if _, body := get(t, hello.Page); strings.Count(body, ", found damage: ") != 2 || strings.Contains(body, "All is well") {
			t.Errorf("%s: the page says %s", when, body)
		}
	}
	check("at once")
	l.end()
	hello = l.serve()
	check("after a restart")
}
