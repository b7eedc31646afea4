package vphone_test

import (
	"bytes"
	"io"
	"testing"

	"russet/vphone"
	"russet/vphone/internal/lockdown"
	"russet/vphone/internal/wire"
)

// FuzzLockdown says everything at once to a phone, as a host that is not
// paired and does not care for answers.
func FuzzLockdown(f *testing.F) {
	for _, requests := range [][]map[string]any{
		{dict("Request", "QueryType"), dict("Request", "GetValue", "Key", "DeviceName"), dict("Request", "Goodbye")},
		{dict("Request", "Pair", "PairRecord", dict("HostID", "A", "DeviceCertificate", []byte("-----BEGIN X-----\n-----END X-----\n")))},
		{dict("Request", "StartSession", "HostID", "A"), dict("Request", "StopSession", "SessionID", "x")},
		{dict("Request", "StartService", "Service", "com.apple.mobile.insecure_notification_proxy", "EscrowBag", []byte{1})},
		{dict("Request", "SetValue", "Key", "UntrustedHostBUID", "Value", dict()), dict("Request", int64(3))},
	} {
		var b bytes.Buffer
		for _, r := range requests {
			if err := wire.WriteXML(&b, r); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(b.Bytes())
	}
	key, err := deviceKey()
	if err != nil {
		f.Fatal(err)
	}
	p, err := vphone.New(vphone.Options{Key: key})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { p.Close() })
	dial := func(t *testing.T) *client {
		conn, err := p.DialPort(t.Context(), lockdown.Port)
		if err != nil {
			t.Fatal(err)
		}
		return &client{t: t, conn: conn}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rude, polite := dial(t), dial(t)
		defer rude.conn.Close()
		defer polite.conn.Close()
		go io.Copy(io.Discard, rude.conn)
		rude.conn.Write(data) // the phone may have hung up
		// Whatever was said there, another connection works.
		polite.want("", "Request", "QueryType")
	})
}
