package installationproxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"russet/device/installationproxy"
	"russet/device/internal/wire"
	"russet/internal/plist"
)

// installer gives a client of a device that answers one command with these
// messages; what it was asked comes through the channel.
func installer(t *testing.T, answers ...plist.Dict) (*installationproxy.Client, <-chan plist.Dict) {
	t.Helper()
	ours, theirs := net.Pipe()
	c := installationproxy.NewClient(ours)
	asked := make(chan plist.Dict, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = theirs.Close() }()
		device := wire.NewConn(theirs, 1<<20)
		req, err := device.Receive(context.Background(), 0)
		if err != nil {
			return
		}
		asked <- req
		for _, a := range answers {
			if device.SendBinary(context.Background(), a) != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.Close()
		<-done
	})
	return c, asked
}

func batch(ids ...string) plist.Dict {
	var list []any
	for _, id := range ids {
		list = append(list, plist.Dict{installationproxy.BundleIdentifier: id})
	}
	return plist.Dict{"Status": "BrowsingApplications", "CurrentList": list, "CurrentAmount": len(ids)}
}

var complete = plist.Dict{"Status": "Complete"}

// browse lists identifiers up to the first error.
func browse(t *testing.T, c *installationproxy.Client) (ids []string, err error) {
	t.Helper()
	for app, err := range c.Browse(t.Context(), installationproxy.Query{Attributes: []string{"CFBundleIdentifier"}}) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, app.String(installationproxy.BundleIdentifier))
	}
	return ids, nil
}

func TestBrowse(t *testing.T) {
	c, asked := installer(t, batch("a", "b"), batch(), plist.Dict{"CurrentList": []any{"none"}}, batch("c"), complete)
	ids, err := browse(t, c)
	if err != nil || !reflect.DeepEqual(ids, []string{"a", "b", "c"}) {
		t.Errorf("got %q, %v", ids, err)
	}
	want := plist.Dict{"Command": "Browse", "ClientOptions": plist.Dict{
		"ApplicationType": "User", "ReturnAttributes": []any{"CFBundleIdentifier"},
	}}
	if got := <-asked; !reflect.DeepEqual(got, want) {
		t.Errorf("the device was asked %v", got)
	}
}

func TestBrowseIsLeft(t *testing.T) {
	c, _ := installer(t, batch("a", "b"), complete)
	for app, err := range c.Browse(t.Context(), installationproxy.Query{}) {
		if err != nil || app.String(installationproxy.BundleIdentifier) != "a" {
			t.Errorf("got %v, %v", app, err)
		}
		break
	}
}

func TestBrowseFails(t *testing.T) {
	c, _ := installer(t, batch("a"), plist.Dict{"Error": "APIInternalError", "ErrorDescription": strings.Repeat("x", 1000)})
	ids, err := browse(t, c)
	refusal, ok := errors.AsType[*installationproxy.Error](err)
	if len(ids) != 1 || !ok || refusal.Name != "APIInternalError" || len(err.Error()) > 200 {
		t.Errorf("refused: %q, %v", ids, err)
	}
	c, _ = installer(t, batch("a"))
	if _, err := browse(t, c); !errors.Is(err, io.EOF) {
		t.Errorf("cut off: %v", err)
	}
}

func TestBrowseWithoutEnd(t *testing.T) {
	ours, theirs := net.Pipe()
	c := installationproxy.NewClient(ours)
	go func() {
		device := wire.NewConn(theirs, 1<<20)
		_, err := device.Receive(context.Background(), 0)
		for err == nil {
			err = device.SendBinary(context.Background(), plist.Dict{})
		}
	}()
	_, err := browse(t, c)
	if err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	_ = c.Close()
}

func TestBrowseInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		c := installationproxy.NewClient(ours)
		if _, err := browse(t, c); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		_ = c.Close()
	})
}

func TestLookup(t *testing.T) {
	c, asked := installer(t, plist.Dict{"Status": "Complete", "LookupResult": plist.Dict{
		"a": plist.Dict{"CFBundleDisplayName": "A"}, "strange": int64(1),
	}})
	apps, err := c.Lookup(t.Context(), []string{"a", "b"}, []string{"CFBundleDisplayName"})
	if err != nil || apps["a"].String("CFBundleDisplayName") != "A" || apps["b"] != nil {
		t.Errorf("got %v, %v", apps, err)
	}
	want := plist.Dict{"Command": "Lookup", "ClientOptions": plist.Dict{
		"BundleIDs": []any{"a", "b"}, "ReturnAttributes": []any{"CFBundleDisplayName"},
	}}
	if got := <-asked; !reflect.DeepEqual(got, want) {
		t.Errorf("the device was asked %v", got)
	}
}
