package depot_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"

	"russet/internal/vault/depot"
	"russet/vphone/content"
	"russet/vphone/disk"
)

// database looks like one of n pages, and rest bytes more, to whoever reads no
// more than the header.
func database(seed uint64, page, n, rest int) []byte {
	b := noise(seed, page*n+rest)
	copy(b, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(b[16:], uint16(page%65535)) // 65,536 is stored as 1
	return b
}

// cost is how many bytes an object makes the vault grow by.
func (l *lab) cost(s *depot.Session, k depot.Kind, data []byte) (int64, depot.ID) {
	l.t.Helper()
	before := s.Uploaded()
	id := l.write(s, k, data)
	l.must(s.Flush(l.t.Context()))
	return s.Uploaded() - before, id
}

func TestPagesComeBack(t *testing.T) {
	l := newLab(t)
	d := l.open()
	s := l.begin(d)
	rnd := rand.New(rand.NewPCG(7, 7))
	for _, page := range []int{512, 1024, 2048, 4096, 8192, 16384, 32768, 65536} {
		for _, k := range []depot.Kind{depot.Pages, depot.MetaPages} {
			data := database(uint64(page), page, 1+rnd.IntN(6<<20/page), rnd.IntN(2)*rnd.IntN(page))
			for i := 0; i < len(data)/page; i += 1 + rnd.IntN(50) { // runs of equal pages
				clear(data[max(i*page, 100):min((i+rnd.IntN(20))*page+100, len(data))])
			}
			w := s.Writer(k)
			_, err := w.Write(data)
			l.must(err)
			id, err := w.Result()
			l.must(err)
			if again := l.write(s, k, data); again != id {
				t.Errorf("pages of %d: how it is handed over makes another object", page)
			}
			if !bytes.Equal(l.read(s.Reader(t.Context(), id)), data) {
				t.Errorf("pages of %d, %d bytes: other ones come back", page, len(data))
			}
		}
	}
}

// Pages in other places cost what is new among them, and a seek table that is
// mostly the old one.
func TestMovedPagesShare(t *testing.T) {
	for _, page := range []int{1024, 4096, 16384} {
		l := newLab(t)
		s := l.begin(l.open())
		old := database(1, page, 24<<20/page, 0)
		l.cost(s, depot.Pages, old)
		moved := append([]byte(nil), old[:8<<20]...)
		moved = append(moved, noise(2, page)...)                  // one is new
		moved = append(moved, old[8<<20+3*page:16<<20]...)        // three are gone
		moved = append(moved, old[16<<20+5*page:]...)             // five more
		moved = append(moved, old[16<<20:16<<20+5*page]...)       // which are at the end
		copy(moved[4<<20+page/2:], "a change that moves nothing") // and not in the last bytes of its page
		n, _ := l.cost(s, depot.Pages, moved)
		if n > 300<<10 {
			t.Errorf("pages of %d: %d bytes", page, n)
		}
	}
}

// A day in the life of a message database, as it is when the phone packs it
// anew and when it leaves the pages where they were.
func TestDaysOfADatabase(t *testing.T) {
	for _, keep := range []bool{false, true} {
		phone := disk.NewMemory()
		l := newLab(t)
		l.must(content.MakeOn(t.Context(), phone, content.Options{Profile: "tiny", Seed: 3, MessageBytes: 12 << 20}))
		messages := func() []byte {
			r, err := phone.Open("HomeDomain", "Library/SMS/sms.db")
			l.must(err)
			defer r.Close()
			data, err := io.ReadAll(r)
			l.must(err)
			return data
		}
		s, m := l.begin(l.open()), newLab(t)
		other := m.begin(m.open())
		cut, fixed := map[bool]int64{}, map[bool]int64{}
		for day := range 4 {
			if day > 0 {
				l.must(content.Churn(t.Context(), phone, content.ChurnOptions{Seed: 3, Day: day, Activity: content.LightDay, KeepPages: keep}))
			}
			data := messages()
			n, _ := l.cost(s, depot.Pages, data)
			cut[day == 0] += n
			// Behind 16 KiB of zeros it is no database, and cut every 16 KiB.
			n, _ = l.cost(other, depot.Pages, append(make([]byte, 16<<10), data...))
			fixed[day == 0] += n
		}
		t.Logf("keep %v: first %d days %d, every 16 KiB first %d days %d", keep, cut[true], cut[false], fixed[true], fixed[false])
		most := 0.75
		if keep {
			most = 1.05
		}
		if float64(cut[false]) > most*float64(fixed[false]) {
			t.Errorf("pages kept: %v: the days cost %d, and %d every 16 KiB", keep, cut[false], fixed[false])
		}
		if float64(cut[true]) > 1.1*float64(fixed[true]) {
			t.Errorf("the first backup costs %d, and %d every 16 KiB", cut[true], fixed[true])
		}
	}
}

// What says it is a database and has no pages that could be is cut like one
// that is none.
func TestNoPages(t *testing.T) {
	l := newLab(t)
	s := l.begin(l.open())
	for _, size := range []uint16{0, 1000, 256, 3} {
		data := database(5, 4096, 100, 9)
		binary.BigEndian.PutUint16(data[16:], size)
		id := l.write(s, depot.Pages, data)
		if !bytes.Equal(l.read(s.Reader(t.Context(), id)), data) {
			t.Errorf("pages of %d: other bytes come back", size)
		}
	}
	for n := range 20 {
		data := database(5, 4096, 5, 0)[:n*1000]
		if id := l.write(s, depot.Pages, data); !bytes.Equal(l.read(s.Reader(t.Context(), id)), data) {
			t.Errorf("%d bytes: other ones come back", n)
		}
	}
}
