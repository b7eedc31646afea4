package keys

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"russet/internal/secrets"
)

// ErrUnusable: this can be no password of a vault.
var ErrUnusable = errors.New("this cannot be the password of a vault")

const (
	maxPassword   = 1024
	shortPassword = 12
)

// normal is the form of a password that is sealed: Unicode's NFC, so that an ü
// typed on a Mac (where it may come as u and two dots) opens what one typed
// elsewhere closed.
func normal(password secrets.Secret) ([]byte, error) {
	p := string(password)
	switch {
	case p == "":
		return nil, fmt.Errorf("%w: it is empty", ErrUnusable)
	case len(p) > maxPassword:
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrUnusable, maxPassword)
	case !utf8.ValidString(p):
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrUnusable)
	}
	for _, r := range p {
		if unicode.IsControl(r) {
			return nil, fmt.Errorf("%w: it holds a control character, which cannot be typed", ErrUnusable)
		}
	}
	return norm.NFC.Bytes([]byte(p)), nil
}

// Weakness says what speaks against a new password that is possible all the
// same; "" if nothing simple does. It is no judge of good ones: it knows no
// word lists.
func Weakness(password secrets.Secret) string {
	runes := []rune(string(password))
	different := map[rune]bool{}
	digits := 0
	for _, r := range runes {
		different[r] = true
		if unicode.IsDigit(r) {
			digits++
		}
	}
	switch {
	case len(runes) < shortPassword:
		return fmt.Sprintf("it is short: whoever gets at the storage can try passwords as long as they like. Take %d characters or more, such as five unusual words", shortPassword)
	case len(different) < 5:
		return "it repeats few characters: take for example five unusual words"
	case digits == len(runes):
		return "it is made of digits only: take for example five unusual words"
	default:
		return ""
	}
}
