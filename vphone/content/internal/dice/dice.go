// Package dice draws the lives of virtual iPhones: numbers, names, texts. The
// same seed and label always give the same draws, on every machine: nothing
// in it uses floating-point functions that processors compute differently.
package dice

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"russet/vphone/disk"
)

// Dice is one stream of draws.
type Dice struct{ *rand.Rand }

// New starts the stream of a label. Streams of different labels have nothing
// to do with each other, so that a change in one part of a phone leaves the
// others as they were.
func New(seed uint64, label ...string) *Dice {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, seed))
	for _, l := range label {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(l))))
		h.Write([]byte(l))
	}
	return &Dice{rand.New(rand.NewChaCha8([32]byte(h.Sum(nil))))}
}

// Between draws a number from lo to hi, both included.
func (d *Dice) Between(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

// Chance is true so many times in a hundred.
func (d *Dice) Chance(percent int) bool { return d.IntN(100) < percent }

// Pick draws one of the choices.
func Pick[T any](d *Dice, from []T) T { return from[d.IntN(len(from))] }

// Early draws an index below n; more than four draws in ten fall into the
// first sixteenth, as a few people get most of the messages.
func (d *Dice) Early(n int) int {
	for n > 1 && d.Chance(75) {
		n = (n + 1) / 2
	}
	return d.IntN(n)
}

// Bytes draws n bytes.
func (d *Dice) Bytes(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, d.Uint64())
	}
	return b[:n]
}

// UUID draws an identifier as iOS writes them: upper case, version 4.
func (d *Dice) UUID() string {
	b := d.Bytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Time draws a second between two times.
func (d *Dice) Time(from, to time.Time) time.Time {
	return from.Add(time.Duration(d.Int64N(max(int64(to.Sub(from)/time.Second), 1))) * time.Second)
}

// FileSize draws the size of a file as they are spread on a phone, at most limit.
func (d *Dice) FileSize(limit int64) int64 { return min(disk.Quantile(d.Uint64()), limit) }

// Words draws so many words of one language.
func (d *Dice) Words(n int) string {
	from := Pick(d, languages)
	words := make([]string, n)
	for i := range words {
		words[i] = Pick(d, from)
	}
	return strings.Join(words, " ")
}

// Title draws a short heading.
func (d *Dice) Title() string { return capital(d.Words(d.Between(1, 4))) }

// Sentence draws something a person might write to another.
func (d *Dice) Sentence() string {
	s := capital(d.Words(d.Between(1, 14)))
	switch d.IntN(10) {
	case 0:
		return s + " " + Pick(d, emoji)
	case 1:
		return s + "?"
	case 2:
		return s + " " + Pick(d, emoji) + Pick(d, emoji)
	case 3:
		return s
	}
	return s + "."
}

// Text draws a few paragraphs of about n bytes.
func (d *Dice) Text(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(d.Sentence())
		if d.Chance(15) {
			b.WriteString("\n")
		} else {
			b.WriteString(" ")
		}
	}
	return strings.TrimSpace(b.String())
}

// Emoji draws one.
func (d *Dice) Emoji() string { return Pick(d, emoji) }

func capital(s string) string {
	for i, r := range s {
		return strings.ToUpper(string(r)) + s[i+len(string(r)):]
	}
	return s
}
