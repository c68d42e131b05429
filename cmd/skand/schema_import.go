package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"skand/internal/nearest"
	"skand/schema"
	"skand/schema/format"
)

func newSchemaImportCmd() *cobra.Command {
	var name string
	var app int64
	cmd := &cobra.Command{
		Use:   "import --format F [--app ID] FILE",
		Short: "Turn a network's or vendor's mapping into a schema",
		Long: "Formats: " + strings.Join(format.Names(), ", ") + `.
The schema goes to standard output, what was lost to standard error, one line each.
With --json both stand in one object, {"schema", "lost"}. Without --app the app is
the one that the file names, if it names one.
Exit 0 also with losses, 1 if the file is not of the format, 2 for wrong usage.`,
		Example: "  skand schema import --format google-ads --app 525463029 mapping.json > puzzle.json",
		Args:    oneSchemaFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := knownFormat(name)
			if err != nil {
				return err
			}
			if app < 0 {
				return usagef("--app: is %d; give the app's number in the App Store", app)
			}
			body, err := readSchemaInput(cmd, args[0])
			if err != nil {
				return err
			}
			d, lost, err := format.Import(name, body, app)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return answerImport(cmd, d, lost)
		},
	}
	cmd.Flags().StringVar(&name, "format", "", "format of FILE: "+strings.Join(format.Names(), ", "))
	cmd.Flags().Int64Var(&app, "app", 0, "number of the app in the App Store")
	return cmd
}

func answerImport(cmd *cobra.Command, d *schema.Document, lost []format.Loss) error {
	asJSON, err := cmd.Flags().GetBool("json")
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
			Schema *schema.Document `json:"schema"`
			Lost   []format.Loss    `json:"lost"`
		}{d, append([]format.Loss{}, lost...)})
	}
	text, err := d.Canonical()
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	err = json.Indent(&indented, text, "", "  ")
	if err != nil {
		return fmt.Errorf("write the schema: %w", err)
	}
	indented.WriteByte('\n')
	_, err = cmd.OutOrStdout().Write(indented.Bytes())
	if err != nil {
		return fmt.Errorf("write the schema: %w", err)
	}
	printLosses(cmd, lost)
	return nil
}

// printLosses tells people what did not come over, one line each.
func printLosses(cmd *cobra.Command, lost []format.Loss) {
	for _, l := range lost {
		at := l.Pointer
		if at == "" {
			at = "(whole)"
		}
		cmd.PrintErrf("lost: %s: %s\n", at, l.Message)
	}
}

// knownFormat refuses names of no format, with the one that was probably meant.
func knownFormat(name string) error {
	names := format.Names()
	list := strings.Join(names, ", ")
	switch {
	case name == "":
		return usagef("--format: is missing; use one of %s", list)
	case slices.Contains(names, name):
		return nil
	}
	if meant := meantFormat(strings.ToLower(name), names); meant != "" {
		return usagef("--format: there is no format %q; did you mean %s? There are %s", name, meant, list)
	}
	return usagef("--format: there is no format %q; use one of %s", name, list)
}

// meantFormat is the format that is two slips away from a word, or the first that the
// word is a part of, or that is a part of it; "" if none is.
func meantFormat(word string, names []string) string {
	if best, slips := nearest.Name(word, names); slips <= 2 {
		return best
	}
	for _, n := range names {
		if len(word) >= 3 && (strings.Contains(n, word) || strings.Contains(word, n)) {
			return n
		}
	}
	return ""
}
