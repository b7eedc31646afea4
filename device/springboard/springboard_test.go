package springboard_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"reflect"
	"testing"

	"russet/device/internal/wire"
	"russet/device/springboard"
	"russet/internal/plist"
)

func TestIcon(t *testing.T) {
	ours, theirs := net.Pipe()
	c := springboard.NewClient(ours)
	answers := map[string]plist.Dict{
		"a": {"pngData": []byte("png")}, "empty": {}, "refused": {"Error": "NotFound"}, "strange": {"pngData": "text"},
	}
	var asked plist.Dict
	done := make(chan struct{})
	go func() {
		defer close(done)
		device := wire.NewConn(theirs, 1<<20)
		for {
			req, err := device.Receive(context.Background(), 0)
			if err != nil || device.SendBinary(context.Background(), answers[req.String("bundleId")]) != nil {
				_ = theirs.Close()
				return
			}
			asked = req
		}
	}()
	ctx := t.Context()
	if png, err := c.Icon(ctx, "a"); string(png) != "png" || err != nil {
		t.Errorf("got %q, %v", png, err)
	}
	for _, id := range []string{"empty", "refused", "strange"} {
		if _, err := c.Icon(ctx, id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", id, err)
		}
	}
	_ = c.Close()
	<-done
	if want := (plist.Dict{"command": "getIconPNGData", "bundleId": "strange"}); !reflect.DeepEqual(asked, want) {
		t.Errorf("the device was asked %v", asked)
	}
	if _, err := c.Icon(ctx, "a"); !errors.Is(err, io.EOF) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a closed connection: %v", err)
	}
}
