package overlay

import (
	"slices"
	"strings"
)

// SameButForCase finds two names of a folder, as List returned it, that many
// file systems hold for one.
func SameButForCase(items []Item) (one, other string, found bool) {
	var folded map[string]string
	for _, it := range items {
		lower := strings.ToLower(it.Name)
		if lower == it.Name && len(it.Name) == 40 {
			continue // a payload: lower case already, and there may be many
		}
		if same, ok := folded[lower]; ok {
			return same, it.Name, true
		}
		if folded == nil {
			folded = map[string]string{}
		}
		folded[lower] = it.Name
	}
	for lower, name := range folded {
		if lower == name || len(lower) != 40 {
			continue
		}
		if _, ok := slices.BinarySearchFunc(items, lower, func(it Item, s string) int { return strings.Compare(it.Name, s) }); ok {
			return lower, name, true
		}
	}
	return "", "", false
}
