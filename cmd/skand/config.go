package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"skand/internal/config"
)

// newConfigCmd is `skand config`: what serve would be told, or all it can be told.
func newConfigCmd() *cobra.Command {
	var defaults bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration, or print a whole skand.yaml",
		Long: "Without a flag, config reads the file, the environment and the flags as serve would, and says\n" +
			"whether they are good. With --print-defaults it prints every key with its default and meaning.",
		Example: "  skand config --print-defaults > skand.yaml\n  skand config --config skand.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if defaults {
				return config.PrintDefaults(cmd.OutOrStdout())
			}
			c, err := config.Load(cmd.Flags(), os.Environ())
			if err != nil {
				return usagef("%w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "the configuration is good; db is %s\n", c.Redacted().DB)
			return err
		},
	}
	config.AddFlags(cmd.Flags())
	cmd.Flags().BoolVar(&defaults, "print-defaults", false, "print a whole skand.yaml with the defaults")
	return cmd
}
