package kit

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// The page is as wide as A4 and as high as Letter: it prints on both as it is.
// Lengths are in points.
const (
	pageWidth  = 595
	pageHeight = 792
	marginX    = 54
	marginY    = 48
	textRight  = pageWidth - marginX
)

// face is one of the fonts that every reader of PDF has.
type face struct {
	tag, name string
	size      float64
	lead      float64 // from line to line
	before    float64 // above a block
}

func faceOf(s style) face {
	switch s {
	case title:
		return face{"F2", "Helvetica-Bold", 16, 20, 0}
	case heading:
		return face{"F2", "Helvetica-Bold", 11.5, 14, 9}
	case secret:
		return face{"F4", "Courier-Bold", 15, 19, 7}
	case command:
		return face{"F3", "Courier", 9, 11.5, 3.5}
	case listing:
		return face{"F3", "Courier", 8, 10.5, 5}
	default:
		return face{"F1", "Helvetica", 9.5, 12.2, 5}
	}
}

// measure is how wide s is set.
func (f face) measure(s string) float64 {
	units := 0
	for _, c := range encode(s) {
		switch {
		case strings.HasPrefix(f.name, "Courier"):
			units += 600
		case c >= ' ' && c <= '~':
			units += helvetica(c)
		default:
			units += 667 // few are wider
		}
	}
	if f.name == "Helvetica-Bold" {
		units = units * 107 / 100
	}
	return float64(units) * f.size / 1000
}

// helvetica is the width of a character of ASCII, in thousandths of its size.
func helvetica(c byte) int {
	widths := [...]int{
		278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, // space to /
		556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, // 0 to ?
		1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, // @ to O
		667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, // P to _
		333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, // ` to o
		556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, // p to ~
	}
	return widths[c-' ']
}

// encode turns text into the bytes of WinAnsiEncoding, which is what these
// fonts have. A character that they lack is written as <U+4E2D>: never left
// out, never as something else.
func encode(s string) []byte {
	var b []byte
	for _, r := range s {
		if c, ok := charmap.Windows1252.EncodeRune(r); ok && c >= ' ' && c != 0x7F {
			b = append(b, c)
		} else {
			b = fmt.Appendf(b, "<U+%04X>", r)
		}
	}
	return b
}

// complete reports whether the fonts have every character of s.
func complete(s string) bool {
	return !bytes.Contains(encode(strings.ReplaceAll(s, "\n", " ")), []byte("<U+"))
}

// PDF is the kit as a document that every printer and reader takes.
func (k Kit) PDF() []byte {
	d := &document{}
	d.newPage()
	whole := true
	for _, p := range k.page() {
		whole = whole && complete(p.text+strings.Join(p.words, ""))
		d.block(p)
	}
	if !whole {
		d.block(say(prose, "A character that this document cannot show stands in it as <U+ and its number>. Make a kit that ends in .txt to have it as it is."))
	}
	return d.bytes(k)
}

// document is a PDF in the making.
type document struct {
	pages []*bytes.Buffer
	y     float64 // of the last line
}

func (d *document) newPage() {
	d.pages = append(d.pages, &bytes.Buffer{})
	d.y = pageHeight - marginY
}

func (d *document) block(p block) {
	f := faceOf(p.style)
	x, width := float64(marginX), float64(textRight-marginX)
	var lines []string
	switch p.style {
	case pageEnd:
		d.newPage()
		return
	case command:
		x, width = x+12, width-12
		lines = shellLines(p.words, int(width/f.measure("x")), true)
	case listing:
		for line := range strings.SplitSeq(p.text, "\n") {
			for f.measure(line) > width {
				head := fitting(line, width, f.measure)
				lines, line = append(lines, head), line[len(head):]
			}
			lines = append(lines, line)
		}
	default:
		lines = wrap(p.text, width, f.measure)
	}
	d.y -= f.before
	for _, line := range lines {
		if d.y -= f.lead; d.y < marginY {
			d.newPage()
			d.y -= f.lead
		}
		fmt.Fprintf(d.pages[len(d.pages)-1], "BT /%s %g Tf %g %.2f Td (%s) Tj ET\n", f.tag, f.size, x, d.y, escape(encode(line)))
	}
}

// escape makes the inside of a PDF string.
func escape(s []byte) []byte {
	var b []byte
	for _, c := range s {
		switch {
		case c == '(' || c == ')' || c == '\\':
			b = append(b, '\\', c)
		case c > '~':
			b = fmt.Appendf(b, `\%03o`, c)
		default:
			b = append(b, c)
		}
	}
	return b
}

// bytes numbers the objects, writes them and the table of where each begins.
func (d *document) bytes(k Kit) []byte {
	const catalog, tree, info, firstFont, fonts = 1, 2, 3, 4, 4
	firstPage := firstFont + fonts
	var kids []string
	for i := range d.pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", firstPage+2*i))
	}
	objects := []string{
		fmt.Sprintf("<< /Type /Catalog /Pages %d 0 R >>", tree),
		fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(kids)),
		fmt.Sprintf("<< /Title (%s) /Producer (russet) /CreationDate (D:%s) >>",
			escape(encode("Recovery kit of the vault "+k.Store)), k.Made.UTC().Format("20060102150405Z")),
	}
	for _, f := range []face{faceOf(prose), faceOf(title), faceOf(command), faceOf(secret)} {
		objects = append(objects, fmt.Sprintf("<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>", f.name))
	}
	for i, p := range d.pages {
		objects = append(objects,
			fmt.Sprintf("<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R /Resources << /Font << /F1 4 0 R /F2 5 0 R /F3 6 0 R /F4 7 0 R >> >> >>",
				tree, pageWidth, pageHeight, firstPage+2*i+1),
			fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", p.Len(), p.String()))
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n") // the second line says that this is no text
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, catalog, info, start)
	return b.Bytes()
}
