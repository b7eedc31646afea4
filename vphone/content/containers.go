package content

import (
	"encoding/json"
	"fmt"
	"strings"

	"russet/vphone/content/internal/dice"
	"russet/vphone/disk"
)

// containers puts the few files that every application begins with.
func (m *maker) containers(apps []App) {
	for _, a := range apps {
		d := dice.New(m.seed, "container", a.BundleID)
		domain := "AppDomain-" + a.BundleID
		m.dir(domain, "Documents")
		m.plist(domain, "Library/Preferences/"+a.BundleID+".plist", map[string]any{
			"FirstRun": m.dice.Time(beginning, m.now), "Version": a.Version, "UserID": d.UUID(), "Launches": d.IntN(500),
		})
		for _, g := range a.Groups {
			m.plist("AppDomainGroup-"+g, "Library/Preferences/"+g+".plist", map[string]any{"shared": true, "token": d.Bytes(20)})
		}
		for _, p := range a.Plugins {
			m.plist("AppDomainPlugin-"+p, "Library/Preferences/"+p+".plist", map[string]any{"timeline": d.IntN(100)})
		}
	}
}

// oddDomain is the application whose user gives files strange names.
const oddDomain = "AppDomain-org.example.trails"

// oddities puts what backups stumble over.
func (m *maker) oddities() {
	d := m.roll("oddities")
	for _, name := range []string{
		"line\nbreak.txt", `back\slash.txt`, " leading space.txt", ".hidden", "trailing space ", "trailing dot.", "caf\u00e9.txt", "cafe\u0301.txt",
		"Twins.txt", "twins.txt", "👩‍👩‍👧‍👦 família 🏖️.jpg", `a:b*c?"d"<e>|f.txt`, "-rf", "~tilde", "%2e%2e", "CON", "日本語の名前.txt", "עברית.txt",
		strings.Repeat("ü", 123) + ".txt", strings.Repeat("n", 246) + ".txt",
	} {
		m.bytesFile(oddDomain, "Documents/Odd names/"+name, []byte(d.Sentence()))
	}
	m.bytesFile(oddDomain, "Documents/"+strings.Repeat("deep/", 30)+"bottom.txt", []byte("here\n"))
	m.bytesFile(oddDomain, "Documents/empty", nil)
	m.bytesFile(oddDomain, "Documents/empty in class 1", nil, class(1))
	for i, length := range []int{1, 15, 16, 17, 4095, 4096, 4097, 32_767, 32_768, 32_769} {
		m.bytesFile(oddDomain, fmt.Sprintf("Documents/Lengths/%05d", length), d.Bytes(length), class([]uint8{3, 1, 2, 4, 7}[i%5]))
	}
	m.bytesFile(oddDomain, "Library/inode and group.bin", d.Bytes(50), func(e *disk.Entry) { e.Inode = 1<<60 + 12_345 }, owned(501, -2), mode(0o604))
	m.bytesFile(oddDomain, "Library/attributes.bin", d.Bytes(50), func(e *disk.Entry) {
		e.XAttrs = map[string][]byte{"com.example.empty": {}, "com.example.bytes": d.Bytes(300), "com.example.Ä": []byte("ä")}
	})
	m.link(oddDomain, "Documents/link to a file", "Odd names/twins.txt")
	m.link(oddDomain, "Documents/dangling link", "/nowhere/\n/at all")
	m.dir(oddDomain, "Documents/private", mode(0o700))
	m.dir(oddDomain, "Documents/empty folder")
}

// filler is one file that brings a phone to its number of files and bytes.
type filler struct {
	domain string
	size   int64
	seed   uint64
}

// perDir is how many files an application keeps in a directory.
const perDir = 100

// fill adds application files until the phone has as many as planned.
func (m *maker) fill(o Options, p plan) {
	n := p.files - m.files
	if n <= 0 || m.err != nil {
		return
	}
	apps, err := Apps(o)
	if err != nil {
		m.fail(err)
		return
	}
	d := m.roll("fill")
	files := make([]filler, n)
	var sum int64
	var domain string
	run := min(n/(4*max(len(apps), 20))+1, perDir) // files in a row in one application
	for i := range files {
		f := &files[i]
		f.seed = d.Uint64()
		if f.size = d.FileSize(p.largest); p.bare {
			f.size = p.largest/10 + d.Int64N(p.largest)
		}
		sum += f.size
		switch {
		case p.bare:
			domain = fmt.Sprintf("AppDomain-org.example.bench%02d", i*20/n)
		case i%run == 0:
			domain = "AppDomain-" + apps[d.Early(len(apps))].BundleID
		}
		f.domain = domain
	}
	m.scale(files, sum, p)
	for i, f := range files {
		m.fillOne(f, i, p)
	}
}

// scale brings the sum of sizes to what the plan leaves.
func (m *maker) scale(files []filler, sum int64, p plan) {
	left := max(p.size-m.bytes, 0)
	var scaled int64
	for i := range files {
		files[i].size = share(files[i].size, left, sum)
		scaled += files[i].size
	}
	if p.bare {
		files[len(files)-1].size += left - scaled
	}
}

func (m *maker) fillOne(f filler, i int, p plan) {
	dir := fmt.Sprintf("Library/Application Support/store/%03d/", i/perDir)
	switch {
	case f.size > 16_000:
		m.media(f.domain, dir+fmt.Sprintf("%06d.bin", i), nil, f.seed, f.size)
	case p.bare && i%3 == 0 || i%10 == 0:
		m.media(f.domain, dir+fmt.Sprintf("thumb-%06d.jpg", i), m.thumbs[i%len(m.thumbs)], f.seed, f.size)
	case i%2 == 0:
		m.bytesFile(f.domain, dir+fmt.Sprintf("%06d.plist", i), m.somePlist(f.seed, f.size))
	default:
		m.bytesFile(f.domain, dir+fmt.Sprintf("%06d.json", i), m.someJSON(f.seed, f.size))
	}
}

// somePlist is a property list of about size bytes.
func (m *maker) somePlist(seed uint64, size int64) []byte {
	const frame = 110 // of the list and its numbers
	return m.binary(map[string]any{
		"id": int64(seed >> 1), "modified": m.now, "title": "item", "enabled": seed%2 == 0, "body": []byte(m.text(seed/3, int(max(size-frame, 1)))),
	})
}

// someJSON is a JSON document of about size bytes.
func (m *maker) someJSON(seed uint64, size int64) []byte {
	const frame = 60
	b, err := json.Marshal(map[string]any{"id": seed, "text": m.text(seed, int(max(size-frame, 1)))})
	m.fail(err)
	return b
}
