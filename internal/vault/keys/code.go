package keys

import (
	"crypto/rand"
	"fmt"
	"strings"
	"unicode"
)

// A recovery code is seven groups of five: four characters of 5 random bits, 140
// in all, and one that depends on them and on the group's place. It finds every
// single wrong character, every exchange of two and every exchange of groups.
const (
	codeGroups  = 7
	groupSize   = 5
	maxCodeText = 1024
	// alphabet lacks I, L, O and U: the first three are read as 1, 1, 0.
	alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// CodeError says where a recovery code was mistyped.
type CodeError struct {
	Group int // which group, from 1; 0 if the mistake is in the whole
	What  string
}

// Error quotes nothing of the code.
func (e *CodeError) Error() string {
	if e.Group == 0 {
		return "the recovery code is mistyped: " + e.What
	}
	return fmt.Sprintf("the recovery code is mistyped in group %d: %s", e.Group, e.What)
}

// newCode draws a code: as shown, and what of it is sealed.
func newCode() (shown string, plain []byte) {
	var b [codeGroups * (groupSize - 1)]byte
	_, _ = rand.Read(b[:]) // never fails
	var groups []string
	for g := range codeGroups {
		var group []byte
		for _, c := range b[g*(groupSize-1) : (g+1)*(groupSize-1)] {
			group = append(group, alphabet[c%32])
		}
		plain = append(plain, group...)
		groups = append(groups, string(append(group, checkCharacter(group, g+1))))
	}
	return strings.Join(groups, "-"), plain
}

// checkCharacter weighs the characters with the powers of 2 in the field of 32
// elements (modulus x⁵+x²+1), which are all different, and adds the place.
func checkCharacter(group []byte, place int) byte {
	sum := 0
	for _, c := range group {
		sum = (sum ^ strings.IndexByte(alphabet, c)) << 1
		if sum > 31 {
			sum ^= 0b100101
		}
	}
	return alphabet[sum^place]
}

// parseCode returns what of a typed code is sealed.
func parseCode(typed string) ([]byte, error) {
	if len(typed) > maxCodeText {
		return nil, &CodeError{What: "it is much too long"}
	}
	groups, err := splitCode(typed)
	if err != nil {
		return nil, err
	}
	var plain []byte
	for i, g := range groups {
		for _, c := range g {
			if !strings.ContainsRune(alphabet, c) {
				return nil, &CodeError{Group: i + 1, What: fmt.Sprintf("%q is in no recovery code", c)}
			}
		}
		switch {
		case len(g) != groupSize:
			return nil, &CodeError{Group: i + 1, What: fmt.Sprintf("it has %d characters, not %d", len(g), groupSize)}
		case checkCharacter([]byte(g[:groupSize-1]), i+1) != g[groupSize-1]:
			return nil, &CodeError{Group: i + 1, What: "a character is wrong, or groups are in the wrong order"}
		}
		plain = append(plain, g[:groupSize-1]...)
	}
	return plain, nil
}

// splitCode finds the groups: by what stands between them or, when that does
// not make seven, by their length.
func splitCode(typed string) ([]string, error) {
	upper := strings.Map(func(r rune) rune {
		switch r = unicode.ToUpper(r); r {
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, typed)
	groups := strings.FieldsFunc(upper, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Dash, r) || r == '_' || r == '.'
	})
	if len(groups) == codeGroups {
		return groups, nil
	}
	all := []rune(strings.Join(groups, ""))
	if len(all) != codeGroups*groupSize {
		return nil, &CodeError{What: fmt.Sprintf("it has %d characters, not %d", len(all), codeGroups*groupSize)}
	}
	groups = nil
	for ; len(all) > 0; all = all[groupSize:] {
		groups = append(groups, string(all[:groupSize]))
	}
	return groups, nil
}
