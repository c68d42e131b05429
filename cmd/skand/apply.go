package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"skand/internal/apply"
	"skand/internal/store"
)

// newApplyCmd is `skand apply`.
func newApplyCmd() *cobra.Command {
	var path string
	var dry bool
	cmd := &cobra.Command{
		Use:   "apply -f DIR",
		Short: "Bring apps, networks, schemas, destinations and keys to what the files say",
		Long: "apply reads one file, or every YAML and JSON file of a folder, checks everything and stores it in one\n" +
			"transaction; running it again changes nothing. A schema that differs from the current one is published\n" +
			"as a new version. With --dry-run it stores nothing and ends with 3 if something would change.",
		Example: "  skand apply -f config/ --dry-run\n  skand apply -f config/ --server http://127.0.0.1:8081 --token $TOKEN",
		Args:    noArgs,
	}
	t := addTargetFlags(cmd)
	cmd.Flags().StringVarP(&path, "file", "f", "", "file or folder to apply")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "print the difference and store nothing (exit 3: there is one)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if path == "" {
			return usagef("apply: -f is missing; name a file or a folder")
		}
		bundle, err := apply.Read(path)
		if err != nil {
			return usagef("apply: %w", err)
		}
		bundle.TakeSecrets(os.Getenv)
		changes, err := runApply(cmd, t, bundle, dry)
		if err != nil {
			return err
		}
		return printChanges(cmd.OutOrStdout(), changes, dry)
	}
	return cmd
}

func runApply(cmd *cobra.Command, t *target, b *apply.Bundle, dry bool) ([]store.Change, error) {
	if t.remote() {
		path := "/v1/apply"
		if dry {
			path += "?dry_run=true"
		}
		var answer struct {
			Changes []store.Change `json:"changes"`
		}
		err := t.post(cmd.Context(), path, b, &answer)
		return answer.Changes, err
	}
	app, err := t.app(cmd)
	if err != nil {
		return nil, err
	}
	defer func() { _ = app.Close() }() // applied is committed
	allow, err := app.store.AllowPrivate(cmd.Context())
	if err != nil {
		return nil, err
	}
	if err := b.Check(allow); err != nil {
		return nil, usagef("apply: %w", err)
	}
	return app.store.Apply(cmd.Context(), b, "skand apply", dry)
}

func printChanges(w io.Writer, changes []store.Change, dry bool) error {
	n := 0
	for _, c := range changes {
		if c.Action != "same" && c.Action != store.ActionWarn {
			n++
		}
		if _, err := fmt.Fprintf(w, "%-7s %s %s\n", c.Action, c.What, c.Detail); err != nil {
			return err
		}
	}
	if dry && n > 0 {
		return quietExit(3)
	}
	return nil
}
