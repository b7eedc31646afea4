package plist_test

import (
	"fmt"
	"testing"

	"russet/internal/plist"
)

// listing is what a host answers a device that asks for a directory of a
// thousand files.
func listing() plist.Dict {
	files := plist.Dict{}
	for i := range 1000 {
		files[fmt.Sprintf("%040x", i)] = plist.Dict{
			"DLFileType":             "DLFileTypeRegular",
			"DLFileSize":             int64(i * 4096),
			"DLFileModificationDate": everything().Time("date"),
		}
	}
	return files
}

func BenchmarkMarshal(b *testing.B) {
	v := listing()
	for name, marshal := range encodings {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := marshal(v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	icons := plist.Dict{"PlaceholderIcon": make([]byte, 32<<20)}
	for name, marshal := range encodings {
		for what, v := range map[string]plist.Dict{"listing": listing(), "icons": icons} {
			data, err := marshal(v)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(name+"/"+what, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := plist.Parse(data, plist.Limits{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
