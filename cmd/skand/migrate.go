package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newMigrateCmd is `skand migrate`.
func newMigrateCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring both databases to this version; only ever forward",
		Long: "serve does this when it starts. migrate does it by itself, for a role that may create tables where\n" +
			"the one that serve runs as may not. The published database is made where it is missing.",
		Example: "  skand migrate --db postgres://owner@db/skand",
		Args:    noArgs,
	}
	t := addTargetFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if t.remote() {
			return usagef("migrate: --server: it works on --db only")
		}
		app, err := t.app(cmd)
		if err != nil {
			return err
		}
		if err := app.Close(); err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "both databases are at this version")
		return err
	}
	return cmd
}
