package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"russet"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "say which russet this is", GroupID: "about",
		Long:    "Says which version of russet this is, and for which system it was built.",
		Example: "  russet version",
		Args:    needs(0, 0, "nothing else"),
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return writeJSON(a.out, map[string]string{
					"version": russet.Version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
				})
			}
			_, err := fmt.Fprintf(a.out, "russet %s (%s/%s, %s)\n", russet.Version, runtime.GOOS, runtime.GOARCH, runtime.Version())
			return err
		},
	}
}
