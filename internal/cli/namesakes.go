package cli

import (
	"cmp"
	"strings"

	"russet"
)

// namesakes tells devices of one list apart whose names are the same.
type namesakes map[string]russet.UDID // by name in small letters; "" where several have it

// see takes in a device of the list.
func (n namesakes) see(udid russet.UDID, name string) {
	key := strings.ToLower(name)
	if first, seen := n[key]; seen && first != udid {
		udid = ""
	}
	n[key] = udid
}

// call is the name of a device, with the end of its UDID where another one of
// the list has the same; without a name the UDID.
func (n namesakes) call(udid russet.UDID, name string) string {
	if name != "" && n[strings.ToLower(name)] == "" {
		return name + " (…" + string(udid[max(0, len(udid)-4):]) + ")"
	}
	return cmp.Or(name, string(udid))
}

// namesakesOf takes in all devices of a list.
func namesakesOf[T any](list []T, who func(T) (russet.UDID, string)) namesakes {
	n := namesakes{}
	for _, e := range list {
		n.see(who(e))
	}
	return n
}
