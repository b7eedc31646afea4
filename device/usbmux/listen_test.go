package usbmux_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"

	"russet/device/usbmux"
	"russet/internal/plist"
)

func TestListen(t *testing.T) {
	c := daemon(t, func(p *peer) {
		if _, err := p.request(); err != nil {
			return
		}
		p.answer(result(0))
		p.event(attached(7, "000081100001ABCD12345678"))
		p.event(plist.Dict{"MessageType": "Paired", "DeviceID": 7})
		p.event(plist.Dict{"MessageType": "Paired", "DeviceID": 99})
		p.event(plist.Dict{"MessageType": "Sang", "DeviceID": 7})
		p.event(plist.Dict{"MessageType": "Detached", "DeviceID": 7})
		p.event(plist.Dict{"MessageType": "Detached", "DeviceID": 7})
	})
	var got []string
	for e, err := range c.Listen(t.Context()) {
		if err != nil {
			got = append(got, fmt.Sprint(errors.Is(err, io.EOF)))
			continue
		}
		got = append(got, e.Kind+" "+e.Device.UDID)
	}
	udid := "00008110-0001ABCD12345678"
	if want := []string{"Attached " + udid, "Paired " + udid, "Detached " + udid, "true"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestListenEnds(t *testing.T) {
	listening := func(t *testing.T, events int) *usbmux.Client {
		return daemon(t, func(p *peer) {
			if _, err := p.request(); err != nil {
				return
			}
			p.answer(result(0))
			for i := range events {
				p.event(attached(i+1, "udid"))
			}
			_, _ = io.Copy(io.Discard, p)
		})
	}
	t.Run("when the loop is left", func(t *testing.T) {
		for range listening(t, 5).Listen(t.Context()) {
			break
		}
	})
	t.Run("with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		for _, err := range listening(t, 2).Listen(ctx) {
			if err != nil {
				t.Error(err)
			}
			if n++; n == 2 {
				cancel()
			}
		}
	})
	t.Run("with too many devices", func(t *testing.T) {
		var last error
		for _, err := range listening(t, 5000).Listen(t.Context()) {
			last = err
		}
		if last == nil {
			t.Error("it remembers for ever")
		}
	})
}
