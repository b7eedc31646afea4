package vphone

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"net"

	"russet/vphone/internal/wire"
)

// serveSpringboard sends icons.
func serveSpringboard(_ context.Context, p *Phone, conn net.Conn, _ guest) error {
	for {
		msg, err := wire.Read(conn)
		if err != nil {
			return err
		}
		reply := map[string]any{}
		if id, ok := msg["bundleId"].(string); ok && msg["command"] == "getIconPNGData" {
			if reply["pngData"], err = p.icon(id); err != nil {
				return err
			}
		}
		if err := wire.WriteBinary(conn, reply); err != nil {
			return err
		}
	}
}

// icon is the application's own, or one drawn for it.
func (p *Phone) icon(id string) ([]byte, error) {
	for _, a := range p.knownApps {
		if a.ID == id && len(a.Icon) > 0 {
			return a.Icon, nil
		}
	}
	return drawIcon(id)
}

// drawIcon draws a square with round corners in a colour of its own.
func drawIcon(id string) ([]byte, error) {
	const size, radius = 60, 13
	sum := hash(id)
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			dx := max(radius-x, x-(size-1-radius), 0)
			dy := max(radius-y, y-(size-1-radius), 0)
			if dx*dx+dy*dy > radius*radius {
				continue
			}
			shade := uint8(y)
			img.SetNRGBA(x, y, color.NRGBA{byte(sum)/2 + 128 - shade, byte(sum>>8)/2 + 128 - shade, byte(sum>>16)/2 + 128 - shade, 255})
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}
