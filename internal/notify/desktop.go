package notify

import "russet"

// noDesktop is why nothing can be shown on this computer's screen.
func noDesktop(why string, err error) *trouble {
	return &trouble{
		kind: russet.Unsupported, what: why, err: err,
		hint: "a service sees no screen: run \"russet serve\" in your own session, or use another channel (russet notify add --help)",
	}
}
