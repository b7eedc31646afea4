package plist

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// cleaned drops the control characters that XML forbids: real devices put
// them into names all the same, and hosts pass them on.
func cleaned(text []byte) string {
	if bytes.IndexFunc(text, forbidden) < 0 {
		return string(text)
	}
	return strings.Map(func(c rune) rune {
		if forbidden(c) {
			return -1
		}
		return c
	}, string(text))
}

func forbidden(c rune) bool {
	return c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF
}

func parseInteger(text string) (any, error) {
	digits, base := text, 10
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = hex, 16
	}
	if n, err := strconv.ParseInt(digits, base, 64); err == nil {
		return n, nil
	}
	if len(digits) > 48 {
		return nil, syntax("integer of %d digits", len(digits))
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil, syntax("integer %q", text)
	}
	mask := new(big.Int).SetUint64(math.MaxUint64)
	return int64(n.And(n, mask).Uint64()), nil
}

func parseData(text string) (any, error) {
	compact := strings.Map(func(c rune) rune {
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			return -1
		}
		return c
	}, text)
	b, err := base64.StdEncoding.DecodeString(compact)
	if err != nil {
		return nil, syntax("data that is no base64")
	}
	return b, nil
}

func parseDate(text string) (any, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, syntax("date %.40q", text)
	}
	return t.UTC(), nil
}
