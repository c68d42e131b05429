package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"skand/internal/apply"
)

// newExportCmd is `skand export`.
func newExportCmd() *cobra.Command {
	var dir string
	var force bool
	cmd := &cobra.Command{
		Use:   "export -o DIR",
		Short: "Write apps, networks, schemas, destinations and keys as the files that apply reads",
		Long: "export writes a folder of YAML files, and a JSON file for each app's newest schema. Applied to the same\n" +
			"store they change nothing; the same store always gives the same bytes, so the folder suits version control.\n" +
			"There is no secret that skand keeps in it, and no history: earlier versions of a schema stay in the store.",
		Example: "  skand export -o config/\n  skand export -o config/ --force --server http://127.0.0.1:8081 --token $TOKEN",
		Args:    noArgs,
	}
	t := addTargetFlags(cmd)
	cmd.Flags().StringVarP(&dir, "output", "o", "", "folder to write to; it is made if need be")
	cmd.Flags().BoolVar(&force, "force", false, "replace the files of an earlier export; other files stay")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if dir == "" {
			return usagef("export: -o is missing; name a folder")
		}
		b, err := readExport(cmd, t)
		if err != nil {
			return err
		}
		files, err := b.Files()
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		err = apply.WriteFiles(dir, files, force)
		if errors.Is(err, apply.ErrNotEmpty) {
			return usagef("export: -o %s: is not empty; name another folder, or add --force to replace the files of an earlier export", dir)
		}
		if err != nil {
			return err
		}
		for _, f := range files {
			fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(dir, filepath.FromSlash(f.Name)))
		}
		return appliable(b)
	}
	return cmd
}

func readExport(cmd *cobra.Command, t *target) (*apply.Bundle, error) {
	if t.remote() {
		raw, err := t.get(cmd.Context(), "/v1/export")
		if err != nil {
			return nil, err
		}
		b, err := apply.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("read the answer of --server: %w", err)
		}
		return b, nil
	}
	app, err := t.app(cmd)
	if err != nil {
		return nil, err
	}
	defer func() { _ = app.Close() }() // it was only read
	return app.store.Export(cmd.Context())
}

// appliable says so when apply would not take back what was written. Single applies
// can leave that behind, such as a currency changed without its schema.
func appliable(b *apply.Bundle) error {
	if err := b.Check(nil); err != nil {
		return fmt.Errorf("export: the files are written, but apply would refuse them; put right in them: %w", err)
	}
	return nil
}
