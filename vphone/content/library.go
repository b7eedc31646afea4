package content

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"russet/vphone/content/internal/dice"
	"russet/vphone/content/internal/iosdb"
	"russet/vphone/content/internal/picture"
	"russet/vphone/disk"
	"russet/vphone/internal/plist"
)

const cameraRoll = "CameraRollDomain"

// library puts photos and videos, their thumbnails and Photos.sqlite.
func (m *maker) library(p plan, people []dice.Person) {
	d := m.roll("photos")
	m.database(cameraRoll, photosPath, func(db *iosdb.DB) {
		iosdb.CreatePhotos(db, d, people, beginning)
		n := p.photos + p.videos
		every := n/max(p.videos, 1) + 1
		for i := range n {
			when := beginning.Add(m.now.Sub(beginning) / time.Duration(n+1) * time.Duration(i+1)).Truncate(time.Second)
			a := m.asset(d, i, when, p.videos > 0 && i%every == every-1)
			a.Size = int64(d.Between(p.photoSize/2, p.photoSize*3/2))
			if a.Video {
				a.Size = int64(d.Between(p.videoSize/2, p.videoSize*3/2))
			}
			m.addAsset(db, d, a)
		}
	})
	m.dir(cameraRoll, "Media/PhotoData/CPLAssets/group1")
	m.plist(cameraRoll, "Media/PhotoData/AlbumsMetadata/"+d.UUID()+".albummetadata", map[string]any{"title": d.Title()})
}

// asset draws the i-th photo or video of the camera.
func (m *maker) asset(d *dice.Dice, i int, when time.Time, video bool) iosdb.Asset {
	a := iosdb.Asset{
		Directory: fmt.Sprintf("DCIM/%dAPPLE", 100+i/999), UUID: d.UUID(), At: when, Video: video,
		Favorite: d.Chance(6), Hidden: d.Chance(2), Trashed: d.Chance(3), UTI: "public.jpeg",
	}
	extension := "JPG"
	switch {
	case video:
		extension, a.UTI = "MOV", "com.apple.quicktime-movie"
	case i%5 == 3:
		extension, a.UTI = "HEIC", "public.heic"
		a.Live = i%10 == 3
	case i%12 == 5:
		a.Edited = true
	}
	a.Name = fmt.Sprintf("IMG_%04d.%s", i%9999+1, extension)
	a.Original = a.Name
	return a
}

// addAsset enters an asset into the library and puts its files.
func (m *maker) addAsset(db *iosdb.DB, d *dice.Dice, a iosdb.Asset) {
	iosdb.AddAsset(db, d, a)
	path := "Media/" + a.Directory + "/" + a.Name
	stem := strings.TrimSuffix(path, path[strings.LastIndexByte(path, '.'):])
	attributes := m.assetAttributes(d, a)
	seed := d.Uint64()
	switch a.UTI {
	case "public.jpeg":
		m.photo(cameraRoll, path, seed, a.Size, at(a.At), attributes)
	case "public.heic":
		m.media(cameraRoll, path, picture.HEIC(), seed, a.Size, at(a.At), attributes)
	default:
		m.media(cameraRoll, path, picture.MOV(a.Size), seed, a.Size, at(a.At), attributes)
	}
	if a.Live {
		m.media(cameraRoll, stem+".MOV", picture.MOV(a.Size/2), seed+1, a.Size/2, at(a.At))
	}
	if a.Edited {
		m.edit(d, a, stem)
	}
	m.thumbnail(d, a)
}

// thumbnail puts the picture that galleries show, as large as on a phone if
// the photo is.
func (m *maker) thumbnail(d *dice.Dice, a iosdb.Asset) {
	if m.err != nil {
		return
	}
	size := min(int64(d.Between(18_000, 45_000)), a.Size/6)
	m.media(cameraRoll, "Media/PhotoData/Thumbnails/V2/"+a.Directory+"/"+a.Name+"/5005.JPG", dice.Pick(d, m.thumbs), d.Uint64(), size, at(a.At))
}

// edit puts what a change of a photo leaves beside it.
func (m *maker) edit(d *dice.Dice, a iosdb.Asset, stem string) {
	recipe := map[string]any{"adjustmentBaseVersion": int64(0), "adjustmentFormatIdentifier": "com.apple.photo", "adjustmentData": d.Bytes(120)}
	b, err := plist.XML(recipe)
	m.fail(err)
	m.bytesFile(cameraRoll, stem+".AAE", b, at(a.At))
	changes := "Media/PhotoData/Mutations/" + strings.TrimPrefix(stem, "Media/") + "/Adjustments/"
	m.plist(cameraRoll, changes+"Adjustments.plist", recipe, at(a.At))
	m.photo(cameraRoll, changes+"FullSizeRender.jpg", d.Uint64(), a.Size, at(a.At))
}

// assetAttributes are the extended attributes that the photo library leaves
// on its files.
func (m *maker) assetAttributes(d *dice.Dice, a iosdb.Asset) with {
	const prefix = "com.apple.assetsd."
	flag := func(b bool) []byte { return []byte(strconv.Itoa(map[bool]int{true: 1}[b])) }
	attributes := map[string][]byte{
		prefix + "originalFilename": []byte(a.Original),
		prefix + "UUID":             d.Bytes(16),
		prefix + "favorite":         flag(a.Favorite),
		prefix + "hidden":           flag(a.Hidden),
		prefix + "trashed":          flag(a.Trashed),
		prefix + "addedDate":        m.binary(a.At),
		prefix + "timeZoneName":     []byte("Europe/Berlin"),
		prefix + "creatorBundleID":  []byte("com.apple.camera"),
		prefix + "importedBy":       []byte("1"),
	}
	return func(e *disk.Entry) { e.XAttrs = attributes }
}
