package host

import (
	"errors"
	"io/fs"
	"strings"

	"russet/internal/doctor"
	"russet/internal/home"
	"russet/internal/secrets"
)

// readSecrets tries whether what is remembered can be read. Nothing of it is
// kept or told.
func (h *Host) readSecrets() (state doctor.SecretsState, why string) {
	s, err := h.home.Secrets()
	if errors.Is(err, fs.ErrNotExist) {
		return doctor.SecretsGood, "" // there are none yet
	}
	if err != nil {
		return secretsState(err)
	}
	names, err := s.List("")
	if err != nil {
		return secretsState(err)
	}
	good, first := 0, error(nil)
	var damaged []string
	for _, name := range names {
		_, err := s.Get(name)
		switch {
		case err == nil:
			good++
		case errors.Is(err, secrets.ErrDamaged):
			damaged = append(damaged, secretText(name))
		case first == nil && !errors.Is(err, fs.ErrNotExist): // removed a moment ago
			first = err
		}
	}
	switch {
	case first != nil:
		return secretsState(first)
	case len(damaged) > 0 && good > 0:
		return doctor.SecretsPartly, strings.Join(damaged, "; ")
	case len(damaged) > 0:
		return secretsState(secrets.ErrDamaged)
	default:
		return doctor.SecretsGood, ""
	}
}

func secretsState(err error) (state doctor.SecretsState, why string) {
	for _, known := range []struct {
		err   error
		state doctor.SecretsState
	}{
		{secrets.ErrExposed, doctor.SecretsExposed},
		{secrets.ErrKeyring, doctor.SecretsKeyring},
		{secrets.ErrKeyLost, doctor.SecretsKeyLost},
		{secrets.ErrDamaged, doctor.SecretsDamaged},
	} {
		if errors.Is(err, known.err) {
			return known.state, known.err.Error()
		}
	}
	return doctor.SecretsTrouble, home.FileProblem(err)
}

// secretText says what a secret is for, without what it is.
func secretText(name string) string {
	kind, of, _ := strings.Cut(name, "/")
	switch kind {
	case "pair":
		return "the pairing of " + of
	case "password":
		return "the backup passwords of " + of
	case "key":
		return "the key of a backup"
	case "vault":
		return "what opens the vault " + of
	case "channel":
		return "what the channel " + of + " needs"
	default:
		return name
	}
}
