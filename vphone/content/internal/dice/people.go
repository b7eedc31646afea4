package dice

import (
	"fmt"
	"strings"
	"time"
)

// Person is somebody the owner of a phone knows.
type Person struct {
	First, Last  string
	Organization string
	Phone        string // +…, from the ranges set aside for fiction
	Email        string
	Street, City string
	Code         string
	Country      string
	Birthday     time.Time // zero when unknown
	Note         string
}

// Name is how people call them.
func (p Person) Name() string {
	if p.First == "" {
		return p.Organization
	}
	return strings.TrimSpace(p.First + " " + p.Last)
}

// People draws n acquaintances; phone numbers are all different.
func People(seed uint64, n int) []Person {
	people := make([]Person, n)
	for i := range people {
		d := New(seed, "person", fmt.Sprint(i))
		at := Pick(d, places)
		p := Person{
			First: Pick(d, firstNames), Last: Pick(d, lastNames), Phone: phoneNumber(i),
			Street: fmt.Sprintf("%s %d", capital(d.Words(1)), d.Between(1, 140)), City: at.city, Code: at.code, Country: at.country,
			Email: fmt.Sprintf("person%d@example.org", i+1),
		}
		switch {
		case d.Chance(10):
			p.First, p.Last, p.Organization = "", "", Pick(d, companies)
		case d.Chance(30):
			p.Organization = Pick(d, companies)
		}
		if d.Chance(40) {
			p.Birthday = time.Date(d.Between(1940, 2015), time.Month(d.Between(1, 12)), d.Between(1, 28), 12, 0, 0, 0, time.UTC)
		}
		if d.Chance(15) {
			p.Note = d.Text(60)
		}
		people[i] = p
	}
	return people
}

// phoneNumber gives the i-th number of the range 555-0100 to 555-0199, one
// area code after the other.
func phoneNumber(i int) string { return fmt.Sprintf("+1%d5550%d", 201+i/100%780, 100+i%100) }
