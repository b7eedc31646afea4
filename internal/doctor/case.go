package doctor

import (
	"fmt"
	"strings"

	"russet"
)

// Code names a case for scripts. Codes are never given another meaning.
type Code string

// Case is one thing the doctor can find.
type Case struct {
	Code Code
	Good bool
	Kind russet.Kind // 0: it is good, or only worth a word
	// What and Next are sentences in which words in braces stand for what is
	// known when they are said. Next is "" if there is nothing to do.
	What, Next string
}

// Section is a part of the catalogue.
type Section struct {
	Title string
	Cases []Case
}

// Catalogue is everything the doctor can find, in the order in which it looks.
func Catalogue() []Section {
	return []Section{
		{"This computer and russet's own folder", homeCases()},
		{"The cable", cableCases()},
		{"A phone that is here", phoneCases()},
		{"The network", networkCases()},
		{"A phone that is not here", absentCases()},
		{"What happens by itself", serviceCases()},
		{"Stores", storeCases()},
		{"The last backups", historyCases()},
	}
}

// say makes a finding of a case. The words come in pairs, a name and what
// stands for it.
func say(code Code, words ...string) Finding {
	for _, s := range Catalogue() {
		for _, c := range s.Cases {
			if c.Code == code {
				fill := filler(words)
				return Finding{Code: c.Code, Good: c.Good, Kind: c.Kind, What: fill.Replace(c.What), Hint: fill.Replace(c.Next)}
			}
		}
	}
	panic(fmt.Sprintf("doctor: there is no case %q", code))
}

func filler(words []string) *strings.Replacer {
	pairs := make([]string, len(words))
	for i := 0; i+1 < len(words); i += 2 {
		pairs[i], pairs[i+1] = "{"+words[i]+"}", words[i+1]
	}
	return strings.NewReplacer(pairs...)
}
