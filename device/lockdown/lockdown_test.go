package lockdown_test

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

	"russet/device/lockdown"
	"russet/internal/plist"
)

func TestValues(t *testing.T) {
	var got []plist.Dict
	c := device(t, func(req plist.Dict) plist.Dict {
		got = append(got, req)
		switch req.String("Request") {
		case "QueryType":
			return said(req, plist.Dict{"Type": lockdown.Type})
		case "GetValue":
			return said(req, plist.Dict{"Value": int64(len(got))})
		default:
			return said(req, plist.Dict{})
		}
	})
	ctx := t.Context()
	if kind, err := c.QueryType(ctx); kind != lockdown.Type || err != nil {
		t.Errorf("QueryType = %q, %v", kind, err)
	}
	if v, err := c.Value(ctx, "a.domain", "Key"); v != int64(2) || err != nil {
		t.Errorf("Value = %v, %v", v, err)
	}
	if _, err := c.Value(ctx, "", ""); err != nil {
		t.Error(err)
	}
	if err := c.SetValue(ctx, "", "DeviceName", "x"); err != nil {
		t.Error(err)
	}
	if err := c.RemoveValue(ctx, "a.domain", "Key"); err != nil {
		t.Error(err)
	}
	want := []plist.Dict{
		{"Label": "test", "Request": "QueryType"},
		{"Label": "test", "Request": "GetValue", "Domain": "a.domain", "Key": "Key"},
		{"Label": "test", "Request": "GetValue"},
		{"Label": "test", "Request": "SetValue", "Key": "DeviceName", "Value": "x"},
		{"Label": "test", "Request": "RemoveValue", "Domain": "a.domain", "Key": "Key"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the device was asked %v", got)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer plist.Dict
		code   lockdown.Code
		text   string
	}{
		{"a code", plist.Dict{"Error": "MissingValue"}, lockdown.MissingValue, "lockdown GetValue d/k: MissingValue"},
		{"a code with a meaning", plist.Dict{"Error": "PasswordProtected"}, lockdown.PasswordProtected, "the device is locked"},
		{"another word", plist.Dict{"Error": "a\nb"}, "a\nb", `"a\nb"`},
		{"an endless word", plist.Dict{"Error": strings.Repeat("x", 1000)}, lockdown.Code(strings.Repeat("x", 64) + "…"), "x…"},
		{"no word", plist.Dict{"Error": int64(5)}, "an error without a name", "without a name"},
		{"iOS 4", plist.Dict{"Result": "Failure"}, "Failure", "Failure"},
		{"a success without a value", plist.Dict{"Result": "Success"}, lockdown.MissingValue, "MissingValue"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := device(t, func(req plist.Dict) plist.Dict { return said(req, c.answer) })
			_, err := client.Value(t.Context(), "d", "k")
			e, ok := errors.AsType[*lockdown.Error](err)
			if !ok || e.Code != c.code || !errors.Is(err, c.code) || errors.Is(err, lockdown.InvalidHostID) {
				t.Errorf("got %#v", err)
			}
			if err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("it reads %q", err)
			}
		})
	}
}

func TestAnswerToAnotherRequest(t *testing.T) {
	c := device(t, func(plist.Dict) plist.Dict { return plist.Dict{"Request": "Pair", "Value": "x"} })
	if v, err := c.Value(t.Context(), "", "k"); err == nil {
		t.Errorf("took %v for the answer", v)
	}
}

func TestHangUp(t *testing.T) {
	c := device(t, func(plist.Dict) plist.Dict { return nil })
	if _, err := c.QueryType(t.Context()); !errors.Is(err, io.EOF) || !lockdown.Dropped(err) {
		t.Errorf("got %v", err)
	}
	c = device(t, func(plist.Dict) plist.Dict { return nil })
	if err := c.Goodbye(t.Context()); err != nil {
		t.Errorf("a device may hang up on goodbye: %v", err)
	}
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connection(t, func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) })
		if _, err := c.QueryType(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) || lockdown.Dropped(err) {
			t.Errorf("got %v", err)
		}
	})
	c := connection(t, func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.QueryType(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestStartService(t *testing.T) {
	var got plist.Dict
	answer := plist.Dict{"Port": int64(50000), "EnableServiceSSL": true}
	c := device(t, func(req plist.Dict) plist.Dict {
		got = req
		return said(req, answer)
	})
	s, err := c.StartService(t.Context(), "com.apple.afc", []byte("bag"))
	if err != nil || s != (lockdown.Service{Port: 50000, TLS: true}) {
		t.Errorf("got %v, %v", s, err)
	}
	want := plist.Dict{"Label": "test", "Request": "StartService", "Service": "com.apple.afc", "EscrowBag": []byte("bag")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the device was asked %v", got)
	}
	for _, port := range []any{int64(0), int64(-1), int64(65536), uint64(1 << 63), "62078", nil} {
		answer = plist.Dict{"Port": port}
		if port == nil {
			answer = plist.Dict{}
		}
		if s, err := c.StartService(t.Context(), "s", nil); err == nil {
			t.Errorf("port %v was taken for %v", port, s)
		}
		if got.Has("EscrowBag") {
			t.Error("an escrow bag nobody asked for")
		}
	}
}
