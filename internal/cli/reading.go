package cli

import (
	"context"

	"github.com/spf13/cobra"

	"russet"
	"russet/internal/host"
)

// maxTries is how often a person may mistype a password.
const maxTries = 3

// reading runs f with the backup password a person named, if one. When none
// that is known opens the backup and somebody sits at the terminal, they are
// asked for it.
func (a *app) reading(cmd *cobra.Command, passwordFile string, f func(context.Context, *host.Host) error) error {
	ctx := cmd.Context()
	h, err := a.hostFor(passwordFile)
	if err != nil {
		return err
	}
	err = f(ctx, h)
	for try := 0; try < maxTries && passwordFile == "" && a.asks && russet.KindOf(err) == russet.Password; try++ {
		a.warn("%s", err)
		password, askErr := a.askPassword(ctx, "Backup password: ", "--password-file")
		if askErr != nil {
			return askErr
		}
		err = f(ctx, h.WithTypedPassword(password))
	}
	return err
}
