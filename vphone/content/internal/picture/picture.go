// Package picture makes small pictures, and beginnings of larger media files
// that a reader recognises.
package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"russet/vphone/content/internal/dice"
)

// JPEG draws a picture: a gradient with a disc in it.
func JPEG(d *dice.Dice, width, height int) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, draw(d, width, height), &jpeg.Options{Quality: 70}); err != nil {
		return nil, fmt.Errorf("drawing a picture: %w", err)
	}
	return out.Bytes(), nil
}

// PNG draws the same kind of picture as an application's icon.
func PNG(d *dice.Dice, side int) ([]byte, error) {
	var out bytes.Buffer
	if err := png.Encode(&out, draw(d, side, side)); err != nil {
		return nil, fmt.Errorf("drawing an icon: %w", err)
	}
	return out.Bytes(), nil
}

func draw(d *dice.Dice, width, height int) image.Image {
	from, to, disc := randomColor(d), randomColor(d), randomColor(d)
	x0, y0, r := d.IntN(width), d.IntN(height), d.Between(height/8+1, height/2+1)
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := blend(from, to, (x+y)*255/(width+height))
			if dx, dy := x-x0, y-y0; dx*dx+dy*dy < r*r {
				c = disc
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func randomColor(d *dice.Dice) color.RGBA {
	return color.RGBA{R: uint8(d.IntN(256)), G: uint8(d.IntN(256)), B: uint8(d.IntN(256)), A: 255}
}

func blend(a, b color.RGBA, share int) color.RGBA {
	mix := func(x, y uint8) uint8 { return uint8((int(x)*(255-share) + int(y)*share) / 255) }
	return color.RGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 255}
}

// HEIC is how a photo in Apple's usual format begins.
func HEIC() []byte { return box(nil, "ftyp", []byte("heic\x00\x00\x00\x00mif1heic")) }

// MOV is how a film of size bytes begins: a file type and the header of the
// box that holds the rest.
func MOV(size int64) []byte {
	head := box(nil, "ftyp", []byte("qt  \x00\x00\x00\x00qt  "))
	rest := max(size-int64(len(head)), 16)
	head = binary.BigEndian.AppendUint32(head, 1) // length follows in 64 bits
	head = append(head, "mdat"...)
	return binary.BigEndian.AppendUint64(head, uint64(rest))
}

// M4A is how a voice memo begins.
func M4A() []byte { return box(nil, "ftyp", []byte("M4A \x00\x00\x00\x00M4A mp42isom")) }

func box(to []byte, kind string, body []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(8+len(body)))
	return append(append(to, kind...), body...)
}
