package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"russet/vphone"
)

const serveHelp = `Usage: vphone serve [DIR...] [flags]

Plugs the phones in the folders into a usbmuxd and keeps it running until it is
interrupted. Without a folder it makes a small phone that is gone afterwards.
The first line printed is the environment variable that clients need.

Flags:
`

type serveOptions struct {
	socket, control, records, network string
	trust, passcode                   string
	heartbeat                         time.Duration
	announce, verbose                 bool
}

func runServe(ctx context.Context, args []string, out io.Writer) error {
	var o serveOptions
	flags := newFlags("serve", serveHelp, out)
	flags.StringVar(&o.socket, "socket", "127.0.0.1:27015", "`address` to listen on: the path of a Unix socket, or host:port.\nEvery client understands 127.0.0.1:port")
	flags.StringVar(&o.control, "control", "", "`path` of the Unix socket for vphone ctl")
	flags.StringVar(&o.records, "records", "", "`folder` for pair records; without it they are forgotten at the end")
	flags.StringVar(&o.network, "network", "", "local `addresses`, such as 127.0.0.2, where the phones are found over Wi-Fi, too:\nA is the first phone's, A,B the first's and the second's, NAME=A that of the phone\nof this name or UDID; A+B are two addresses of one phone")
	flags.BoolVar(&o.announce, "announce", false, "tell the network by multicast DNS (_apple-mobdev2._tcp) which phones are there")
	flags.DurationVar(&o.heartbeat, "heartbeat", defaultHeartbeat, "how `long` computers may use services over Wi-Fi without answering a heartbeat;\n0 for clients that have none")
	flags.StringVar(&o.trust, "trust", "yes", "how the Trust dialog is answered: `yes`, no, or ask")
	flags.StringVar(&o.passcode, "passcode-answer", "yes", "how the passcode sheet is answered: `yes`, no, or ask")
	flags.BoolVar(&o.verbose, "v", false, "write every request to standard error")
	dirs, err := parse(flags, args, 0, -1)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if o.verbose {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	mux, err := vphone.NewMux(o.records, log)
	if err != nil {
		return err
	}
	defer func() {
		for _, p := range mux.Phones() {
			if err := p.Close(); err != nil {
				log.Warn("close phone", "error", err)
			}
		}
	}()
	if err := o.plugIn(ctx, mux, dirs, log); err != nil {
		return err
	}
	return o.serve(ctx, mux, out, log)
}

// plugIn opens the phones, has their owner behave, and adds them to the mux.
func (o serveOptions) plugIn(ctx context.Context, mux *vphone.Mux, dirs []string, log *slog.Logger) error {
	trust, err := parseAnswer(o.trust)
	if err != nil {
		return err
	}
	passcode, err := parseAnswer(o.passcode)
	if err != nil {
		return err
	}
	phones, err := openPhones(ctx, dirs, log)
	for _, p := range phones {
		p.SetTrust(trust)
		p.SetPasscodeAnswer(passcode)
		p.DemandHeartbeat(o.heartbeat)
		mux.Add(p)
	}
	if err != nil {
		return err
	}
	return o.joinNetworks(phones)
}

func openPhones(ctx context.Context, dirs []string, log *slog.Logger) ([]*vphone.Phone, error) {
	if len(dirs) == 0 {
		p, err := temporaryPhone(ctx, log)
		if err != nil {
			return nil, err
		}
		return []*vphone.Phone{p}, nil
	}
	var phones []*vphone.Phone
	seen := map[string]string{}
	for _, dir := range dirs {
		p, err := openPhone(dir, log)
		if err != nil {
			return phones, err
		}
		phones = append(phones, p)
		if other, ok := seen[p.UDID()]; ok {
			return phones, fmt.Errorf("%q and %q are the same phone %s: make one of them with another --seed", other, dir, p.UDID())
		}
		seen[p.UDID()] = dir
	}
	return phones, nil
}

func parseAnswer(word string) (vphone.Answer, error) {
	switch word {
	case "yes":
		return vphone.Yes, nil
	case "no":
		return vphone.No, nil
	case "ask":
		return vphone.Ask, nil
	}
	return 0, fmt.Errorf("%w: %q is neither yes nor no nor ask", errUsage, word)
}

func (o serveOptions) serve(ctx context.Context, mux *vphone.Mux, out io.Writer, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listener, variable, err := listen(o.socket)
	if err != nil {
		return err
	}
	if o.control != "" {
		control, err := listenUnix(o.control)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		defer control.Close()
		go (&controller{mux: mux, stop: cancel, log: log}).serve(ctx, control)
	}
	fmt.Fprintf(out, "USBMUXD_SOCKET_ADDRESS=%s\n", variable)
	for _, p := range mux.Phones() {
		id := p.Identity()
		fmt.Fprintf(out, "%s  %s, %s, iOS %s%s\n", id.UDID, id.DeviceName, id.ProductType, id.ProductVersion, whereabouts(p))
	}
	return mux.Serve(ctx, listener)
}

// listen opens a Unix socket or a TCP address, and says what clients need to
// have in their environment.
func listen(address string) (l net.Listener, variable string, err error) {
	path, isUnix := strings.CutPrefix(address, "UNIX:")
	if isUnix || !strings.Contains(address, ":") {
		if path, err = filepath.Abs(path); err != nil {
			return nil, "", err
		}
		l, err = listenUnix(path)
		return l, "UNIX:" + path, err
	}
	if l, err = net.Listen("tcp", address); err != nil {
		return nil, "", fmt.Errorf("listen: %w", err)
	}
	return l, l.Addr().String(), nil
}

// listenUnix takes the place of a socket that nobody listens on any more.
func listenUnix(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err == nil {
		return l, nil
	}
	if conn, dialErr := net.Dial("unix", path); dialErr == nil {
		conn.Close()
		return nil, fmt.Errorf("listen: another program serves %q", path)
	}
	info, statErr := os.Lstat(path)
	if statErr != nil || info.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return net.Listen("unix", path)
}
