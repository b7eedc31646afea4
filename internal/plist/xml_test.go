package plist_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"russet/internal/plist"
)

func TestXMLForms(t *testing.T) {
	cases := map[string]struct {
		in   string
		want any
	}{
		"bom and space":      {"\xEF\xBB\xBF \r\n<plist><true/></plist>", true},
		"declaration":        {"<?xml version='1.0' encoding='utf-8'?><plist><false/></plist>\n", false},
		"open true":          {"<plist><true></true></plist>", true},
		"doctype subset":     {`<!DOCTYPE plist [ <!ENTITY a "b>c"> ]><plist><string/></plist>`, ""},
		"comments":           {"<!-- a --><plist><!-- <b> --><string>a<!-- x -->b</string></plist><!-- c -->", "ab"},
		"cdata":              {"<plist><string>a<![CDATA[<&amp;>]]>b</string></plist>", "a<&amp;>b"},
		"entities":           {"<plist><string>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;</string></plist>", "<>&\"'A😀"},
		"space kept":         {"<plist><string> a \n</string></plist>", " a \n"},
		"line ends":          {"<plist><string>a\r\nb\rc&#13;</string></plist>", "a\nb\nc\r"},
		"control dropped":    {"<plist><string>a\x00b\x1bc\td</string></plist>", "abc\td"},
		"trailing NUL":       {"<plist><string>a</string></plist>\x00", "a"},
		"not UTF-8":          {"<plist><string>a\xffb</string></plist>", "a\uFFFDb"},
		"integer spaced":     {"<plist><integer>\n 42 </integer></plist>", int64(42)},
		"integer plus":       {"<plist><integer>+7</integer></plist>", int64(7)},
		"integer hex":        {"<plist><integer>0xFf</integer></plist>", int64(255)},
		"integer minus hex":  {"<plist><integer>-0x10</integer></plist>", int64(-16)},
		"integer least":      {"<plist><integer>-9223372036854775808</integer></plist>", int64(-1 << 63)},
		"integer most":       {"<plist><integer>18446744073709551615</integer></plist>", uint64(1<<64 - 1)},
		"real":               {"<plist><real>1e3</real></plist>", 1000.0},
		"date":               {"<plist><date>2001-01-01T00:00:01Z</date></plist>", time.Unix(978307201, 0).UTC()},
		"date with zone":     {"<plist><date>2001-01-01T01:00:01+01:00</date></plist>", time.Unix(978307201, 0).UTC()},
		"data":               {"<plist><data>\n\tAQ\n\tID\n</data></plist>", []byte{1, 2, 3}},
		"data unpadded":      {"<plist><data>AQ</data></plist>", []byte{1}},
		"data empty":         {"<plist><data/></plist>", []byte{}},
		"uid":                {"<plist><dict><key>CF$UID</key><integer>5</integer></dict></plist>", plist.UID(5)},
		"attribute with >":   {`<plist a=">"><array/></plist>`, []any{}},
		"space in tags":      {"<plist ><array ><true /></array ></plist >", []any{true}},
		"last key wins":      {"<plist><dict><key>a</key><true/><key>a</key><false/></dict></plist>", plist.Dict{"a": false}},
		"key with an entity": {"<plist><dict><key>a&amp;b</key><true/></dict></plist>", plist.Dict{"a&b": true}},
	}
	for name, c := range cases {
		got, err := plist.Parse([]byte(c.in), plist.Limits{})
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v, %v; want %#v", name, got, err, c.want)
		}
	}
}

func TestHostileXML(t *testing.T) {
	cases := map[string]string{
		"cut in the prolog":  "<?xml version='1.0'",
		"cut in the doctype": "<!DOCTYPE plist [ <!ENTITY",
		"cut in a tag":       "<plist><dict",
		"cut in text":        "<plist><string>abc",
		"cut after a value":  "<plist><string>abc</string>",
		"cut in a comment":   "<plist><!-- ",
		"cut in cdata":       "<plist><string><![CDATA[ x",
		"no value":           "<plist></plist>",
		"empty plist":        "<plist/>",
		"two values":         "<plist><true/><true/></plist>",
		"after the end":      "<plist><true/></plist><plist/>",
		"wrong end":          "<plist><array></dict></plist>",
		"string end":         "<plist><string>a</data></plist>",
		"element in string":  "<plist><string>a<b/></string></plist>",
		"text in a dict":     "<plist><dict>a</dict></plist>",
		"value for a key":    "<plist><dict><true/></dict></plist>",
		"key without value":  "<plist><dict><key>a</key></dict></plist>",
		"key alone":          "<plist><key>a</key></plist>",
		"unknown element":    "<plist><object/></plist>",
		"unknown entity":     "<plist><string>&nbsp;</string></plist>",
		"own entity":         `<!DOCTYPE plist [<!ENTITY a "b">]><plist><string>&a;</string></plist>`,
		"loose ampersand":    "<plist><string>a & b</string></plist>",
		"NUL by number":      "<plist><string>&#0;</string></plist>",
		"beyond Unicode":     "<plist><string>&#x110000;</string></plist>",
		"empty number":       "<plist><string>&#;</string></plist>",
		"encoding":           "<?xml version='1.0' encoding='UTF-16'?><plist><true/></plist>",
		"integer":            "<plist><integer>12a</integer></plist>",
		"integer empty":      "<plist><integer/></plist>",
		"integer too large":  "<plist><integer>18446744073709551616</integer></plist>",
		"integer too small":  "<plist><integer>-9223372036854775809</integer></plist>",
		"integer signs":      "<plist><integer>+-1</integer></plist>",
		"real":               "<plist><real>one</real></plist>",
		"date":               "<plist><date>yesterday</date></plist>",
		"data":               "<plist><data>A*B=</data></plist>",
		"data of one letter": "<plist><data>A</data></plist>",
		"full true":          "<plist><true>x</true></plist>",
	}
	for name, in := range cases {
		v, err := plist.Parse([]byte(in), plist.Limits{})
		if !errors.Is(err, plist.ErrSyntax) {
			t.Errorf("%s: got %v, %v", name, v, err)
		}
	}
}

func TestAMillionNestedArrays(t *testing.T) {
	in := "<plist>" + strings.Repeat("<array>", 1_000_000)
	if _, err := plist.Parse([]byte(in), plist.Limits{}); !errors.Is(err, plist.ErrLimit) {
		t.Error(err)
	}
}

func TestXMLLooksLikeApples(t *testing.T) {
	got, err := plist.MarshalXML(plist.Dict{"b": []string{"x & y"}, "a": []byte("hi")})
	if err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>a</key>
	<data>
	aGk=
	</data>
	<key>b</key>
	<array>
		<string>x &amp; y</string>
	</array>
</dict>
</plist>
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
