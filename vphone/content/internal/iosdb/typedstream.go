package iosdb

import (
	"encoding/binary"
	"unicode/utf16"
)

// typedstream archives an NSAttributedString as messages have it in
// attributedBody: the text, and one attribute that says it is part 0.
// Numbers 0x92 and above point back at strings and objects seen before.
func typedstream(text string) []byte {
	b := []byte("\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84\x12NSAttributedString\x00\x84\x84\x08NSObject\x00\x85\x92\x84\x84\x84\x08NSString\x01\x94\x84\x01+")
	b = appendStreamInt(b, len(text))
	b = append(b, text...)
	b = append(b, "\x86\x84\x02iI\x01"...)
	b = appendStreamInt(b, len(utf16.Encode([]rune(text))))
	return append(b, "\x92\x84\x84\x84\x0cNSDictionary\x00\x94\x84\x01i\x01\x92\x84\x96\x96\x1d__kIMMessagePartAttributeName"+
		"\x86\x92\x84\x84\x84\x08NSNumber\x00\x84\x84\x07NSValue\x00\x94\x84\x01*\x84\x99\x99\x00\x86\x86\x86"...)
}

// appendStreamInt writes a length: one byte below 0x80, else a mark and the
// number in two or four bytes, little endian.
func appendStreamInt(b []byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(b, byte(n))
	case n < 0x8000:
		return binary.LittleEndian.AppendUint16(append(b, 0x81), uint16(n))
	}
	return binary.LittleEndian.AppendUint32(append(b, 0x82), uint32(n))
}
