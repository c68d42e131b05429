package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"skand/schema"
)

func newSchemaDiffCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what changes from one schema to another, in words or as data",
		Long: `One sentence a line for everything that NEW says differently; how the files are
written (order, zeros, defaults) is no difference. --json gives {"changes":[{"kind",
"pointer","old","new","words"}]}: kind is added, removed or changed, pointer points
into NEW (into OLD for what was removed). Drafts with errors can be compared too.
Exit 0 with and without a difference.`,
		Example: "  skand schema diff live.json draft.json\n  skand schema diff --json live.json draft.json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("%s: give OLD and NEW, two schema files", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := cmd.Flags().GetBool("json")
			if err != nil {
				return err
			}
			before, err := parseSchemaFile(cmd, args[0])
			if err != nil {
				return err
			}
			after, err := parseSchemaFile(cmd, args[1])
			if err != nil {
				return err
			}
			d := schema.Diff(before, after)
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(d)
			} else {
				err = printLines(cmd, d.Words(), "no difference")
			}
			if err != nil {
				return fmt.Errorf("write the difference: %w", err)
			}
			return nil
		},
	}
}

func printLines(cmd *cobra.Command, lines []string, none string) error {
	if len(lines) == 0 {
		lines = []string{none}
	}
	for _, l := range lines {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), l)
		if err != nil {
			return err
		}
	}
	return nil
}

// parseSchemaFile reads a schema that may have errors of meaning.
func parseSchemaFile(cmd *cobra.Command, name string) (*schema.Document, error) {
	text, err := readSchemaInput(cmd, name)
	if err != nil {
		return nil, err
	}
	text, err = schemaJSON(name, text)
	if err != nil {
		return nil, usagef("%s: %w", name, err)
	}
	doc, err := schema.Parse(text)
	if err != nil {
		return nil, usagef("%s: %w; see 'skand schema validate'", name, err)
	}
	return doc, nil
}
