package keys

// CheckCharacter is that of a group of a recovery code.
func CheckCharacter(group string, place int) byte { return checkCharacter([]byte(group), place) }

// Alphabet of recovery codes.
const Alphabet = alphabet
