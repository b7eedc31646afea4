package lockdown_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"testing"

	"russet/device/lockdown"
	"russet/internal/plist"
)

func TestPairRecordRoundTrip(t *testing.T) {
	out, err := record(t).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := plist.ParseDict(out)
	if err != nil {
		t.Fatal(err)
	}
	want, err := plist.ParseDict(foreignRecord)
	if err != nil {
		t.Fatal(err)
	}
	if !want.Has("UDID") { // a key of netmuxd's, which we do not know
		t.Fatal("the sample has lost its point")
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the record changed on the way")
	}
	binary, err := plist.MarshalBinary(want)
	if err != nil {
		t.Fatal(err)
	}
	again, err := lockdown.ParsePairRecord(binary)
	if err != nil || again.HostID != want.String("HostID") {
		t.Errorf("a binary record: %v", err)
	}
}

func TestPairRecordsThatAreNone(t *testing.T) {
	good, err := plist.ParseDict(foreignRecord)
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]any{
		"HostID": "", "SystemBUID": int64(1), "DeviceCertificate": []byte("x"),
		"HostCertificate": nil, "HostPrivateKey": good["RootPrivateKey"],
	} {
		bad := maps.Clone(good)
		if value == nil {
			delete(bad, key)
		} else {
			bad[key] = value
		}
		data, err := plist.MarshalXML(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lockdown.ParsePairRecord(data); err == nil {
			t.Errorf("%s replaced by %v was taken", key, value)
		}
	}
	if _, err := lockdown.ParsePairRecord(make([]byte, 2<<20)); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("two megabytes: %v", err)
	}
}

func TestPairRecordDoesNotPrint(t *testing.T) {
	rec := record(t)
	rec.EscrowBag = []byte("canary")
	rec.HostID = "canary"
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, rec)
		fmt.Fprintf(&out, verb, *rec)
		fmt.Fprintf(&out, verb, struct{ R *lockdown.PairRecord }{rec})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "r", rec, "v", *rec)
	if err := json.NewEncoder(&out).Encode(rec); err != nil {
		t.Fatal(err)
	}
	printed := out.String()
	for _, secret := range []string{"canary", fmt.Sprint([]byte("canary")), "63616e617279", "Y2FuYXJ5", "PRIVATE", "LS0t"} {
		if strings.Contains(printed, secret) {
			t.Errorf("it printed %q", secret)
		}
	}
}

// smallRecord has keys of another kind: a seed as long as a real record keeps
// the fuzzer at making it shorter.
//
//go:embed testdata/small.plist
var smallRecord []byte

func FuzzParsePairRecord(f *testing.F) {
	f.Add(smallRecord)
	f.Add(bytes.Replace(smallRecord, []byte("HostPrivateKey"), []byte("RootPrivateKey"), 1))
	f.Add([]byte("<plist><dict/></plist>"))
	f.Add([]byte("bplist00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := lockdown.ParsePairRecord(data)
		if err != nil {
			return
		}
		out, err := rec.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := lockdown.ParsePairRecord(out)
		if err != nil || again.HostID != rec.HostID || !bytes.Equal(again.HostPrivateKey, rec.HostPrivateKey) {
			t.Errorf("the record changed on the way: %v", err)
		}
	})
}
