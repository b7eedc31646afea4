package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// idle watches a service that has nothing to do, once with a folder and once
// with a vault.
func idle(ctx context.Context, o options, b *strings.Builder) error {
	fmt.Fprintf(b, "\n**%d phones on the network, none due before tomorrow** (%d minutes)\n\n", o.phones, o.minutes)
	fmt.Fprintf(b, "| store | memory at the end | median | at most | processor, of one core | in the second half |\n|---|---|---|---|---|---|\n")
	for _, store := range o.stores {
		if err := idleWith(ctx, o, store, b); err != nil {
			return fmt.Errorf("%s: %w", store, err)
		}
	}
	return nil
}

func idleWith(ctx context.Context, o options, store string, b *strings.Builder) error {
	l, err := newLab(o, "idle-"+store)
	if err != nil {
		return err
	}
	defer l.close()
	done, err := l.network(ctx, o.phones)
	if err != nil {
		return err
	}
	defer done()
	if err := l.household(ctx, store); err != nil {
		return err
	}
	service, err := l.serve(ctx)
	if err != nil {
		return err
	}
	if err := l.allSeen(ctx); err != nil {
		return err
	}
	return l.watch(ctx, service.Process.Pid, store, b)
}

// network makes two network namespaces with a cable between them: one with the
// phones, which are switched on, and one for russet.
func (l *lab) network(ctx context.Context, phones int) (done func(), err error) {
	ours, theirs := fmt.Sprintf("russet-%d-host", os.Getpid()), fmt.Sprintf("russet-%d-phones", os.Getpid())
	ip := func(args ...string) {
		if err == nil {
			var out []byte
			if out, err = exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
				err = fmt.Errorf("ip %s: %w\n%s", strings.Join(args, " "), err, out)
			}
		}
	}
	done = func() {
		for _, ns := range []string{ours, theirs} {
			exec.Command("ip", "netns", "del", ns).Run() //nolint:errcheck // it may not be there
		}
	}
	ip("netns", "add", ours)
	ip("netns", "add", theirs)
	ip("link", "add", "name", "lan0", "netns", ours, "type", "veth", "peer", "name", "lan0", "netns", theirs)
	for _, ns := range []string{ours, theirs} {
		ip("-n", ns, "link", "set", "lo", "up")
		ip("-n", ns, "link", "set", "lan0", "up")
	}
	ip("-n", ours, "addr", "add", "192.0.2.1/24", "dev", "lan0")
	var addresses []string
	for i := range phones {
		a := fmt.Sprintf("192.0.2.%d", i+2)
		addresses = append(addresses, a)
		ip("-n", theirs, "addr", "add", a+"/24", "dev", "lan0")
	}
	if err != nil {
		done()
		return nil, err
	}
	folders, err := l.make(ctx, phones, false)
	if err == nil {
		words := append([]string{"ip", "netns", "exec", theirs, filepath.Join(l.o.bin, "vphone"), "serve"}, folders...)
		words = append(words, "--socket", l.socket(), "--control", l.control(), "--network", strings.Join(addresses, ","), "--announce")
		_, err = l.start(ctx, "USBMUXD_SOCKET_ADDRESS", words...)
	}
	if err != nil {
		l.close()
		done()
		return nil, err
	}
	l.inside = []string{"ip", "netns", "exec", ours}
	return done, nil
}

// household pairs every phone over the cable, backs it up, opens its Wi-Fi, and
// pulls the cable.
func (l *lab) household(ctx context.Context, store string) error {
	add := []string{"store", "add", "main", store + ":" + filepath.Join(l.dir, "store")}
	if store == "vault" {
		add = append(add, "--new-password-file", l.password())
	}
	if _, err := l.russet(ctx, add...); err != nil {
		return err
	}
	for i := range l.o.phones {
		name := fmt.Sprintf("phone %d", i+1)
		for _, words := range [][]string{{"pair", name}, {"devices", "wifi", name, "on"}, {"backup", name}} {
			if _, err := l.russet(ctx, words...); err != nil {
				return err
			}
		}
		out, err := exec.CommandContext(ctx, filepath.Join(l.o.bin, "vphone"), "ctl", l.control(), "@"+name, "unplug").CombinedOutput()
		if err != nil {
			return fmt.Errorf("unplug %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// allSeen waits until the service sees every phone over the network, and says
// that none is due.
func (l *lab) allSeen(ctx context.Context) error {
	var st struct {
		Devices []struct {
			Name, Connection string
			Present          bool
			Decision         struct{ Due bool }
		}
	}
	for range 60 {
		out, err := l.russet(ctx, "status", "--json")
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(out), &st); err != nil {
			return err
		}
		seen := 0
		for _, d := range st.Devices {
			if d.Present && d.Connection == "network" && !d.Decision.Due {
				seen++
			}
		}
		if seen == l.o.phones {
			return nil
		}
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
	}
	return fmt.Errorf("not all phones are seen: %+v", st)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// watch reads the process every ten seconds.
func (l *lab) watch(ctx context.Context, pid int, store string, b *strings.Builder) error {
	var all []reading
	n := l.o.minutes * 6
	for i := range n + 1 {
		r, err := read(pid)
		if err != nil {
			return err
		}
		all = append(all, r)
		if i < n {
			if err := wait(ctx, 10*time.Second); err != nil {
				return err
			}
		}
	}
	share := func(from, to int) string {
		return fmt.Sprintf("%.2f %%", 100*(all[to].cpu-all[from].cpu).Seconds()/float64(10*(to-from)))
	}
	var rss []int64
	for _, r := range all {
		rss = append(rss, r.rss)
	}
	slices.Sort(rss)
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", store, mib(all[n].rss), mib(rss[len(rss)/2]), mib(all[n].peak), share(0, n), share(n/2, n))
	return nil
}
