package secrets

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a string that does not print: not with the verbs of fmt, not in
// logs, not as JSON. string(s) is the way to its value. Three ways around it
// cannot be closed: fields that are not exported, which fmt prints without
// asking, its verb %p, and keys of a map in JSON.
type Secret string

const hidden = "…"

// Format prints no secret, whatever the verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, hidden) }

// String gives nothing away.
func (Secret) String() string { return hidden }

// GoString gives nothing away.
func (Secret) GoString() string { return hidden }

// LogValue gives nothing away.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON gives nothing away.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
