package reach

import (
	"fmt"
	"slices"
	"strings"

	"russet"
)

// FindDevice picks the device a person means out of some: its UDID, a unique
// prefix of it, or its name. Dashes and case do not matter in identifiers.
func FindDevice(devices []russet.Device, word string) (russet.Device, error) {
	devices = Distinct(devices)
	var hits []russet.Device
	for _, match := range []func(russet.Device) bool{
		func(d russet.Device) bool { return fold(string(d.UDID)) == fold(word) },
		func(d russet.Device) bool { return d.Name == word },
		func(d russet.Device) bool { return strings.EqualFold(straight(d.Name), straight(word)) },
		func(d russet.Device) bool {
			return word != "" && strings.HasPrefix(fold(string(d.UDID)), fold(word))
		},
	} {
		hits = slices.DeleteFunc(slices.Clone(devices), func(d russet.Device) bool { return !match(d) })
		if len(hits) == 1 {
			return hits[0], nil
		}
		if len(hits) > 1 {
			return russet.Device{}, Ambiguous("device", word, Lines(hits))
		}
	}
	e := &russet.Error{Kind: russet.NotConnected, What: fmt.Sprintf("no device %q is known here", word)}
	if len(devices) > 0 {
		e.Hint = "there are: " + strings.Join(Lines(devices), "; ")
	}
	return russet.Device{}, e
}

// fold takes the dash out of an identifier and the case out of it.
func fold(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }

// straight makes the apostrophe that phones put into "Anna’s iPhone" the one
// that keyboards have.
func straight(name string) string { return strings.ReplaceAll(name, "’", "'") }

// Distinct drops the second sight of a device that is on the cable and on the
// network; the cable, listed first, wins.
func Distinct(devices []russet.Device) []russet.Device {
	var out []russet.Device
	for _, d := range devices {
		if !slices.ContainsFunc(out, func(o russet.Device) bool { return o.UDID == d.UDID }) {
			out = append(out, d)
		}
	}
	return out
}

// Lines names devices so that they can be told apart, one line each.
func Lines(devices []russet.Device) []string {
	lines := make([]string, len(devices))
	for i, d := range devices {
		lines[i] = string(d.UDID)
		if d.Name != "" && d.Name != lines[i] {
			lines[i] = fmt.Sprintf("%q %s", d.Name, d.UDID)
		}
	}
	return lines
}

// Ambiguous refuses a word that could mean more than one of what: a device, a
// backup.
func Ambiguous(what, word string, candidates []string) error {
	return &russet.Error{
		Kind: russet.Usage, What: fmt.Sprintf("%q could be more than one %s", word, what),
		Hint: "say which: " + strings.Join(candidates, "; "),
	}
}
