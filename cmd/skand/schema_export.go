package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"skand/schema"
	"skand/schema/format"
)

func newSchemaExportCmd() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "export --format F FILE",
		Short: "Write a schema in the format of a network or vendor",
		Long: "Formats: " + strings.Join(format.Names(), ", ") + `.
The mapping goes to standard output, what was lost to standard error, one line each,
and so does what the format holds but its networks do not take. With --json all stand
in one object, {"mapping", "lost", "warnings"}; a csv is a string there.
Exit 0 also with losses, 1 if the file is not a schema, 2 for wrong usage.`,
		Example: "  skand schema export --format meta puzzle.json > mapping.json",
		Args:    oneSchemaFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := knownFormat(name)
			if err != nil {
				return err
			}
			text, err := readSchemaInput(cmd, args[0])
			if err != nil {
				return err
			}
			text, err = schemaJSON(args[0], text)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			d, err := schema.Parse(text)
			if err != nil {
				return fmt.Errorf("%s: %w; see 'skand schema validate'", args[0], err)
			}
			return answerExport(cmd, name, d)
		},
	}
	cmd.Flags().StringVar(&name, "format", "", "format to write: "+strings.Join(format.Names(), ", "))
	return cmd
}

func answerExport(cmd *cobra.Command, name string, d *schema.Document) error {
	asJSON, err := cmd.Flags().GetBool("json")
	if err != nil {
		return err
	}
	body, lost, err := format.Export(name, d, format.About{})
	if err != nil {
		return err
	}
	warnings := format.Lint(name, d)
	if asJSON {
		var mapping any = string(body)
		if json.Valid(body) {
			mapping = json.RawMessage(body)
		}
		return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
			Mapping  any              `json:"mapping"`
			Lost     []format.Loss    `json:"lost"`
			Warnings []schema.Finding `json:"warnings"`
		}{mapping, append([]format.Loss{}, lost...), append([]schema.Finding{}, warnings...)})
	}
	_, err = cmd.OutOrStdout().Write(body)
	if err != nil {
		return fmt.Errorf("write the mapping: %w", err)
	}
	printLosses(cmd, lost)
	for _, w := range warnings {
		cmd.PrintErrf("warning: %s: %s: %s\n", w.Pointer, w.Code, w.Message)
	}
	return nil
}
