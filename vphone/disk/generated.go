package disk

import (
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Recipe describes a phone that is made up as it is read: however many rows it
// has, it takes neither memory nor room. The same recipe makes the same phone
// on every machine.
type Recipe struct {
	Seed  uint64
	Rows  int   // entries in all: files and directories
	Bytes int64 // content in all, about; 0 for some 250 KB per file
}

// Generated returns the phone of a recipe. What is put on it and removed from
// it is remembered in main memory.
func Generated(r Recipe) Disk { return &layers{store: memory{}, base: newGenerated(r)} }

// CreateGenerated makes the folder dir the disk of a recipe's phone, which
// Open then opens. The folder must be missing or empty.
func CreateGenerated(dir string, r Recipe) (Disk, error) { return create(dir, &r) }

// maxRows is the most a recipe can give, 800 times the largest phone seen.
const maxRows = 1 << 30

// born is when the files of a generated phone begin to be written.
var born = time.Date(2025, time.March, 1, 8, 0, 0, 0, time.UTC)

// generated is the source of a recipe's phone: a quarter of it photos, the
// rest the files of applications.
type generated struct {
	recipe Recipe
	groups []*group
	byName map[string]*group
	files  int64

	once  sync.Once
	total int64
}

// group is one domain: a root, a few directories, then directories of files,
// all named so that numbers and bytes sort alike.
type group struct {
	number    int
	domain    string
	tops      []string
	dirs      int
	files     int
	perDir    int
	firstDir  int
	dirPrefix string
	dirSuffix string
	dirWidth  int
	prefix    string
	suffix    string
	width     int
	head      []byte
}

func newGenerated(r Recipe) *generated {
	g := &generated{recipe: r, byName: make(map[string]*group)}
	rows := min(max(r.Rows, 20), maxRows)
	photos := rows / 4
	apps := min(max((rows-photos)/2500, 1), 2000)
	for i := range apps {
		share := (rows-photos)*(i+1)/apps - (rows-photos)*i/apps
		g.add(appGroup(i), share)
	}
	g.add(photoGroup(photos), photos)
	return g
}

func appGroup(i int) *group {
	return &group{
		domain:    "AppDomain-com.example.generated" + fixed(i, 4),
		tops:      []string{"Library", "Library/Application Support"},
		perDir:    100,
		dirPrefix: "Library/Application Support/", dirWidth: 6,
		prefix: "item-", suffix: ".plist", width: 4,
		head: []byte("bplist00"),
	}
}

func photoGroup(rows int) *group {
	return &group{
		domain: "CameraRollDomain",
		tops:   []string{"Media", "Media/DCIM"},
		perDir: max(999, rows/400), firstDir: 500,
		dirPrefix: "Media/DCIM/", dirSuffix: "APPLE", dirWidth: 3,
		prefix: "IMG_", suffix: ".JPG", width: max(4, len(strconv.Itoa(rows/400))),
		head: []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x48\x00\x48\x00\x00"),
	}
}

// add enters a group of so many rows.
func (g *generated) add(gr *group, rows int) {
	gr.number = len(g.groups)
	left := max(rows-1-len(gr.tops), 0)
	gr.dirs = (left + gr.perDir) / (gr.perDir + 1)
	gr.files = left - gr.dirs
	g.files += int64(gr.files)
	g.groups = append(g.groups, gr)
	g.byName[gr.domain] = gr
}

// fixed writes n with leading zeros.
func fixed(n, width int) string {
	s := strconv.Itoa(n)
	if len(s) < width {
		s = "0000000000"[:width-len(s)] + s
	}
	return s
}

func (gr *group) dir(i int) string {
	return gr.dirPrefix + fixed(gr.firstDir+i, gr.dirWidth) + gr.dirSuffix
}

func (gr *group) name(j int) string { return gr.prefix + fixed(j+1, gr.width) + gr.suffix }

// filesIn is how many files the i-th directory holds.
func (gr *group) filesIn(i int) int { return max(min(gr.files-i*gr.perDir, gr.perDir), 0) }

func (g *generated) walk(fn func(*Entry) error) error {
	for _, gr := range g.groups {
		for _, path := range append([]string{""}, gr.tops...) {
			if err := fn(g.directory(gr, path)); err != nil {
				return err
			}
		}
		for i := range gr.dirs {
			dir := gr.dir(i)
			if err := fn(g.directory(gr, dir)); err != nil {
				return err
			}
			for j := range gr.filesIn(i) {
				if err := fn(g.file(gr, dir+"/"+gr.name(j), i, j)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (g *generated) lookup(domain, path string) *Entry {
	gr := g.byName[domain]
	if gr == nil {
		return nil
	}
	i, j, ok := gr.parse(path)
	switch {
	case !ok:
		return nil
	case j < 0:
		return g.directory(gr, path)
	}
	return g.file(gr, path, i, j)
}

// parse finds the numbers of a path; j is negative for directories.
func (gr *group) parse(path string) (i, j int, ok bool) {
	if path == "" {
		return 0, -1, true
	}
	for _, top := range gr.tops {
		if path == top {
			return 0, -1, true
		}
	}
	rest, ok := strings.CutPrefix(path, gr.dirPrefix)
	if !ok {
		return 0, 0, false
	}
	dir, name, inDir := strings.Cut(rest, "/")
	i, err := strconv.Atoi(strings.TrimSuffix(dir, gr.dirSuffix))
	i -= gr.firstDir
	if err != nil || i < 0 || i >= gr.dirs || gr.dirPrefix+dir != gr.dir(i) {
		return 0, 0, false
	}
	if !inDir {
		return i, -1, true
	}
	j, err = strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(name, gr.prefix), gr.suffix))
	j--
	if err != nil || j < 0 || j >= gr.filesIn(i) || name != gr.name(j) {
		return 0, 0, false
	}
	return i, j, true
}

func (g *generated) directory(gr *group, path string) *Entry {
	h := mix(g.recipe.Seed ^ uint64(gr.number)<<40 ^ uint64(len(path))<<56)
	at := born.Add(time.Duration(h%86400) * time.Second)
	return &Entry{
		Domain: gr.domain, Path: path, Kind: Dir, Mode: 0o40755, UID: 501, GID: 501,
		ModTime: at, ChangeTime: at, Birth: at, Inode: 1<<33 + h>>24,
	}
}

func (g *generated) file(gr *group, path string, i, j int) *Entry {
	h := g.hash(gr, i, j)
	at := born.Add(time.Duration(mix(h)%(400*86400)) * time.Second)
	return &Entry{
		Domain: gr.domain, Path: path, Kind: File, Mode: 0o100644, UID: 501, GID: 501,
		Size: g.sizeOf(h), ModTime: at, ChangeTime: at, Birth: at, Inode: 1<<33 + h>>24, Class: 3,
	}
}

func (g *generated) open(domain, path string) io.ReadCloser {
	gr := g.byName[domain]
	i, j, _ := gr.parse(path)
	h := g.hash(gr, i, j)
	size := g.sizeOf(h)
	return NewPatternReader(Pattern{Head: gr.head[:min(int64(len(gr.head)), size)], Seed: h, Size: size})
}

func (g *generated) size() int64 {
	g.once.Do(func() {
		for _, gr := range g.groups {
			for i := range gr.dirs {
				for j := range gr.filesIn(i) {
					g.total += g.sizeOf(g.hash(gr, i, j))
				}
			}
		}
	})
	return g.total
}

func (g *generated) hash(gr *group, i, j int) uint64 {
	return mix(mix(g.recipe.Seed+uint64(gr.number)) + uint64(i)<<32 + uint64(j))
}

// sizeOf draws a size and brings it to the recipe's mean.
func (g *generated) sizeOf(h uint64) int64 {
	v := Quantile(h)
	if g.recipe.Bytes <= 0 || g.files == 0 {
		return v
	}
	hi, lo := bits.Mul64(uint64(v), uint64(g.recipe.Bytes))
	per := uint64(g.files) * uint64(quantileMean)
	if hi >= per {
		return v
	}
	n, _ := bits.Div64(hi, lo, per)
	return int64(n)
}

// quantiles are the sizes of the files of a real phone, iOS 14.3, as parts per
// thousand of its files.
var quantiles = [...]struct{ at, size int64 }{
	{0, 0}, {100, 42}, {250, 126}, {500, 638}, {750, 13_000}, {900, 133_000}, {990, 2_500_000}, {997, 5_000_000}, {1000, 63_000_000},
}

// quantileMean is the mean of Quantile over all h.
var quantileMean = func() int64 {
	var sum int64
	for i := 1; i < len(quantiles); i++ {
		a, b := quantiles[i-1], quantiles[i]
		sum += (b.at - a.at) * (a.size + b.size) / 2
	}
	return sum / 1000
}()

// Quantile draws a file size from 64 random bits, spread as on a real phone:
// half of the files below a kilobyte, one in a hundred above 2.5 MB.
func Quantile(h uint64) int64 {
	at := int64(h % 1_000_000)
	for i := 1; i < len(quantiles); i++ {
		a, b := quantiles[i-1], quantiles[i]
		if at < b.at*1000 {
			return a.size + (b.size-a.size)*(at-a.at*1000)/((b.at-a.at)*1000)
		}
	}
	panic(fmt.Sprintf("%d is not a part of a million", at)) // the table ends at a million
}

// mix is the finaliser of SplitMix64: every bit of h depends on every bit.
func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
