package dice_test

import (
	"testing"
	"time"

	"russet/vphone/content/internal/dice"
)

// The draws are pinned: phones made on other machines, or by other versions
// of Go, must be the same.
func TestDrawsAreTheSameEverywhere(t *testing.T) {
	d := dice.New(1, "a", "label")
	when := d.Time(time.Unix(0, 0).UTC(), time.Unix(1_000_000, 0).UTC())
	for _, c := range []struct{ got, want string }{
		{d.UUID(), "77C3DD26-03A8-4680-9F45-34B995757984"},
		{d.Title(), "늦어요 고마워요"},
		{d.Sentence(), "Αύριο καφές αύριο καφές σπίτι ήδη."},
		{when.Format(time.RFC3339), "1970-01-05T19:55:33Z"},
		{dice.People(1, 3)[2].Name(), "José Rossi"},
		{dice.People(1, 3)[2].Phone, "+12015550102"},
	} {
		if c.got != c.want {
			t.Errorf("drew %q, want %q", c.got, c.want)
		}
	}
}

func TestLabelsAreStreams(t *testing.T) {
	for _, pair := range [][2]*dice.Dice{
		{dice.New(1, "a"), dice.New(1, "b")}, {dice.New(1, "a"), dice.New(2, "a")}, {dice.New(1, "ab", "c"), dice.New(1, "a", "bc")},
	} {
		if pair[0].UUID() == pair[1].UUID() {
			t.Error("two streams draw the same")
		}
	}
}

func TestPeopleAreDifferent(t *testing.T) {
	numbers := make(map[string]bool)
	for _, p := range dice.People(3, 1000) {
		if numbers[p.Phone] || p.Name() == "" {
			t.Fatalf("%+v", p)
		}
		numbers[p.Phone] = true
	}
}

func TestEarly(t *testing.T) {
	d, first := dice.New(1), 0
	for range 10_000 {
		n := d.Early(100)
		if n < 0 || n >= 100 {
			t.Fatalf("drew %d of 100", n)
		}
		if n <= 6 {
			first++
		}
	}
	if first < 4000 {
		t.Errorf("only %d of 10,000 draws went to the first sixteenth", first)
	}
}
